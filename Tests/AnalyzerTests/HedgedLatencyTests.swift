import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct HedgedLatencyTests {
    private func law(_ generator: inout SeededGenerator, _ count: Int = 600) -> LatencyLaw {
        let durations = (0..<count).map { _ in
            Int64((generator.unit() < 0.1 ? 20_000 : 2_000) * (1 + generator.unit()))
        }
        return LatencyLaw(durationsUs: durations, isEvent: [Bool](repeating: true, count: count))
    }

    @Test func `half answers at 1 ms, half at 100 ms, one hedge at 10 ms`() {
        let two = LatencyLaw(
            durationsUs: [Int64](repeating: 1_000, count: 50) + [Int64](repeating: 100_000, count: 50),
            isEvent: [Bool](repeating: true, count: 100))
        let hedged = HedgedLatency(law: two, delaysUs: [10_000])
        #expect(agrees(hedged.extraAttempts, 0.5, 1e-12))
        #expect(agrees(hedged.survival(5_000), 0.5, 1e-12))
        #expect(agrees(hedged.survival(50_000), 0.25, 1e-12))
        // Sent in one case of five: 1/2 − 1/2 × 1/5 × 1/2.
        #expect(agrees(HedgedLatency(law: two, delaysUs: [10_000], share: 0.2).survival(50_000), 0.45, 1e-12))
        #expect(agrees(HedgedLatency(law: two, delaysUs: [10_000, 20_000]).extraAttempts, 0.75, 1e-12))
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `quantiles and load equal playing it`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let one = law(&generator)
        let hedged = HedgedLatency(law: one, delaysUs: [4_000, 9_000], share: 0.7)
        var sent = 0
        var times: [Double] = []
        for _ in 0..<40_000 {
            var answer = try #require(one.quantileUs(generator.unit()))
            for delay in hedged.delaysUs where answer > delay && generator.unit() < 0.7 {
                sent += 1
                answer = min(answer, delay + (try #require(one.quantileUs(generator.unit()))))
            }
            times.append(answer)
        }
        times.sort()
        #expect(abs(Double(sent) / 40_000 - hedged.extraAttempts) < 4 * (0.15 / 40_000).squareRoot(), "\(generator)")
        for p in [0.5, 0.9, 0.99] {
            let quantile = try #require(hedged.quantileUs(p))
            let below = Double(times.count { $0 <= quantile }) / 40_000
            #expect(abs(below - p) < 5 * (p * (1 - p) / 40_000).squareRoot(), "\(generator) \(p)")
        }
    }

    @Test func `without hedges it is the law, and another unit scales all times`() throws {
        var generator = SeededGenerator(seed: 9)
        let one = law(&generator)
        let none = HedgedLatency(law: one, delaysUs: [])
        #expect(none.extraAttempts == 0)
        for us in [1_000.0, 3_000, 25_000] { #expect(none.survival(us) == one.survival(us)) }
        let durations = (1...300).map { Int64($0 * $0) }
        let isEvent = [Bool](repeating: true, count: 300)
        let small = HedgedLatency(law: LatencyLaw(durationsUs: durations, isEvent: isEvent), delaysUs: [50_000])
        let large = HedgedLatency(
            law: LatencyLaw(durationsUs: durations.map { $0 * 1_000 }, isEvent: isEvent), delaysUs: [50_000_000])
        #expect(agrees(small.extraAttempts, large.extraAttempts, 1e-3))
        for p in [0.5, 0.9] {
            let ratio = try #require(large.quantileUs(p)) / (try #require(small.quantileUs(p)))
            #expect(abs(ratio / 1_000 - 1) < 1e-3)
        }
    }
}
