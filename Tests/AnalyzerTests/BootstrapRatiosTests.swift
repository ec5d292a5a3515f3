import Glibc
import TestSupport
import Testing

@testable import Analyzer

@Suite struct BootstrapRatiosTests {
    private func ratios(_ sums: [[Double]], _ counts: [Double], seed: UInt64 = 1) -> BootstrapRatios {
        let weights = Bootstrap(units: counts.count, replicates: 400, seed: seed).weights
        return BootstrapRatios(sums: sums, counts: counts, weights: weights)
    }

    @Test func `units that are all alike leave no doubt`() {
        let interval = ratios([Array(repeating: 6, count: 20)], Array(repeating: 2, count: 20)).interval95(0)
        #expect(abs(interval.lowerBound - 3) < 1e-9 && abs(interval.upperBound - 3) < 1e-9)
        #expect(ratios([[0, 0, 0]], [1, 1, 1]).interval95(0) == 0...0)
    }

    @Test func `each sum has its own interval, and another unit scales it`() {
        var generator = SeededGenerator(seed: 5)
        let counts = (0..<60).map { _ in 50 + 10 * generator.unit() }
        let first = counts.map { $0 * (1 + generator.unit()) }
        let both = ratios([first.map { $0 * 1000 }, first], counts)
        let (large, small) = (both.interval95(0), both.interval95(1))
        #expect(abs(large.lowerBound / small.lowerBound - 1000) < 1e-6)
        #expect(abs(large.upperBound / small.upperBound - 1000) < 1e-6)
        let alone = ratios([first], counts).interval95(0)
        #expect(abs(small.lowerBound / alone.lowerBound - 1) < 1e-12)
        #expect(abs(small.upperBound / alone.upperBound - 1) < 1e-12)
        #expect(small.contains(first.reduce(0, +) / counts.reduce(0, +)))
    }

    private func normal(_ generator: inout SeededGenerator) -> Double {
        (-2 * log(1 - generator.unit())).squareRoot() * cos(2 * .pi * generator.unit())
    }

    /// Forty outages of log-normal cost among quiet blocks: the mean is that of the law.
    @Test func `few skewed units: the interval covers where percentiles fall short`() {
        let spread = 1.2
        let truth = 40 * exp(spread * spread / 2) / 200
        var (covered, percentile) = (0, 0)
        for seed in 1...300 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let sums = (0..<200).map { _ in generator.unit() < 0.2 ? exp(spread * normal(&generator)) : 0 }
            let counts = [Double](repeating: 1, count: 200)
            let weights = Bootstrap(units: 200, replicates: 400, seed: seed).weights
            if BootstrapRatios(sums: [sums], counts: counts, weights: weights).interval95(0).contains(truth) {
                covered += 1
            }
            var column = Matrix(rows: 200, columns: 1)
            for unit in 0..<200 { column[unit, 0] = sums[unit] / 200 }
            let means = weights.multiplied(by: column).column(0)
            if Bootstrap.interval95(means).contains(truth) { percentile += 1 }
        }
        // 95 % of 300 with two standard errors of that count.
        #expect(covered >= 277, "\(covered) of 300")
        #expect(covered > percentile, "\(covered) against \(percentile)")
    }
}
