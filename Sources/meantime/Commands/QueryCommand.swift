import ArgumentParser
import Collector

/// The attempts, for anyone who knows SQL.
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask the store in SQL; reads only.",
        usage: "meantime query <sql> [--format table|json|csv] [--store <file>]",
        discussion: """
            The table 'attempts' has one row an attempt: start_us, duration_us, route, host, \
            request, attempt, wait_us, outcome, status, is_grpc, timeout_us, retry_after_us, \
            method, hedge, rule_version. Times are microseconds.

            EXAMPLES
              meantime query "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2"
              meantime query --format csv "SELECT * FROM attempts WHERE route = 'checkout'"
              meantime query "SELECT host, avg(outcome <> 'success') AS failing,
                max(duration_us) / 1e3 AS slowest_ms FROM attempts GROUP BY host"
            """
    )

    @Argument(help: ArgumentHelp("One statement that reads.", valueName: "sql"))
    var sql: String

    @Option(help: ArgumentHelp("How to write the rows.", valueName: "format"))
    var format: ResultFormat = .table

    @OptionGroup var source: SourceOptions

    func run() throws {
        let storePath = source.storePath(try source.configuration())
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

    /// SQLite's message with the word at which it stopped.
    private static func place(of error: StoreError, in sql: String) -> String {
        guard let offset = error.sqlOffset, offset < sql.utf8.count else { return error.message }
        let rest = sql.utf8.dropFirst(offset)
        let word = String(decoding: rest.prefix(30), as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
        return "\(error.message), at '\(word)' (byte \(offset) of the statement)"
    }
}
