import Analyzer
import ArgumentParser
import Collector
import Retry

/// What the attempts say, as numbers.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Report what the attempts on record say.",
        usage: "meantime report <report> [--route <name>] [--since <when>] [options]",
        discussion: """
            REPORTS
              failure-times   outages and the times between failures
              recovery        how long after a failure an attempt succeeds again
              latency         times to an answer, with timeouts honoured as censored
              retries         what retries did: tries, waits, success
              rules           the rules in force with the evidence they rest on

            Durations are readable in tables and whole microseconds in JSON and CSV.

            EXAMPLES
              meantime report recovery
              meantime report failure-times --route checkout --since 7d
              meantime report latency --format csv > latency.csv
              meantime report rules --config meantime.yaml
              meantime report recovery --store a.db --store b.db
            """
    )

    /// Which report.
    enum Report: String, ExpressibleByArgument, CaseIterable {
        case failureTimes = "failure-times"
        case recovery
        case latency
        case retries
        case rules
    }

    @Argument(help: ArgumentHelp("Which report.", valueName: "report"))
    var report: Report

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: ResultFormat = .table

    @OptionGroup var range: RangeOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func run() throws {
        let configuration = try source.configuration()
        let table = try report == .rules ? rulesTable(configuration) : attemptsTable(configuration)
        switch format {
        case .table: try Output.print(ReportText.text(table, style: Style(for: Terminal.output)))
        case .json: try Output.print(ReportText.json(table, report: report.rawValue).prettyText() + "\n")
        case .csv:
            try Output.print(ReportText.csv(table))
            for note in table.notes { Exit.complain("\(report.rawValue): \(note)") }
        }
    }

    private func rulesTable(_ configuration: Configuration?) throws -> ReportTable {
        let path = rulesOption.path(configuration)
        let text = try TextFile.read(path, hint: "write one with 'meantime tune', or name it with --rules")
        return try RulesReport.table(of: RuleSet(yaml: text, file: path), route: range.route, file: path)
    }

    private func attemptsTable(_ configuration: Configuration?) throws -> ReportTable {
        let store = try StoreFile.openReading(source.storePaths(configuration))
        defer { store.close() }
        let nowUs = WallClock.nowUs
        let fromUs = range.fromUs(nowUs: nowUs)
        let progress = Progress("report", unit: .steps)
        defer { progress.finish() }
        let isSeen = try store.routes(fromUs: fromUs, toUs: nil).contains {
            range.route == nil || $0.route == range.route
        }
        guard isSeen else { throw try StoreFile.nothingFound(in: store, route: range.route, fromUs: fromUs) }
        defer { StoreFile.tellDamage(of: store) }
        let scope = SummaryScope(route: range.route, fromUs: fromUs)
        switch report {
        case .failureTimes: return try FailureTimesReport.table(of: store, scope: scope)
        case .recovery: return try RecoveryReport.table(of: store, scope: scope)
        case .latency: return try LatencyReport.table(of: store, scope: scope)
        case .retries, .rules: return try RetriesReport.table(of: store, scope: scope)
        }
    }
}
