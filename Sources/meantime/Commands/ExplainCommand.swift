import Analyzer
import ArgumentParser
import Retry

/// All that is known of one route, and why its rule is its rule.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what is known of a route, what its rules would cost, and why; changes nothing.",
        usage: "meantime explain <route> [options]",
        discussion: """
            How the route fails, how long failures last, how long answers take, and what the rules of 'meantime \
            tune' would cost on all of that: the best for every number of retries, beside the rule in force. Then \
            the best rule that other proxies' configuration can say; with --dialect, that as a fragment of it. \
            Last, when to send an attempt beside a slow one and how long a failing host should rest, which the proxy \
            does not do yet.

            EXAMPLES
              meantime explain checkout
              meantime explain checkout --since 7d --config meantime.yaml
              meantime explain checkout --format json | jq .tuning.reason
              meantime explain checkout --dialect envoy
            """
    )

    @Argument(help: ArgumentHelp("Which route.", valueName: "route"))
    var route: String

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: DocumentFormat = .table

    @Option(
        help: ArgumentHelp(
            "Only the best rule in the words of another proxy, as a fragment of its configuration.", valueName: "proxy")
    )
    var dialect: DialectName?

    @OptionGroup var since: SinceOption
    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func run() throws {
        let configuration = try source.configuration()
        let present = try RulesFile.load(rulesOption.path(configuration))
        let log = try RouteLog(route, source.storePaths(configuration), fromUs: since.fromUs(nowUs: WallClock.nowUs))
        defer { log.close() }
        var tuner = Tuner(configuration: configuration, present: present.rules)
        tuner.listsCandidates = true
        let found = try log.read { columns in
            tuner.tune(columns).flatMap { tuning in tuner.alternatives(to: tuning, columns).map { (tuning, $0) } }
        }
        guard let (tuning, alternatives) = found else { throw try log.nothingFound() }
        if let dialect { return try printOnly(dialect.dialect, of: alternatives) }
        let reports = try Self.reports(log)
        try format.print {
            ExplainText.text(tuning, alternatives, reports.map(\.table), style: $0)
        } json: {
            ExplainText.json(tuning, alternatives, reports)
        }
    }

    /// The fragment alone, so that it can be piped into a file; what JSON has no room for goes to stderr.
    private func printOnly(_ dialect: Dialect, of alternatives: RouteAlternatives) throws {
        guard let rule = alternatives.dialects.first(where: { $0.dialect == dialect }) else {
            throw Failure(route, "no rule of \(dialect.rawValue) keeps the limits of the objective")
        }
        let snippet = DialectSnippet(rule, route: route)
        if !snippet.hasComments && format == .table {
            for note in rule.notes { Terminal.writeError("\(dialect.rawValue): \(note)\n") }
        }
        try format.print { _ in
            snippet.text
        } json: {
            DialectText.json(rule, route: route)
        }
    }

    private static func reports(_ log: RouteLog) throws -> [(name: String, table: ReportTable)] {
        [
            ("failure-times", try FailureTimesReport.table(of: log.source, scope: log.scope)),
            ("recovery", try RecoveryReport.table(of: log.source, scope: log.scope)),
            ("outages", try OutagesReport.table(of: log.source, scope: log.scope)),
            ("latency", try LatencyReport.table(of: log.source, scope: log.scope)),
            ("retries", try RetriesReport.table(of: log.source, scope: log.scope)),
        ]
    }
}

/// A dialect as people name it.
struct DialectName: ExpressibleByArgument {
    let dialect: Dialect

    init?(argument: String) {
        guard let named = Dialect(rawValue: argument) else { return nil }
        dialect = named
    }

    static var allValueStrings: [String] { Dialect.allCases.map(\.rawValue) }
}
