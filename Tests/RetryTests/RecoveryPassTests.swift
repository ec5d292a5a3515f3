import Retry
import TestSupport
import Testing

/// The definition searched literally is held against the pass where the analyzer and the store use it.
@Suite struct RecoveryPassTests {
    private typealias Row = (startUs: Int64, durationUs: Int64, host: Int64, outcome: Outcome)

    private static func run(_ rows: [Row], cuts: [Int] = []) -> (found: [FailureRecovery], waiting: [Int]) {
        var pass = RecoveryPass()
        var found: [FailureRecovery] = []
        var waiting: [Int] = []
        var first = 0
        for end in cuts + [rows.count] {
            let part = rows[first..<end]
            let (starts, durations) = (part.map(\.startUs), part.map(\.durationUs))
            let (hosts, outcomes) = (part.map(\.host), part.map { Int64($0.outcome.rawValue) })
            pass.add(
                startUs: starts.span, durationUs: durations.span, host: hosts.span, outcome: outcomes.span,
                into: &found)
            waiting.append(pass.waiting)
            first = end
        }
        pass.finish(into: &found)
        return (found.sorted { $0.row < $1.row }, waiting)
    }

    @Test func `by hand: an outage of one host of two`() {
        let rows: [Row] = [
            (0, 5, 7, .errorStatus), (10, 5, 9, .success), (30, 5, 7, .reset), (40, 5, 7, .cancelled),
            (45, 5, 7, .success), (60, 5, 7, .timeout),
        ]
        let (found, waiting) = Self.run(rows, cuts: [1, 2, 3, 5])
        // One, half of one, then another, all known, one.
        #expect(waiting == [1, 1, 2, 1, 2])
        let unknown = CensoredInterval(leftUs: 0, rightUs: .max)
        #expect(
            found == [
                FailureRecovery(
                    row: 0, host: 7, outcome: .errorStatus, endUs: 5, route: CensoredInterval(leftUs: 0, rightUs: 5),
                    sameHost: CensoredInterval(leftUs: 25, rightUs: 40),
                    otherHost: CensoredInterval(leftUs: 0, rightUs: 5)),
                FailureRecovery(
                    row: 2, host: 7, outcome: .reset, endUs: 35, route: CensoredInterval(leftUs: 0, rightUs: 10),
                    sameHost: CensoredInterval(leftUs: 0, rightUs: 10), otherHost: unknown),
                FailureRecovery(
                    row: 5, host: 7, outcome: .timeout, endUs: 65, route: unknown, sameHost: unknown,
                    otherHost: unknown),
            ])
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3, 4]))
    func `where the log is cut into calls does not matter`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let rows: [Row] = (0..<400).map { _ in
            (
                Int64.random(in: 0...3_000, using: &generator), Int64.random(in: -5...400, using: &generator),
                Int64.random(in: 0...3, using: &generator), Outcome.allCases.randomElement(using: &generator)!
            )
        }.sorted { $0.startUs < $1.startUs }
        let whole = Self.run(rows).found
        let cuts = (0..<6).map { _ in Int.random(in: 0...400, using: &generator) }.sorted()
        #expect(Self.run(rows, cuts: cuts).found == whole, "\(generator)")
        #expect(whole.map(\.row) == rows.indices.filter { rows[$0].outcome.isFailure })
        for one in whole {
            let other = one.otherHost ?? one.sameHost
            #expect(one.route.rightUs == min(one.sameHost.rightUs, other.rightUs))
        }
    }

    @Test func `times at the ends of what can be counted do not trap`() {
        let rows: [Row] = [
            (.min, .max, 1, .reset), (0, .max, 1, .timeout), (5, .min, 2, .errorStatus), (.max, 1, 1, .success),
            (.max, .max, 2, .success),
        ]
        let found = Self.run(rows).found
        #expect(found.map(\.endUs) == [-1, .max, 5])
        #expect(found[1].sameHost == CensoredInterval(leftUs: 0, rightUs: 1))
        #expect(found[0].sameHost.rightUs == .max - 1)
    }
}
