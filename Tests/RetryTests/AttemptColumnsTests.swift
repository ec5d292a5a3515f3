import Retry
import TestSupport
import Testing

@Suite struct AttemptColumnsTests {
    private static func attempts(_ count: Int, using generator: inout SeededGenerator) -> [Attempt] {
        (0..<count).map { index in
            Attempt(
                startUs: Int64.random(in: 0...50, using: &generator),
                durationUs: Int64.random(in: 0...1_000_000, using: &generator), route: "r",
                host: ["", "a:1", "b:2"].randomElement(using: &generator)!,
                request: UInt64(index), attempt: Int.random(in: 1...4, using: &generator),
                waitUs: Int64.random(in: 0...9, using: &generator),
                outcome: Outcome.allCases.randomElement(using: &generator)!,
                status: Int.random(in: 0...599, using: &generator), isGRPC: Bool.random(using: &generator),
                timeoutUs: Int64.random(in: 0...9, using: &generator),
                retryAfterUs: Int64.random(in: 0...9, using: &generator),
                method: ["GET", "POST"].randomElement(using: &generator)!, hedge: Bool.random(using: &generator),
                ruleVersion: Int.random(in: 0...3, using: &generator))
        }
    }

    @Test(arguments: SeededGenerator.seeds([31, 32]))
    func `columns hold the attempts they were made of, in the order of time`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let attempts = Self.attempts(500, using: &generator)
        let columns = AttemptColumns(route: "r", attempts: attempts)
        #expect(columns.count == 500)
        let rows = (0..<columns.count).map { columns[$0] }
        #expect(Set(rows) == Set(attempts))
        #expect(zip(rows, rows.dropFirst()).allSatisfy { ($0.startUs, $0.attempt) <= ($1.startUs, $1.attempt) })
        #expect(Set(columns.hostNames) == ["", "a:1", "b:2"] && columns.hostNames.count == 3)
        #expect(Set(columns.methodNames) == ["GET", "POST"] && columns.methodNames.count == 2)
    }

    @Test func `no attempts make empty columns`() {
        #expect(AttemptColumns(route: "r", attempts: []) == AttemptColumns(route: "r"))
        #expect(AttemptColumns(route: "r").count == 0)
    }

    @Test func `numbers beyond a column's width are clamped, not trapped on`() {
        let attempt = Attempt(
            startUs: 1, durationUs: 1, route: "r", attempt: .max, outcome: .success, status: .min, ruleVersion: .max)
        let row = AttemptColumns(route: "r", attempts: [attempt])[0]
        #expect(row.attempt == Int(Int32.max) && row.status == Int(Int32.min) && row.ruleVersion == Int(Int32.max))
    }

    @Test func `a summary says what was asked`() {
        let summary = RouteSummary(route: "r", attempts: 3, firstStartUs: 1, lastStartUs: 9)
        #expect(summary.route == "r" && summary.attempts == 3 && summary.firstStartUs == 1 && summary.lastStartUs == 9)
    }
}
