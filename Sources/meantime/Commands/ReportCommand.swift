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
              retries         what retries did: tries, waits, success, waste
              outages         when hosts were down; mean times to failure and repair
              runs            the chance of success after so many failures in a row
              rules           the rules in force with the evidence they rest on

            Durations are readable in tables and whole microseconds in JSON and CSV. --html writes a page with \
            pictures and the same numbers; --plot draws them below the table.

            EXAMPLES
              meantime report recovery
              meantime report failure-times --route checkout --since 7d
              meantime report latency --format csv > latency.csv
              meantime report rules --config meantime.yaml
              meantime report recovery --store a.db --store b.db
              meantime report outages --html outages.html
            """
    )

    /// Which report.
    enum Report: String, ExpressibleByArgument, CaseIterable {
        case failureTimes = "failure-times"
        case recovery
        case latency
        case retries
        case outages
        case runs
        case rules
    }

    @Argument(help: ArgumentHelp("Which report.", valueName: "report"))
    var report: Report

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: ResultFormat = .table

    @Option(help: ArgumentHelp("Write a page with pictures there instead.", valueName: "file"), completion: .file())
    var html: String?

    @Flag(help: "Draw the curves below the table, as wide as the terminal.")
    var plot = false

    @OptionGroup var range: RangeOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func validate() throws {
        if report == .rules, html != nil || plot {
            throw ValidationError("the report 'rules' has no pictures; leave out \(plot ? "--plot" : "--html")")
        }
        if html != nil, plot || format != .table {
            throw ValidationError("--html writes a page and nothing else; leave out --plot and --format")
        }
        if plot, format != .table { throw ValidationError("--plot draws below the table; leave out --format") }
    }

    func run() throws {
        let configuration = try source.configuration()
        if report == .rules { return try write(rulesTable(configuration)) }
        let (table, origin) = try attemptsTable(configuration)
        guard let html else { return try write(table) }
        var page = try AtomicFile.prepare(html, text: ReportPage(table: table, origin: origin).html())
        try page.commit()
        try Output.print("page: \(html)\n")
    }

    private func write(_ table: ReportTable) throws {
        switch format {
        case .table:
            let style = Style(for: Terminal.output)
            try Output.print(ReportText.text(table, style: style) + plots(of: table, style: style))
        case .json: try Output.print(ReportText.json(table, report: report.rawValue).prettyText() + "\n")
        case .csv:
            try Output.print(ReportText.csv(table))
            for note in table.notes { Exit.complain("\(report.rawValue): \(note)") }
        }
    }

    /// Wider than this, curves become hard to follow.
    private static let widestPlot = 110

    private func plots(of table: ReportTable, style: Style) -> String {
        guard plot else { return "" }
        let width = min(Self.widestPlot, max(40, Terminal.columns(Terminal.output)))
        return table.figures.map {
            "\n" + TextPlot(figure: $0, width: width, isUnicode: Terminal.isUnicode, style: style).text()
        }.joined()
    }

    private func rulesTable(_ configuration: Configuration?) throws -> ReportTable {
        let path = rulesOption.path(configuration)
        let text = try TextFile.read(path, hint: "write one with 'meantime tune', or name it with --rules")
        return try RulesReport.table(of: RuleSet(yaml: text, file: path), route: range.route, file: path)
    }

    private func attemptsTable(_ configuration: Configuration?) throws -> (ReportTable, ReportPage.Origin) {
        let store = try StoreFile.openReading(source.storePaths(configuration))
        defer { store.close() }
        let nowUs = WallClock.nowUs
        let fromUs = range.fromUs(nowUs: nowUs)
        let progress = Progress("report", unit: .steps)
        defer { progress.finish() }
        let seen = try store.routes(fromUs: fromUs, toUs: nil).filter {
            range.route == nil || $0.route == range.route
        }
        guard let firstUs = seen.map(\.firstStartUs).min(), let lastUs = seen.map(\.lastStartUs).max() else {
            throw try StoreFile.nothingFound(in: store, route: range.route, fromUs: fromUs)
        }
        defer { StoreFile.tellDamage(of: store) }
        let origin = ReportPage.Origin(
            stores: store.paths, attempts: seen.reduce(0) { $0 + $1.attempts }, firstUs: firstUs, lastUs: lastUs,
            createdUs: nowUs)
        let scope = SummaryScope(route: range.route, fromUs: fromUs)
        return (try Self.make(report, of: store, scope, isDrawn: html != nil || plot), origin)
    }

    private static func make(
        _ report: Report, of store: AttemptStores, _ scope: SummaryScope, isDrawn: Bool
    ) throws -> ReportTable {
        switch report {
        case .failureTimes: try FailureTimesReport.table(of: store, scope: scope, isDrawn: isDrawn)
        case .recovery: try RecoveryReport.table(of: store, scope: scope, isDrawn: isDrawn)
        case .latency: try LatencyReport.table(of: store, scope: scope, isDrawn: isDrawn)
        case .outages: try OutagesReport.table(of: store, scope: scope, isDrawn: isDrawn)
        case .runs: try RunsReport.table(of: store, scope: scope, isDrawn: isDrawn)
        case .retries, .rules: try RetriesReport.table(of: store, scope: scope, isDrawn: isDrawn)
        }
    }
}
