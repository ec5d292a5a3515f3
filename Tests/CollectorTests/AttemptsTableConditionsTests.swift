import Retry
import TestSupport
import Testing

@testable import Collector

/// Conditions on the virtual table against a plain table of the same rows. SQLite asks the table once for each side of
/// an OR and takes rows with the same number for the same row.
@Suite struct AttemptsTableConditionsTests {
    enum Layout: String, CaseIterable { case tail, segments, mixed }

    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func makeStore(_ attempts: [Attempt], _ layout: Layout) throws -> AttemptStore {
        let store = try AttemptStore.open(path: directory.file("meantime.db"), mode: .readWrite)
        let third = max(1, attempts.count / 3)
        for start in stride(from: 0, to: attempts.count, by: third) {
            try store.append(Array(attempts[start..<min(start + third, attempts.count)]))
            let isLast = start + third >= attempts.count
            if layout == .segments || layout == .mixed && !isLast { try store.seal() }
        }
        return store
    }

    @Test(arguments: Layout.allCases)
    func `each side of an OR gives its rows`(layout: Layout) throws {
        let attempts = ["a", "b", "b", "a"].enumerated().map { index, route in
            Attempt(
                startUs: Int64(index + 1) * 1_000_000, durationUs: 1, route: route, request: UInt64(index),
                outcome: .success)
        }
        let store = try makeStore(attempts, layout)
        func starts(_ condition: String) throws -> [[QueryValue]] {
            try store.query("SELECT start_us / 1000000 FROM attempts WHERE \(condition) ORDER BY 1").rows
        }
        #expect(try starts("route = 'b' OR start_us = 4000000") == [[.integer(2)], [.integer(3)], [.integer(4)]])
        #expect(try starts("start_us = 2000000 OR start_us = 3000000") == [[.integer(2)], [.integer(3)]])
        #expect(try starts("route = 'a' OR start_us < 2000000") == [[.integer(1)], [.integer(4)]])
        #expect(try starts("route = 'a' OR route = 'b'").count == 4)
        #expect(
            try starts("start_us < 2000000 OR start_us > 3000000 OR route = 'x'") == [[.integer(1)], [.integer(4)]])
    }

    @Test(arguments: Layout.allCases)
    func `a row has one number, whatever is asked for`(layout: Layout) throws {
        let attempts = Sample.attempts(300, seed: 51)
        let store = try makeStore(attempts, layout)
        let all = try store.query("SELECT rowid, start_us, route, request FROM attempts ORDER BY 1").rows
        #expect(Set(all.map { "\($0[0])" }).count == 300)
        var found: [[QueryValue]] = []
        for route in Set(attempts.map(\.route)) {
            for bound in ["< \(attempts[140].startUs)", ">= \(attempts[140].startUs)"] {
                found += try store.query(
                    "SELECT rowid, start_us, route, request FROM attempts WHERE route = '\(route)' AND start_us \(bound)"
                ).rows
            }
        }
        #expect(Set(found.map { "\($0)" }) == Set(all.map { "\($0)" }) && found.count == 300)
    }

    @Test(arguments: SeededGenerator.seeds([61, 62, 63]), Layout.allCases)
    func `any condition answers as on a plain table`(seed: UInt64, layout: Layout) throws {
        var random = SeededGenerator(seed: seed)
        let attempts = Sample.attempts(240, seed: seed)
        let (store, plain) = (try makeStore(attempts, layout), try PlainTable.of(attempts))
        var matched = 0
        for _ in 0..<120 {
            let condition = Self.condition(attempts, depth: 3, &random)
            let sql = """
                SELECT start_us, route, host, outcome, request, attempt FROM attempts WHERE \(condition)
                ORDER BY start_us, request, attempt, host
                """
            let expected = try PlainTable.answer(sql, on: plain).rows
            #expect(try store.query(sql).rows == expected, "\(random): \(condition)")
            if !expected.isEmpty, expected.count < attempts.count { matched += 1 }
        }
        // Conditions that keep everything or nothing would show little.
        #expect(matched > 60)
    }

    private static func condition(_ attempts: [Attempt], depth: Int, _ random: inout SeededGenerator) -> String {
        guard depth > 0, Int.random(in: 0..<5, using: &random) > 0 else { return leaf(attempts, &random) }
        func inner(_ random: inout SeededGenerator) -> String { condition(attempts, depth: depth - 1, &random) }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return "NOT (\(inner(&random)))"
        case 1, 2: return "(\(inner(&random)) AND \(inner(&random)))"
        case 3: return "(\(inner(&random)) OR \(inner(&random)) OR \(inner(&random)))"
        default: return "(\(inner(&random)) OR \(inner(&random)))"
        }
    }

    private static func leaf(_ attempts: [Attempt], _ random: inout SeededGenerator) -> String {
        func one(_ random: inout SeededGenerator) -> Attempt {
            attempts[Int.random(in: 0..<attempts.count, using: &random)]
        }
        func start(_ random: inout SeededGenerator) -> Int64 {
            one(&random).startUs + Int64.random(in: -1...1, using: &random)
        }
        func text(_ value: String) -> String { "'\(value.replacing("'", with: "''"))'" }
        let comparison = ["<", "<=", "=", ">", ">=", "!="][Int.random(in: 0..<6, using: &random)]
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: return "route = \(text(one(&random).route))"
        case 2: return "route IN (\(text(one(&random).route)), \(text(one(&random).route)), 'nowhere')"
        case 3, 4: return "start_us \(comparison) \(start(&random))"
        case 5:
            let (a, b) = (start(&random), start(&random))
            return "start_us BETWEEN \(min(a, b)) AND \(max(a, b))"
        case 6: return "start_us IN (\(one(&random).startUs), \(one(&random).startUs), 5)"
        case 7: return "outcome \(["=", "!="][Int.random(in: 0..<2, using: &random)]) '\(one(&random).outcome.name)'"
        default: return "host \(comparison) \(text(one(&random).host))"
        }
    }
}
