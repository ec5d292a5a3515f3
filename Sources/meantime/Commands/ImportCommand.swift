public import ArgumentParser
public import Collector

extension ImportFormat: ExpressibleByArgument {}

/// Logs into the store.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take in attempts from logs; the second time adds nothing.",
        usage: "meantime import --format attempts|envoy [options] <file> ...",
        discussion: """
            Formats: 'envoy' reads what Envoy's upstream_log and access_log write as \
            json_format, in one file or several; 'attempts' is one JSON object an attempt \
            with start_us, duration_us, route, outcome and, optionally, the other columns. \
            A malformed line is reported with its number and kept in the reject file; the \
            rest is imported. Files may be gzipped; - is stdin.

            EXAMPLES
              meantime import --format envoy access.log
              meantime import --format envoy upstream.log.1.gz upstream.log access.log
              zcat old.gz | meantime import --format attempts --store old.db -
              meantime import --format attempts --strict attempts.jsonl
            """
    )

    @Argument(
        help: ArgumentHelp("The logs; several are read side by side in the order of their times.", valueName: "file"),
        completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("What the lines are.", valueName: "format"))
    var format: ImportFormat

    @Flag(help: "Stop at the first malformed line, importing nothing.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "Where malformed lines are kept (default: the store's name with .rejects).", valueName: "file"))
    var rejects: String?

    @Option(help: ArgumentHelp("How to write what became of the lines.", valueName: "format"))
    var summary: DocumentFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let storePath = try source.storePath(source.configuration())
        let target = try ImportStore(path: storePath)
        let rejectPath = rejects ?? storePath + ".rejects"
        let report = try load(into: target, rejectPath: rejectPath)
        switch summary {
        case .table:
            let style = Style(for: Terminal.output)
            try Output.print(ImportText.text(report, store: storePath, rejects: rejectPath, style: style))
        case .json:
            try Output.print(ImportText.json(report, store: storePath, rejects: rejectPath).prettyText() + "\n")
        }
        for problem in report.problems { Exit.complain("\(problem); what came before it was imported") }
        if report.rejects > 0, report.rejects + report.blankLines == report.lines {
            throw Failure(
                files.joined(separator: " "), "every line was rejected; is --format \(format.rawValue) right?")
        }
        if !report.problems.isEmpty { throw ExitCode(Exit.failed) }
    }

    private func load(into target: ImportStore, rejectPath: String) throws -> ImportReport {
        let progress = Progress("import", unit: .bytes)
        defer { progress.finish() }
        return try AttemptImporter(format: format, strict: strict, rejectPath: rejectPath).run(
            inputs: files.map(ImportInput.init(argument:)), into: target
        ) { state in
            progress.update(done: state.bytesRead, total: state.totalBytes, note: "\(state.lines) lines")
        }
    }
}
