import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct RestartTimeTests {
    private func law(_ durations: [Int64], isEvent: [Bool]? = nil) -> LatencyLaw {
        LatencyLaw(durationsUs: durations, isEvent: isEvent ?? [Bool](repeating: true, count: durations.count))
    }

    @Test func `half answers at 1 ms and half at 100 ms: cut off at 1 ms, two tries on average`() throws {
        let two = law([Int64](repeating: 1_000, count: 50) + [Int64](repeating: 100_000, count: 50))
        let restart = RestartTime(law: two, restartUs: 0)
        let best = try #require(restart.best())
        // The law's steps are ramps of an eighth before them.
        #expect(abs(best.limitUs - 1_000) < 10)
        #expect(abs(best.meanUs - 2_000) < 0.07 * 2_000)
        // One more try costs 0.5 × 5 ms for each that is cut off: (1 ms + 0.5 × 5 ms) / 0.5 in all.
        let dear = RestartTime(law: two, restartUs: 5_000)
        #expect(abs(dear.meanUs(limitUs: 1_000) - restart.meanUs(limitUs: 1_000) - 5_000) < 1e-6)
        // Two tries, then whatever happens: 1 ms + 0.5 × 1 ms.
        let listed = restart.meanUs(limitsUs: [1_000, 1_000])
        #expect(agrees(listed, 1.5 * two.truncatedMeanUs(1_000), 1e-9))
        #expect(restart.meanUs(limitUs: 500) == .infinity)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the mean with restarts is what playing them takes`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let durations = (0..<400).map { _ in Int64(exp(7 + 1.2 * NormalLaw.quantile(generator.unit() * 0.999 + 0.0005)))
        }
        let law = law(durations)
        let limit = 1_500.0
        var total = 0.0
        let plays = 40_000
        for _ in 0..<plays {
            while true {
                guard let took = law.quantileUs(generator.unit()) else { continue }
                total += min(took, limit) + (took > limit ? 50 : 0)
                if took <= limit { break }
            }
        }
        let mean = RestartTime(law: law, restartUs: 50).meanUs(limitUs: limit)
        #expect(abs(total / Double(plays) / mean - 1) < 0.03, "\(generator)")
    }

    @Test func `restarting an exponential time gains nothing, and a time with a rising hazard loses`() {
        let exponential = law((0..<2_000).map { Int64(-10_000 * log(1 - (Double($0) + 0.5) / 2_000)) + 1 })
        let whole = exponential.truncatedMeanUs(1e9)
        for limit in [5_000.0, 10_000, 40_000] {
            #expect(abs(RestartTime(law: exponential).meanUs(limitUs: limit) / whole - 1) < 0.03)
        }
        let even = law((1...1_000).map { Int64($0) * 10 })
        #expect(RestartTime(law: even).best() == nil)
    }

    @Test func `another unit scales the best limit and the mean`() throws {
        var generator = SeededGenerator(seed: 6)
        let durations = (0..<500).map { _ in
            let quick = 2_000 + 1_000 * generator.unit()
            return Int64(generator.unit() < 0.9 ? quick : quick * 30)
        }
        let one = try #require(RestartTime(law: law(durations)).best())
        let other = try #require(RestartTime(law: law(durations.map { $0 * 1_000 })).best())
        #expect(abs(other.limitUs / one.limitUs / 1_000 - 1) < 0.01)
        #expect(abs(other.meanUs / one.meanUs / 1_000 - 1) < 0.005)
    }

    @Test func `tries cut off at 20 ms show the same best limit as tries seen to the end`() throws {
        let durations = (0..<4_000).map { index -> Int64 in
            let share = (Double(index) + 0.5) / 4_000
            return share < 0.9 ? Int64(4_000 + 4_000 * share) : 200_000
        }
        let seen = try #require(RestartTime(law: law(durations)).best())
        let cut = try #require(
            RestartTime(law: law(durations.map { min($0, 20_000) }, isEvent: durations.map { $0 <= 20_000 })).best())
        #expect(abs(cut.limitUs - seen.limitUs) < 0.01 * seen.limitUs)
        #expect(abs(cut.meanUs - seen.meanUs) < 0.001 * seen.meanUs)
        #expect(RestartTime(law: law([])).best() == nil)
    }
}
