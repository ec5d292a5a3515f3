import Retry
import TestSupport
import Testing

@testable import Collector

/// Every query gives the same answer on the virtual tables as on a plain SQLite table of the same rows.
@Suite struct QueryEquivalenceTests {
    /// How the same attempts lie in the store.
    enum Layout: String, CaseIterable {
        case segments, tail, both, overlapping, oneSegmentAnOutcome, empty
    }

    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func makeStore(_ attempts: [Attempt], _ layout: Layout) throws -> AttemptStore {
        let store = try AttemptStore.open(path: directory.file("meantime.db"), mode: .readWrite)
        var parts: [[Attempt]]
        switch layout {
        case .segments, .tail, .both:
            let size = max(1, attempts.count / 4)
            parts = stride(from: 0, to: attempts.count, by: size).map {
                Array(attempts[$0..<min($0 + size, attempts.count)])
            }
        case .overlapping: parts = (0..<3).map { part in attempts.enumerated().filter { $0.0 % 3 == part }.map(\.1) }
        case .oneSegmentAnOutcome: parts = Outcome.allCases.map { outcome in attempts.filter { $0.outcome == outcome } }
        case .empty: parts = []
        }
        for (index, part) in parts.enumerated() {
            try store.append(part)
            if layout != .tail, layout != .both || index < 2 { try store.seal() }
        }
        return store
    }

    private func compare(
        _ sql: String, _ store: AttemptStore, _ plain: Connection, _ note: String
    ) throws -> Int {
        let expected = try PlainTable.answer(sql, on: plain)
        let answer = try store.query(sql)
        #expect(answer.columns == expected.columns && answer.damage.isEmpty, "\(note): \(sql)")
        let outer = sql.split(separator: ")").last ?? ""
        if outer.contains("ORDER BY") {
            #expect(answer.rows == expected.rows, "\(note): \(sql)")
        } else {
            #expect(Self.sorted(answer.rows) == Self.sorted(expected.rows), "\(note): \(sql)")
        }
        return expected.rows.count
    }

    private static func sorted(_ rows: [[QueryValue]]) -> [String] { rows.map { "\($0)" }.sorted() }

    @Test(arguments: Layout.allCases)
    func `every query of the list answers as on a plain table`(layout: Layout) throws {
        let attempts = layout == .empty ? [] : Sample.attempts(600, seed: 71)
        let (store, plain) = (try makeStore(attempts, layout), try PlainTable.of(attempts))
        #expect(QueryList.attempts.count >= 60)
        var rows = 0
        for sql in QueryList.attempts { rows += try compare(sql, store, plain, layout.rawValue) }
        #expect(rows > (layout == .empty ? 20 : 5_000))
    }

    @Test(arguments: Layout.allCases)
    func `requests, outages and failures by route are what SQL says they are`(layout: Layout) throws {
        // A sum of extreme durations is an error in SQL.
        let attempts = layout == .empty ? [] : Sample.attempts(400, seed: 72, extremes: false)
        let (store, plain) = (try makeStore(attempts, layout), try PlainTable.of(attempts))
        try PlainViews.add(to: plain)
        var rows = 0
        for sql in PlainViews.queries { rows += try compare(sql, store, plain, layout.rawValue) }
        #expect(rows > (layout == .empty ? 2 : 500))
        // A view has no row numbers; SQLite tells the rows of a virtual table apart by them.
        for table in ["requests", "outages", "failures_by_route"] {
            let told = "SELECT count(*) = count(DISTINCT rowid) FROM \(table)"
            #expect(try store.query(told).rows == [[.integer(1)]], "\(layout): \(table)")
        }
    }

    @Test func `a route of thousands of requests comes in parts, each request once`() throws {
        let attempts = Sample.attempts(5_000, seed: 75, routes: 2, extremes: false)
        let (store, plain) = (try makeStore(attempts, .both), try PlainTable.of(attempts))
        try PlainViews.add(to: plain)
        let sums = "count(*), sum(request), sum(attempts), sum(duration_us), sum(waited_us), sum(wasted_us)"
        for sql in [
            "SELECT route, \(sums) FROM requests GROUP BY route ORDER BY route",
            "SELECT request, start_us, outcome FROM requests WHERE route = 'route-1' ORDER BY request",
            "SELECT count(*) FROM requests WHERE route = 'route-0' OR request % 3 = 0",
        ] {
            _ = try compare(sql, store, plain, "parts")
        }
        let told = try store.query("SELECT count(*) = count(DISTINCT rowid), count(*) > 2000 FROM requests").rows
        #expect(told == [[.integer(1), .integer(1)]])
    }

    @Test(arguments: SeededGenerator.seeds([81, 82, 83, 84]), [Layout.both, .overlapping, .oneSegmentAnOutcome])
    func `random queries answer as on a plain table`(seed: UInt64, layout: Layout) throws {
        var random = SeededGenerator(seed: seed)
        let attempts = Sample.attempts(200, seed: seed)
        let (store, plain) = (try makeStore(attempts, layout), try PlainTable.of(attempts))
        var (rows, generator) = (0, RandomQuery(attempts))
        for _ in 0..<100 { rows += try compare(generator.next(&random), store, plain, "\(random), \(layout)") }
        #expect(rows > 500)
    }

