import ArgumentParser
import Collector

/// The attempts, for anyone who knows SQL.
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask the store in SQL; reads only.",
        usage: "meantime query <sql> [--format table|json|csv] [--store <file>]",
        discussion: """
            attempts           one row an attempt: start_us, duration_us, route, host, request, \
            attempt, wait_us, outcome, status, is_grpc, timeout_us, retry_after_us, method, \
            hedge, rule_version
            requests           the attempts of a request together: route, request, start_us, \
            end_us, duration_us, attempts, failures, hedges, outcome, first_failure, waited_us, \
            wasted_us
            outages            a route's failures with no success between: route, start_us, \
            end_us, duration_us, failures, hosts, recovered_us
            failures_by_route  one row a route: attempts, failures, failure_share, a count for \
            each outcome, p50_us, p99_us; failures_by_route(from_us, to_us) for a range

            Times are microseconds; iso(start_us) is readable, quantile(duration_us, 0.99) exact. \
            EXPLAIN QUERY PLAN shows which conditions spare work.

            EXAMPLES
              meantime query "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2"
              meantime query "SELECT iso(start_us), duration_us / 1e6 AS seconds, failures
                FROM outages WHERE route = 'checkout' AND failures > 9 ORDER BY start_us"
              meantime query --format csv "SELECT * FROM attempts WHERE route = 'checkout'"
            """
    )

    @Argument(help: ArgumentHelp("One statement that reads.", valueName: "sql"))
    var sql: String

    @Option(help: ArgumentHelp("How to write the rows.", valueName: "format"))
    var format: ResultFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let storePath = try source.storePath(source.configuration())
        let store = try StoreFile.openReading(storePath)
        defer { store.close() }
        let progress = Progress("query", unit: .steps)
        defer { progress.finish() }
        var rows = RowWriter(format: format, style: Style(for: Terminal.output))
        let isOnScreen = Terminal.isTerminal(Terminal.output)
        var count: Int64 = 0
        let report: ScanReport
        do {
            report = try store.query(
                sql,
                onColumns: { try rows.begin($0) },
                onRow: {
                    try rows.add($0)
                    // Rows and bar would write over each other.
                    if count == 0 && isOnScreen { progress.finish() }
                    count += 1
                    progress.update(done: count)
                })
        } catch let error as StoreError where error.code == .sql {
            throw Failure("query", Self.place(of: error, in: sql))
        }
        progress.finish()
        try rows.end()
        for damage in report.damage { Exit.complain("\(storePath): \(damage); the rows above are without them") }
        if !report.damage.isEmpty { throw ExitCode(Exit.failed) }
    }

    /// SQLite's message with the word at which it stopped, and what there is instead.
    private static func place(of error: StoreError, in sql: String) -> String {
        let help = hint(error.message)
        guard let offset = error.sqlOffset, offset < sql.utf8.count else { return error.message + help }
        let rest = sql.utf8.dropFirst(offset)
        let word = String(decoding: rest.prefix(30), as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
        return "\(error.message), at '\(word)' (byte \(offset) of the statement)\(help)"
    }

    private static func hint(_ message: String) -> String {
        if message.hasPrefix("no such table") {
            return "; there are \(AttemptStore.queryTables.map(\.name).joined(separator: ", "))"
        }
        if message.hasPrefix("no such column") {
            let tables = AttemptStore.queryTables.map { "\($0.name) has \($0.columns.joined(separator: ", "))" }
            return "; " + tables.joined(separator: "; ")
        }
        if message.hasPrefix("no such function") { return "; besides SQLite's own there are iso and quantile" }
        return ""
    }
}
