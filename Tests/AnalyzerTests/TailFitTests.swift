import Glibc
import TestSupport
import Testing

@testable import Analyzer

/// How far a law goes past a limit that cut it off.
@Suite struct TailFitTests {
    private func normal(_ generator: inout SeededGenerator) -> Double {
        (-2 * log(1 - generator.unit())).squareRoot() * cos(2 * .pi * generator.unit())
    }

    /// A law cut off at a limit; `tailFrom` as asked.
    private func law(
        _ count: Int, limitUs: Int64, seed: UInt64, from shares: [Double], _ draw: (inout SeededGenerator) -> Double
    ) -> LatencyLaw {
        var generator = SeededGenerator(seed: seed)
        let times = (0..<count).map { _ in Int64(draw(&generator)) }
        return LatencyLaw(
            durationsUs: times.map { min($0, limitUs) }, isEvent: times.map { $0 < limitUs }, tailFrom: shares)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `one law from end to end is found by its whole body`(seed: UInt64) throws {
        let found = law(40_000, limitUs: 250_000, seed: seed, from: LatencyLaw.wholeBody) { generator in
            80_000 * exp(0.9 * normal(&generator))
        }
        let tail = try #require(found.tail)
        #expect(tail.family == .logNormal)
        // Four standard errors of a censored normal fit, roughly.
        #expect(agrees(tail.location, log(80_000), 0.02))
        #expect(agrees(tail.scale, 0.9, 0.02))
        // Sixteen times as far as the log reaches: one in 134,000 is slower.
        #expect(found.survival(4_000_000) < 1e-4)
        #expect(agrees(found.survival(1_000_000), 0.00250, 0.0008))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `of two laws the slower one goes on past the end`(seed: UInt64) throws {
        let found = law(40_000, limitUs: 1_000_000, seed: seed, from: LatencyLaw.wholeBody) { generator in
            (generator.unit() < 0.05 ? 600_000 : 6_000) * exp(0.3 * normal(&generator))
        }
        let tail = try #require(found.tail)
        #expect(agrees(tail.location, log(600_000), 0.05))
        #expect(agrees(tail.scale, 0.3, 0.05))
        // Of those cut off, at most one in a hundred takes more than twice as long.
        #expect(found.survival(2_000_000) < 0.01 * found.survival(999_999))
    }

    @Test func `the upper quarter alone is what tails are fitted to unless asked for more`() {
        func draw(_ generator: inout SeededGenerator) -> Double { 80_000 * exp(0.9 * normal(&generator)) }
        let usual = law(5_000, limitUs: 250_000, seed: 9, from: LatencyLaw.upperQuarter, draw)
        let wide = law(5_000, limitUs: 250_000, seed: 9, from: LatencyLaw.wholeBody, draw)
        #expect(usual.tail != nil && usual.tail != wide.tail)
        // What was observed is the same either way.
        for us in stride(from: 10_000.0, through: 250_000, by: 20_000) {
            #expect(usual.survival(us) == wide.survival(us))
        }
        let none = TailFit(durationsUs: [], isEvent: [], weights: nil, curve: usual.curve)
        #expect(none.fit(from: LatencyLaw.wholeBody) == nil)
    }
}