    @Test func `failures by route take a range of time as arguments`() throws {
        let attempts = Sample.attempts(300, seed: 73, extremes: false)
        let store = try makeStore(attempts, .both)
        let (from, to) = (attempts[60].startUs, attempts[200].startUs)
        let inRange = attempts.filter { $0.startUs >= from && $0.startUs < to }
        let answer = try store.query(
            "SELECT route, attempts, timeout FROM failures_by_route(\(from), \(to)) ORDER BY 1")
        let expected: [[QueryValue]] = Set(inRange.map(\.route)).sorted().map { route in
            let ofRoute = inRange.filter { $0.route == route }
            return [
                .text(route), .integer(Int64(ofRoute.count)),
                .integer(Int64(ofRoute.count { $0.outcome == .timeout })),
            ]
        }
        #expect(answer.rows == expected)
        let openEnd = try store.query("SELECT sum(attempts) FROM failures_by_route(\(from), NULL)").rows
        #expect(openEnd == [[.integer(Int64(attempts.count { $0.startUs >= from }))]])
        #expect(throws: StoreError.self) { try store.query("SELECT * FROM failures_by_route('yesterday')") }
        // From another table of the join, whatever the order in which they stand.
        for tables in [
            "(SELECT \(from) AS a, \(to) AS b) t, failures_by_route f",
            "failures_by_route f, (SELECT \(from) AS a, \(to) AS b) t",
        ] {
            let joined = try store.query(
                "SELECT route, attempts, timeout FROM \(tables) WHERE f.from_us = t.a AND f.to_us = t.b ORDER BY 1")
            #expect(joined.rows == expected)
        }
        let either = try store.query("SELECT sum(attempts) FROM failures_by_route WHERE from_us IN (\(from), \(to))")
            .rows
        let sum = [from, to].reduce(0) { sum, start in sum + attempts.count { $0.startUs >= start } }
        #expect(either == [[.integer(Int64(sum))]])
    }

    @Test func `a plan is told in words`() throws {
        let store = try makeStore(Sample.attempts(600, seed: 74), .segments)
        func plan(_ sql: String) throws -> String { "\(try store.query("EXPLAIN QUERY PLAN " + sql).rows)" }
        let words: [(sql: String, words: String)] = [
            ("SELECT duration_us FROM attempts", ":every attempt; columns: duration_us"),
            ("SELECT count(*) FROM attempts", ":every attempt; columns: none"),
            (
                "SELECT duration_us FROM attempts WHERE start_us >= 1 AND start_us < 9 AND route = 'a' AND outcome = 'reset'",
                ":start_us range, route =, outcome =; columns: start_us, duration_us, route, outcome"
            ),
            ("SELECT 1 FROM attempts WHERE route IN ('a', 'b')", ":route IN; columns: route"),
            ("SELECT 1 FROM attempts WHERE outcome <> 'success'", ":outcome <>; columns: outcome"),
            ("SELECT 1 FROM attempts WHERE start_us < 5", ":start_us until; columns: start_us"),
            (
                "SELECT 1 FROM attempts WHERE request = 5 AND attempt = 1",
                ":request =, attempt =; columns: request, attempt"
            ),
            (
                "SELECT * FROM attempts ORDER BY start_us DESC LIMIT 3",
                ":latest first; columns: start_us, duration_us, route"
            ),
            ("SELECT route, count(*) FROM attempts GROUP BY route", ":by route; columns: route"),
            ("SELECT * FROM requests WHERE route = 'a'", ":route ="),
            ("SELECT * FROM failures_by_route(1, 2)", ":from_us, to_us"), ("SELECT * FROM outages", ":every route"),
        ]
        for (sql, expected) in words {
            let told = try plan(sql)
            #expect(told.contains(expected), "\(sql): \(told)")
        }
        #expect(try !plan("SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2").contains("TEMP B-TREE"))
        #expect(try !plan("SELECT * FROM attempts ORDER BY start_us").contains("TEMP B-TREE"))
    }

    @Test func `segments without the outcome are not opened`() throws {
        let attempts = Sample.attempts(300, seed: 75, extremes: false)
        let store = try makeStore(attempts, .oneSegmentAnOutcome)
        try Connection(path: store.path, access: .readWrite).execute(
            "UPDATE segment SET data = x'00' WHERE success > 0")
        let fresh = try AttemptStore.open(path: store.path, mode: .readOnly)
        let failures = Int64(attempts.count { $0.outcome != .success })
        for condition in ["outcome <> 'success'", "outcome NOT IN ('success')"] {
            let answer = try fresh.query("SELECT count(*) FROM attempts WHERE \(condition)")
            #expect(answer.rows == [[.integer(failures)]])
            #expect(answer.damage.isEmpty == (condition == "outcome <> 'success'"), "\(condition)")
        }
    }
}
