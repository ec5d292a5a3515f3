import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct PooledRatesTests {
    typealias Count = PooledRates.Count

    private func gamma(_ shape: Int, _ g: inout SeededGenerator) -> Double {
        (0..<shape).reduce(0) { sum, _ in sum - log(1 - g.unit()) }
    }

    private func poisson(_ mean: Double, _ g: inout SeededGenerator) -> Double {
        var left = mean
        var count = 0.0
        while true {
            left += log(1 - g.unit())
            if left < 0 { return count }
            count += 1
        }
    }

    private func routes(_ count: Int, shape: Int, exposure: Double, _ g: inout SeededGenerator)
        -> [(rate: Double, count: Count)]
    {
        (0..<count).map { _ in
            let rate = gamma(shape, &g) / exposure
            let seen = exposure * exp(3 * g.unit() - 2)
            return (rate, Count(events: poisson(rate * seen, &g), exposure: seen))
        }
    }

    @Test func `by hand: nothing seen, one prior of half an event; all alike, one rate`() throws {
        let none = try #require(PooledRates([Count(events: 0, exposure: 30), Count(events: 0, exposure: 70)]))
        #expect(none.rate(of: Count(events: 0, exposure: 0)).mean == 0.005)
        // (0.5 + 2) / (100 + 25), deviation √2.5 / 125.
        let own = none.rate(of: Count(events: 2, exposure: 25))
        #expect(agrees(own.mean, 0.02, 1e-15))
        #expect(agrees(own.deviation, 2.5.squareRoot() / 125, 1e-15))
        let alike = try #require(PooledRates([Count](repeating: Count(events: 5, exposure: 10), count: 20)))
        #expect(alike.shape > 0.9 * PooledRates.alike)
        #expect(agrees(alike.rate(of: Count(events: 9, exposure: 10)).mean, 0.5, 1e-3))
        #expect(PooledRates([Count(events: 0, exposure: 0)]) == nil)
    }

    /// The counts' likelihood by summing over the rate, and its maximum on a fine lattice.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `the law of the rates equals a search over sums`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let counts = routes(60, shape: 2, exposure: 10, &generator).map(\.count)
        let found = try #require(PooledRates(counts))
        func summed(_ shape: Double, _ exposure: Double) -> Double {
            counts.reduce(0) { total, count in
                var sum = 0.0
                // Over the logarithm of the rate, in steps of 1/20.
                for step in -600...100 {
                    let rate = exp(Double(step) / 20)
                    let prior = shape * log(exposure * rate) - exposure * rate - lgamma(shape)
                    sum += exp(prior + count.events * log(rate) - rate * count.exposure) / 20
                }
                return total + log(sum)
            }
        }
        let best = summed(found.shape, found.exposure)
        for (a, b) in [(1.05, 1.0), (0.95, 1.0), (1.0, 1.05), (1.0, 0.95), (1.1, 1.1), (0.9, 0.9)] {
            #expect(summed(found.shape * a, found.exposure * b) < best + 1e-9, "\(generator)")
        }
        // Both likelihoods leave out the same: their differences agree.
        let there = summed(1.5, 8) - best
        let here =
            PooledRates.logLikelihood(counts, shape: 1.5, exposure: 8)
            - PooledRates.logLikelihood(counts, shape: found.shape, exposure: found.exposure)
        #expect(agrees(there, here, 1e-6), "\(generator)")
    }

    @Test func `known laws are recovered, and drawing in beats both each alone and all as one`() throws {
        var generator = SeededGenerator(seed: 5)
        let all = routes(800, shape: 3, exposure: 20, &generator)
        let pooled = try #require(PooledRates(all.map(\.count)))
        // Standard errors of a few per cent at 800 routes; three of them.
        #expect(abs(log(pooled.shape / 3)) < 0.35)
        #expect(abs(pooled.shape / pooled.exposure / 0.15 - 1) < 0.1)
        let mean = all.reduce(0) { $0 + $1.count.events } / all.reduce(0) { $0 + $1.count.exposure }
        var errors = (drawn: 0.0, alone: 0.0, asOne: 0.0)
        var covered = 0
        for (rate, count) in all {
            let one = pooled.rate(of: count)
            errors.drawn += (one.mean - rate) * (one.mean - rate)
            errors.alone += (count.events / count.exposure - rate) * (count.events / count.exposure - rate)
            errors.asOne += (mean - rate) * (mean - rate)
            if one.interval.contains(rate) { covered += 1 }
        }
        #expect(errors.drawn < 0.8 * errors.alone && errors.drawn < 0.8 * errors.asOne)
        // 95 % of 800 are 760, standard error 6.2.
        #expect(abs(covered - 760) <= 19)
    }

    @Test func `another unit of exposure scales rates and leaves the shape`() throws {
        var generator = SeededGenerator(seed: 6)
        let counts = routes(100, shape: 1, exposure: 5, &generator).map(\.count)
        let one = try #require(PooledRates(counts))
        let other = try #require(PooledRates(counts.map { Count(events: $0.events, exposure: $0.exposure * 1_000) }))
        #expect(agrees(one.shape, other.shape, 1e-5))
        #expect(agrees(other.exposure / one.exposure, 1_000, 1e-5))
        #expect(
            agrees(
                one.rate(of: counts[0]).mean,
                1_000 * other.rate(of: .init(events: counts[0].events, exposure: counts[0].exposure * 1_000)).mean, 1e-5
            ))
    }
}
