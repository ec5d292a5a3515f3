import Retry
import TestSupport
import Testing

@testable import Collector

@Suite struct HistogramTallyTests {
    /// Two of the limits are so small that the table is emptied again and again, as after four thousand million
    /// attempts.
    @Test(arguments: [UInt32.max, 64, 100])
    func `a tally is what counting one by one gives, however often its table is emptied`(limit: UInt32) {
        var random = SeededGenerator(seed: 5)
        var tallies = (0..<2).map { _ in HistogramTally(routes: 5, limit: Int(limit)) }
        var expected: [Int64: [Outcome: LatencyHistogram]] = [:]
        for _ in 0..<300 {
            let route = Int64.random(in: 0..<4, using: &random)
            let count = Int.random(in: 0...64, using: &random)
            let durations = (0..<count).map { _ in Int64.random(in: -1...1 << 20, using: &random) }
            // Long stretches without another outcome, and short ones.
            let share = [0, 1, 30].randomElement(using: &random) ?? 0
            let outcomes = (0..<count).map { _ in
                Int.random(in: 0..<60, using: &random) < share ? Int64.random(in: 0...6, using: &random) : 0
            }
            let tally = Int.random(in: 0..<2, using: &random)
            tallies[tally].count(route, durations.span)
            tallies[tally].move(route, durations.span, outcomes: outcomes.span)
            for (durationUs, outcome) in zip(durations, outcomes) {
                guard let outcome = Outcome(rawValue: UInt8(outcome)) else { continue }
                expected[route, default: [:]][outcome, default: LatencyHistogram()].add(us: durationUs)
            }
        }
        var other = tallies.removeLast()
        tallies[0].merge(&other)
        #expect(tallies[0].takeHistograms() == expected)
        #expect(tallies[0].takeHistograms().isEmpty)
    }
}
