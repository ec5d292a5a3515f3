import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct LatencyLawTests {
    /// Pareto: P(T > t) = (10 ms / t)².
    private func pareto(_ generator: inout SeededGenerator, _ count: Int, limitUs: Int64) -> LatencyLaw {
        var times: [Int64] = []
        var isEvent: [Bool] = []
        for _ in 0..<count {
            let t = Int64(10_000 / (1 - generator.unit()).squareRoot())
            times.append(min(t, limitUs))
            isEvent.append(t < limitUs)
        }
        return LatencyLaw(durationsUs: times, isEvent: isEvent)
    }

    @Test func `timeouts are lower bounds: the law below the limit is the true one, past it a flagged tail`() {
        var generator = SeededGenerator(seed: 1)
        let count = 20_000
        let law = pareto(&generator, count, limitUs: 100_000)
        for us in [11_000.0, 20_000, 50_000, 90_000] {
            let truth = 1 - pow(10_000 / us, 2)
            // Four binomial standard errors and what joining steps by lines may move.
            let allowed = 4 * (truth * (1 - truth) / Double(count)).squareRoot() + 5e-4
            #expect(abs(law.probability(withinUs: us) - truth) < allowed)
        }
        #expect(!law.isExtrapolation(100_000) && law.isExtrapolation(100_001))
        #expect(agrees(law.neverAnswers, 0.01, 0.003))
        #expect(!law.isNeverIdentified)
        #expect(law.tail != nil)
        // A third of the tail's mass is guessed; the guess must be of the right order.
        #expect(abs(law.survival(1_000_000) / 1e-4 - 1) < 0.8)
        #expect(law.observedProbability(withinUs: 1e9) == law.observedProbability(withinUs: 100_000))
        #expect(law.quantileUs(0.999) == nil)
        #expect(agrees(law.quantileUs(0.5) ?? 0, 10_000 * 2.0.squareRoot(), 0.02))
    }

    @Test func `the law is continuous, increasing, and its truncated mean is the area over it`() {
        var generator = SeededGenerator(seed: 2)
        let law = pareto(&generator, 400, limitUs: 60_000)
        var last = 0.0
        var area = 0.0
        for us in 0..<150_000 {
            let here = law.probability(withinUs: Double(us))
            #expect(here >= last - 1e-12 && here - last < 0.02)
            if us % 10_000 == 0 { #expect(agrees(law.truncatedMeanUs(Double(us)), area, 1e-4), "\(us)") }
            area += 1 - (here + law.probability(withinUs: Double(us + 1))) / 2
            last = here
        }
        #expect(agrees(law.truncatedMeanUs(150_000), area, 1e-4))
    }

    @Test func `knots lie on Kaplan-Meier's curve`() {
        var generator = SeededGenerator(seed: 3)
        let law = pareto(&generator, 300, limitUs: 50_000)
        for (step, us) in law.curve.timesUs.enumerated() {
            #expect(agrees(law.survival(Double(us)), law.curve.survival[step], 1e-12))
        }
        let many = pareto(&generator, 30_000, limitUs: 50_000)
        for (step, us) in many.curve.timesUs.enumerated() {
            #expect(abs(many.survival(Double(us)) - many.curve.survival[step]) < 1.0 / 4_096 + 1e-9)
        }
    }

    @Test func `durations that are all the same do not spread to zero`() {
        let law = LatencyLaw(
            durationsUs: [Int64](repeating: 8_000, count: 50), isEvent: [Bool](repeating: true, count: 50))
        #expect(law.probability(withinUs: 6_900) == 0)
        #expect(law.probability(withinUs: 8_000) == 1)
        #expect(law.tail == nil)
        #expect(agrees(law.truncatedMeanUs(1e6), 7_500, 1e-9))
    }

    @Test func `requests that never answer are a mass of their own when the watch was long enough`() {
        var generator = SeededGenerator(seed: 4)
        let times = (0..<500).map { index in
            index % 10 == 0 ? 10_000_000 : Int64(1_000 * (1 - log(1 - generator.unit())))
        }
        let law = LatencyLaw(durationsUs: times, isEvent: times.map { $0 < 10_000_000 })
        // All 450 completions within some 8 ms, then 10 s of silence.
        #expect(law.isNeverIdentified)
        #expect(agrees(law.neverAnswers, 0.1, 1e-9))
        #expect(agrees(law.survival(1e9), 0.1, 1e-9))
        // The watch ends soon after the last completion: the rest may just be slow.
        let lastUs = law.curve.timesUs.last ?? 0
        let close = LatencyLaw(
            durationsUs: times.map { min($0, lastUs + 500) }, isEvent: times.map { $0 < 10_000_000 })
        #expect(!close.isNeverIdentified)
        #expect(agrees(close.neverAnswers, 0.1, 1e-9))
    }

    @Test func `no data, one datum and only lower bounds`() {
        let none = LatencyLaw(durationsUs: [], isEvent: [])
        #expect(none.probability(withinUs: 1e9) == 0)
        #expect(none.quantileUs(0.5) == nil)
        #expect(none.truncatedMeanUs(500) == 500)
        let censored = LatencyLaw(durationsUs: [5, 7], isEvent: [false, false])
        #expect(censored.probability(withinUs: 1e9) == 0)
        #expect(censored.neverAnswers == 1)
        let one = LatencyLaw(durationsUs: [0], isEvent: [true])
        #expect(one.probability(withinUs: 0) == 1)
    }

    @Test func `an outage that hangs does not look like slow answers`() {
        var list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)] = []
        for second in 0..<3_000 {
            let isDown = (1_000..<1_300).contains(second)
            list.append((Int64(second) * 1_000_000, isDown ? 900_000 : 20_000, "a", isDown ? .timeout : .success))
        }
        let columns = attempts(list, timeoutUs: 900_000)
        let states = HostStateSmoother().smooth(columns)
        #expect(LatencyLaw.success(of: columns, states: states).neverAnswers < 0.001)
        #expect(agrees(LatencyLaw.success(of: columns, states: nil).neverAnswers, 0.1, 1e-9))
        #expect(LatencyLaw.failure(of: columns).observations == 0)
    }
}
