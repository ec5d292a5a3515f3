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
            tune' would cost on all of that: the best for every number of retries, beside the rule in force.

            EXAMPLES
              meantime explain checkout
              meantime explain checkout --since 7d --config meantime.yaml
              meantime explain checkout --format json | jq .tuning.reason
            """
    )

    @Argument(help: ArgumentHelp("Which route.", valueName: "route"))
    var route: String

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: DocumentFormat = .table

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
        guard let tuning = try log.read({ tuner.tune($0) }) else { throw try log.nothingFound() }
        let reports = try Self.reports(log)
        try format.print {
            ExplainText.text(tuning, reports.map(\.table), style: $0)
        } json: {
            ExplainText.json(tuning, reports)
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
