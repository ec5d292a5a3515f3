import Retry
import Testing

@testable import Collector

/// The virtual table against a plain table of the same rows in the same SQLite.
@Suite struct AttemptsTableTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }
    let attempts = Sample.attempts(1_500, seed: 41)

    init() throws { directory = try TemporaryDirectory() }

    private func makeStore() throws -> AttemptStore {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 400)
        for start in stride(from: 0, to: 1_500, by: 150) { try store.append(Array(attempts[start..<start + 150])) }
        return store
    }

    private var queries: [String] {
        let (low, high) = (attempts[300].startUs, attempts[1_200].startUs)
        let everything = "ORDER BY start_us, request, attempt, duration_us, host"
        return [
            "SELECT * FROM attempts \(everything)",
            "SELECT route, outcome, count(*), sum(status) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2",
            "SELECT * FROM attempts WHERE start_us >= \(low) AND start_us < \(high) \(everything)",
            "SELECT * FROM attempts WHERE start_us > \(low) AND start_us <= \(high) \(everything)",
            "SELECT * FROM attempts WHERE start_us BETWEEN \(low) AND \(high) AND route = 'route-3' \(everything)",
            "SELECT count(*) FROM attempts WHERE start_us = \(low)",
            "SELECT count(*) FROM attempts WHERE start_us = \(low) AND start_us > \(low)",
            "SELECT count(*) FROM attempts WHERE start_us >= \(low).5 AND start_us < \(high).5",
            "SELECT count(*) FROM attempts WHERE start_us > 'text'",
            "SELECT count(*) FROM attempts WHERE start_us < 'text'",
            "SELECT count(*) FROM attempts WHERE start_us = NULL",
            "SELECT count(*) FROM attempts WHERE start_us = '\(low)'",
            "SELECT count(*) FROM attempts WHERE start_us < 9223372036854775807",
            "SELECT count(*) FROM attempts WHERE start_us <= 9223372036854775807",
            "SELECT count(*) FROM attempts WHERE start_us >= -9223372036854775808",
            "SELECT count(*) FROM attempts WHERE start_us > \(low) AND start_us > \(high)",
            "SELECT count(*) FROM attempts WHERE route = 'nowhere'",
            "SELECT count(*) FROM attempts WHERE route = 'ROUTE-1' COLLATE NOCASE",
            "SELECT count(*) FROM attempts WHERE route = 7",
            "SELECT count(*), min(host), max(host) FROM attempts WHERE route IN ('route-1', 'route-4', 'x')",
            "SELECT count(*) FROM attempts WHERE route = 'route-1' OR start_us < \(low)",
            "SELECT hedge, is_grpc, method, count(*) FROM attempts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            "SELECT max(wait_us), min(timeout_us), max(retry_after_us), avg(rule_version) FROM attempts",
            """
            SELECT count(*), sum(b.start_us - a.start_us) FROM attempts a JOIN attempts b
            ON b.request = a.request AND b.attempt = 2 AND b.start_us >= a.start_us WHERE a.attempt = 1
            """,
            """
            SELECT count(*) FROM attempts a
            WHERE start_us = (SELECT min(start_us) FROM attempts b WHERE b.route = a.route)
            """,
        ]
    }

    @Test func `every query answers as on a plain table`() throws {
        let (store, plain) = (try makeStore(), try PlainTable.of(attempts))
        var rows = 0
        for sql in queries {
            let expected = try PlainTable.answer(sql, on: plain)
            let answer = try store.query(sql)
            #expect(answer.columns == expected.columns)
            #expect(answer.rows == expected.rows, "\(sql)")
            #expect(answer.damage.isEmpty)
            rows += expected.rows.count
        }
        #expect(rows > 3_000)
    }

    @Test func `rows have distinct numbers`() throws {
        #expect(try makeStore().query("SELECT count(DISTINCT rowid) FROM attempts").rows == [[.integer(1_500)]])
    }

    @Test func `time and route spare segments, and only used columns are decoded`() throws {
        let store = try makeStore()
        // A damaged segment that is spared is not noticed; one that is read is.
        let damaged = try #require(try store.query("SELECT last_start_us FROM segment WHERE id = 1").rows.first?.first)
        guard case .integer(let lastUs) = damaged else { return #expect(Bool(false)) }
        try Connection(path: path, access: .readWrite).execute("UPDATE segment SET data = x'00' WHERE id = 1")
        let fresh = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try fresh.query("SELECT count(*) FROM attempts WHERE start_us > \(lastUs)").damage.isEmpty)
        #expect(
            try fresh.query("SELECT count(*) FROM attempts WHERE start_us >= \(lastUs)").damage.map(\.segment) == [1])
        #expect(try fresh.query("SELECT count(*) FROM attempts WHERE route = 'nowhere'").damage.isEmpty)
        let plan = try fresh.query(
            "EXPLAIN QUERY PLAN SELECT sum(status) FROM attempts WHERE start_us > 5 AND route = 'r'")
        #expect("\(plan.rows)".contains(":start_us from, route =; columns: start_us, route, status"))
    }

    @Test(arguments: [
        "INSERT INTO tail (id) VALUES (1)", "DELETE FROM segment", "UPDATE attempts SET status = 1", "DROP TABLE tail",
        "PRAGMA user_version = 9", "PRAGMA query_only = OFF", "ATTACH DATABASE 'other.db' AS other", "BEGIN", "VACUUM",
        "CREATE TEMP TABLE t (a)", "SELECT 1; SELECT 2", "", "   ;", "SELECT load_extension('x')",
    ])
    func `what does not read is refused`(sql: String) throws {
        let store = try makeStore()
        let before = fileBytes(path)
        #expect {
            try store.query(sql)
        } throws: {
            ($0 as? StoreError)?.code == .sql || ($0 as? StoreError)?.code == .readOnly
        }
        #expect(fileBytes(path) == before)
    }

    @Test func `mistakes are told in SQLite's words with their place`() throws {
        let store = try makeStore()
        #expect(throws: StoreError(.sql, path: path, "no such column: rout", sqlOffset: 7)) {
            try store.query("SELECT rout FROM attempts")
        }
        #expect(throws: StoreError(.sql, path: path, "near \"FORM\": syntax error", sqlOffset: 9)) {
            try store.query("SELECT * FORM attempts")
        }
    }

    @Test func `rows can be taken one at a time, and the taker may stop`() throws {
        struct Enough: Error {}
        let store = try makeStore()
        var names: [String] = []
        var count = 0
        let report = try store.query("SELECT route, 1.5 AS x, NULL AS y FROM attempts") {
            names = $0
        } onRow: { row in
            #expect(row[1] == .real(1.5) && row[2] == .null)
            count += 1
        }
        #expect(names == ["route", "x", "y"] && count == 1_500 && report == ScanReport(rows: 1_500, damage: []))
        #expect(throws: Enough.self) {
            try store.query("SELECT * FROM attempts") { _ in
            } onRow: { _ in
                throw Enough()
            }
        }
    }
}
