import Analyzer
import ArgumentParser
import Retry

/// What rules that somebody thinks of would cost on what a route has been through.
struct WhatIfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Price rules of your own on the recorded failures of a route; changes nothing.",
        usage: "meantime whatif <route> --rule <rule> [--rule <rule> ...] [options]",
        discussion: """
            Each rule is played through the proxy's own retry machine on the failures in the log, beside the \
            rule in force. Costs are seconds a request by the route's objective: time, plus what a failure and \
            an extra attempt cost. Intervals are 95 %, from resampling outages.

            Hedges and ejection are priced as a proxy would play them that has them; Meantime's has neither yet.

            A rule is written as in the rule file, on one line. Rules of --rule come first, then those of files. \
            --rules-from takes the route's rule from a file \
            instead, such as one for 'meantime rules apply'.

            EXAMPLES
              meantime whatif checkout --rule '{timeout: 1s}'
              meantime whatif checkout --rule '{timeout: 1s}' --rule '{timeout: 2s}'
              meantime whatif checkout --rule '{hedge: {delay: 20ms}, ejection: 3s}'
              meantime whatif checkout --rules-from proposed.yaml --since 7d
            """
    )

    @Argument(help: ArgumentHelp("Which route.", valueName: "route"))
    var route: String

    @Option(help: ArgumentHelp("A rule to price; may be given several times.", valueName: "rule"))
    var rule: [String] = []

    @Option(
        help: ArgumentHelp("A rule file that has a rule for the route; may be given several times.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var rulesFrom: [String] = []

    @Option(help: ArgumentHelp("How to write the result.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var since: SinceOption
    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func validate() throws {
        if rule.isEmpty, rulesFrom.isEmpty {
            throw ValidationError("name a rule: --rule '{timeout: 2s}' or --rules-from <file>")
        }
    }

    func run() throws {
        let configuration = try source.configuration()
        let asked = try rule.enumerated().map { try Self.parse($1, number: $0 + 1) } + rulesFrom.map(load)
        let present = try RulesFile.load(rulesOption.path(configuration))
        let log = try RouteLog(route, source.storePaths(configuration), fromUs: since.fromUs(nowUs: WallClock.nowUs))
        defer { log.close() }
        let tuner = Tuner(configuration: configuration, present: present.rules)
        guard let comparison = try log.read({ tuner.compare(asked, on: $0) }) else { throw try log.nothingFound() }
        try format.print {
            WhatIfText.text(comparison, style: $0)
        } json: {
            WhatIfText.json(comparison)
        }
    }

    /// One rule in the words of a rule file.
    private static func parse(_ text: String, number: Int) throws -> Rule {
        let name = "--rule \(number)"
        if text.contains(where: \.isNewline) { throw Failure(name, "write it on one line: {timeout: 2s, retry: {…}}") }
        let file = "version: 1\nroutes:\n  asked: \(text)\n"
        do throws(FileError) {
            guard let rule = try RuleSet(yaml: file, file: name).rule(for: "asked") else {
                throw FileError(file: name, reason: "is empty; write a rule such as {timeout: 2s}")
            }
            return rule
        } catch {
            // Of the file around it nobody knows.
            throw Failure(name, error.reason.replacing("routes.asked", with: "rule"))
        }
    }

    private func load(_ path: String) throws -> Rule {
        let set = try RuleSet(yaml: TextFile.read(path, hint: "name a rule file"), file: path)
        guard let rule = set.rule(for: route) else {
            let named = set.routes.keys.sorted().joined(separator: ", ")
            throw Failure(path, "has no rule for route '\(route)'; it names \(named.isEmpty ? "none" : named)")
        }
        return rule
    }
}
