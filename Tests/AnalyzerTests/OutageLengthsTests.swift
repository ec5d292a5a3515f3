import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct OutageLengthsTests {
    private func pareto(_ count: Int, index: Double, seed: UInt64) -> [Double] {
        var generator = SplitMix64(seed: seed)
        return (0..<count).map { _ in 50_000 * exp(generator.exponential() / index) }
    }

    private func logNormal(_ count: Int, spread: Double, seed: UInt64) -> [Double] {
        var generator = SplitMix64(seed: seed)
        return (0..<count).map { _ in 200_000 * exp(spread * generator.normal()) }
    }

    @Test func `the law that drew the lengths is the likelier one`() {
        let heavy = (1...20).map { OutageLengths(pareto(400, index: 1.1, seed: $0)).paretoShare }
        let light = (1...20).map { OutageLengths(logNormal(400, spread: 0.8, seed: $0)).paretoShare }
        #expect(heavy.reduce(0, +) / 20 > 0.8)
        #expect(light.reduce(0, +) / 20 < 0.2)
    }

    @Test func `only the longest quarter gets other lengths, and they exceed the rest`() {
        let lengths = logNormal(40, spread: 0.8, seed: 3)
        let threshold = lengths.sorted()[29]
        var generator = SplitMix64(seed: 1)
        let laws = OutageLengths(lengths)
        for _ in 0..<200 {
            let factors = laws.drawFactors(&generator)
            for (length, factor) in zip(lengths, factors) where length <= threshold { #expect(factor == 1) }
            for (length, factor) in zip(lengths, factors) where length > threshold {
                #expect(length * factor >= threshold * (1 - 1e-9) && factor <= OutageLengths.mostFactor)
            }
        }
    }

    /// Of log-normal lengths one in a hundred exceeds the median e^(2.326 · 0.8) = 6.43 times; of Pareto's with index
    /// 2, ten times the least.
    @Test(arguments: [true, false]) func `drawn lengths exceed what the law says they do`(isPareto: Bool) {
        let far = isPareto ? 50_000 * 10 : 200_000 * exp(2.326 * 0.8)
        var (drawn, beyond) = (0, 0)
        for seed in 1...40 as ClosedRange<UInt64> {
            let lengths = isPareto ? pareto(400, index: 2, seed: seed) : logNormal(400, spread: 0.8, seed: seed)
            let laws = OutageLengths(lengths)
            var generator = SplitMix64(seed: seed + 100)
            for _ in 0..<20 {
                for (length, factor) in zip(lengths, laws.drawFactors(&generator)) {
                    drawn += 1
                    if length * factor > far { beyond += 1 }
                }
            }
        }
        let share = Double(beyond) / Double(drawn)
        #expect(share > 0.007 && share < 0.014, "\(share)")
    }

    @Test func `another unit draws the same factors`() {
        let lengths = pareto(60, index: 1.1, seed: 4)
        var (one, other) = (SplitMix64(seed: 8), SplitMix64(seed: 8))
        let inMicroseconds = OutageLengths(lengths)
        let inSeconds = OutageLengths(lengths.map { $0 / 1e6 })
        #expect(agrees(inMicroseconds.paretoShare, inSeconds.paretoShare, 1e-9))
        for _ in 0..<10 {
            for (a, b) in zip(inMicroseconds.drawFactors(&one), inSeconds.drawFactors(&other)) {
                #expect(agrees(a, b, 1e-9 * a))
            }
        }
    }
}
