import ArgumentParser
import Glibc
import Retry

/// The whole loop on this machine, measured.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "See the whole loop on this machine, with pictures of before and after.",
        usage: "meantime demo [--seed <number>] [--short] [--out <directory>] [options]",
        discussion: """
            Starts small services that fail in the ways services fail, each host a \
            process of its own, and a proxy in front of them with Envoy's default rules. \
            Sends traffic, tunes on what the proxy logged, lets the running proxy take the \
            new rules, and sends the same requests into the same faults again. Everything \
            stays on this machine and in one directory; all that was started is stopped.

            EXAMPLES
              meantime demo                         a minute and a half
              meantime demo --seed 2 --out d2       other faults
              meantime demo --short                 a quick look: too little to tune on
              meantime demo --keep                  leave hosts and proxy up until Enter
            """
    )

    @Option(help: ArgumentHelp("Faults and requests follow from it.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Length of each of the two runs (default: 36; 10 with --short).", valueName: "seconds"))
    var seconds: Int?

    @Flag(help: "Runs of ten seconds.")
    var short = false

    @Option(help: ArgumentHelp("Where to put configuration, rules, store and page.", valueName: "directory"))
    var out = "demo-out"

    @Option(help: ArgumentHelp("How to write the result.", valueName: "format"))
    var format: DocumentFormat = .table

    @Flag(help: "Keep hosts and proxy running until Enter is pressed or standard input ends.")
    var keep = false

    @Flag(help: "Fail unless the cost halves, attempts stay within 1.2 ×, and all costs are as predicted.")
    var check = false

    func validate() throws {
        if let seconds, !(5...600).contains(seconds) {
            throw ValidationError("--seconds must be from 5 to 600, found \(seconds)")
        }
        if short && seconds != nil { throw ValidationError("give --short or --seconds, not both") }
    }

    func run() async throws {
        // A host that died shows as an error of its pipe, not as the end of the demo.
        signal(SIGPIPE, SIG_IGN)
        let durationUs = Int64(seconds ?? (short ? 10 : 36)) * 1_000_000
        let directory = try DemoDirectory(path: out)
        let progress = DemoProgress()
        let run = DemoRun(
            plan: FaultPlan(seed: seed, durationUs: durationUs), directory: directory, progress: progress)
        var broken: [String] = []
        try await run.run { findings in
            broken = findings.brokenPromises
            if !broken.isEmpty, let warning = findings.warning { broken.append(warning) }
            try conclude(findings, directory)
            guard keep else { return }
            progress.say("hosts and proxy stay up (see \(directory.configuration)); press Enter to stop them")
            _ = readLine()
        }
        if check && !broken.isEmpty { throw Failure("demo --seed \(seed)", broken.joined(separator: "; ")) }
    }

    private func conclude(_ findings: DemoFindings, _ directory: DemoDirectory) throws {
        let json = DemoJSON.document(findings).prettyText() + "\n"
        try DemoDirectory.write(json, to: directory.numbers)
        try DemoDirectory.write(DemoPage(input: findings, directory: directory.path).html(), to: directory.page)
        switch format {
        case .table:
            try Output.print(
                DemoTable.text(findings, style: Style(for: Terminal.output)) + "Pictures: \(directory.page)\n")
        case .json: try Output.print(json)
        }
    }
}
