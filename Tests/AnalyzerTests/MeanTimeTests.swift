import Glibc
import TestSupport
import Testing

@testable import Analyzer

struct MeanTimeTests {
    private static func spells(_ watched: [Double], ended: [Bool]) -> [MeanTime.Spell] {
        zip(watched, ended).map { MeanTime.Spell(watchedUs: $0, isEnded: $1) }
    }

    @Test func `by hand: 10, 20 and 30 are 60 watched and three events`() throws {
        let mean = MeanTime(Self.spells([10, 20, 30], ended: [true, true, true]))
        #expect(mean.events == 3 && mean.watchedUs == 60 && mean.estimateUs == 20)
        // They scatter less than Poisson's, so his exact interval holds: half chi-square of 8 and of 6 degrees.
        #expect(abs(mean.lowUs - 60 / 8.767273) < 1e-4)
        #expect(abs(try #require(mean.highUs) - 60 / 0.618672) < 1e-2)
    }

    @Test func `what the end of the watch cuts counts as watched, not as an event`() {
        let mean = MeanTime(Self.spells([10, 20, 30], ended: [true, true, false]))
        #expect(mean.events == 2 && mean.estimateUs == 30)
    }

    @Test func `without an event only a lower bound is known`() {
        let mean = MeanTime(Self.spells([36.88879454], ended: [false]))
        #expect(mean.estimateUs == nil && mean.highUs == nil)
        #expect(abs(mean.lowUs - 10) < 1e-8)
        let nothing = MeanTime([])
        #expect(nothing.estimateUs == nil && nothing.lowUs == 0 && nothing.highUs == nil)
    }

    @Test func `one long stretch among short ones widens the interval`() throws {
        let even = MeanTime(Self.spells([20, 20, 20, 20, 20], ended: Array(repeating: true, count: 5)))
        let uneven = MeanTime(Self.spells([1, 1, 1, 1, 96], ended: Array(repeating: true, count: 5)))
        #expect(even.estimateUs == uneven.estimateUs)
        #expect(uneven.lowUs < even.lowUs)
        #expect(try #require(uneven.highUs) > 2 * (try #require(even.highUs)))
    }

    @Test func `a change of unit changes the unit only`() throws {
        let one = MeanTime(Self.spells([3, 14, 15, 92], ended: [true, true, false, true]))
        let thousand = MeanTime(Self.spells([3_000, 14_000, 15_000, 92_000], ended: [true, true, false, true]))
        #expect(agrees(try #require(thousand.estimateUs), 1_000 * (try #require(one.estimateUs)), 1e-12))
        #expect(agrees(thousand.lowUs, 1_000 * one.lowUs, 1e-12))
        #expect(agrees(try #require(thousand.highUs), 1_000 * (try #require(one.highUs)), 1e-12))
    }

    /// How often the interval holds the true mean of alternating stretches watched for a fixed time.
    private static func coverage(runs: Int, horizon: Double, draw: (inout SeededGenerator) -> Double, mean: Double)
        -> Double
    {
        var generator = SeededGenerator(seed: 17)
        var held = 0
        for _ in 0..<runs {
            var spells: [MeanTime.Spell] = []
            var left = horizon
            while left > 0 {
                let time = draw(&generator)
                spells.append(.init(watchedUs: min(time, left), isEnded: time <= left))
                left -= time
            }
            let found = MeanTime(spells)
            if found.lowUs <= mean && mean <= found.highUs ?? .infinity { held += 1 }
        }
        return Double(held) / Double(runs)
    }

    @Test func `the interval holds the mean as often as it says, and nearly so under a heavy tail`() {
        // 2,000 runs: a standard error of 0.5 %; three of them below 95 %.
        let exponential = Self.coverage(
            runs: 2_000, horizon: 8, draw: { -log(Double.random(in: 0..<1, using: &$0).nextUp) }, mean: 1)
        #expect(exponential > 0.935, "\(exponential)")
        // A log-normal with σ = 1.2 (its mean e^0.72) scatters twice as much; 40 stretches.
        let heavy = Self.coverage(
            runs: 2_000, horizon: 40 * exp(0.72),
            draw: { generator in
                let radius = (-2 * log(Double.random(in: 0..<1, using: &generator).nextUp)).squareRoot()
                return exp(1.2 * radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator)))
            }, mean: exp(0.72))
        #expect(heavy > 0.88, "\(heavy)")
    }
}
