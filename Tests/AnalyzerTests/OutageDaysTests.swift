import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct OutageDaysTests {
    @Test func `one day tells nothing of days`() {
        let one = OutageDays([7, 7, 7, 7], lengths: [1, 2, 3, 40])
        #expect(one.count == 1 && one.spread == OutageDays.assumedSpread)
        // Nor do days of one outage each: nobody knows what is the day and what the outage.
        let single = OutageDays([1, 2, 3], lengths: [1, 20, 400])
        #expect(single.count == 3 && single.spread == OutageDays.assumedSpread)
    }

    /// By hand: days of two outages with lengths e^(−1 ∓ 0.1) and e^(1 ∓ 0.1). Squares within are 0.04 with two degrees
    /// of freedom and between 4 with one; n₀ = 2, so σ² = (4 − 0.02)/2.
    @Test func `two days worked by hand`() {
        let days = OutageDays([3, 3, 5, 5], lengths: [-1.1, -0.9, 0.9, 1.1].map { exp($0) })
        #expect(days.days == [0, 0, 1, 1])
        let known = (0.04 + 5 * 4.04 / 3) / 7
        let told = 0.0625 / (0.0625 + known / 2)
        let worth = told * told / (1.0 + 1.0 / 2)
        let expected = ((2 * 0.0625 + worth * 1.99) / (2 + worth)).squareRoot()
        #expect(agrees(days.spread, expected, 1e-12))
    }

    /// Twenty-five outages on twenty-four days, as a real service had them: that one pair is alike says nothing.
    @Test func `where hardly two outages share a day the days tell nothing`() {
        var generator = SplitMix64(seed: 16, "days")
        let lengths = (0..<24).map { _ in exp(0.9 * generator.normal()) }
        let days = OutageDays((0..<24).map { Int64($0) } + [23], lengths: lengths + [lengths[23] * 1.01])
        #expect(days.count == 24)
        #expect(agrees(days.spread, OutageDays.assumedSpread, 0.01))
    }

    @Test func `days that do not differ make the spread small, and another unit nothing`() {
        let numbers = (0..<200).map { Int64($0 / 20) }
        let lengths = (0..<200).map { 1 + Double($0 % 4) }
        let days = OutageDays(numbers, lengths: lengths)
        #expect(days.spread < 0.6 * OutageDays.assumedSpread)
        #expect(agrees(OutageDays(numbers, lengths: lengths.map { $0 * 3600 }).spread, days.spread, 1e-12))
    }

    /// Twenty days of twenty outages each: the spread of days is found again, that of outages does not matter.
    @Test(arguments: [0.1, 0.4, 0.8])
    func `the spread that days were drawn with is found`(spread: Double) {
        var generator = SplitMix64(seed: 17, "days")
        var found: [Double] = []
        for _ in 0..<200 {
            var (days, lengths): ([Int64], [Double]) = ([], [])
            for day in 0..<20 {
                let factor = exp(spread * generator.normal())
                for _ in 0..<20 {
                    days.append(Int64(day))
                    lengths.append(factor * exp(0.8 * generator.normal()))
                }
            }
            found.append(OutageDays(days, lengths: lengths).spread)
        }
        let mean = found.reduce(0, +) / Double(found.count)
        // The assumption still counts a little, more where it is far off.
        #expect(abs(mean - spread) < 0.1 * spread + 0.04)
    }

    @Test func `days that differ more do not make outages longer in the mean`() {
        var generator = SplitMix64(seed: 19, "days")
        let wide = OutageDays(
            (0..<200).map { Int64($0 / 10) },
            lengths: (0..<200).map { exp(2 * Double($0 / 10 % 2) + 0.01 * Double($0 % 10)) })
        #expect(wide.spread > 0.8)
        let draws = (0..<4000).flatMap { _ in Set(wide.drawFactors(&generator)) }
        let mean = draws.reduce(0, +) / Double(draws.count)
        #expect(abs(mean - exp(OutageDays.assumedSpread * OutageDays.assumedSpread / 2)) < 0.03)
    }

    @Test func `outages of a day get one factor`() {
        var generator = SplitMix64(seed: 18, "days")
        let days = OutageDays([1, 2, 1, 2, 9], lengths: [1, 1, 1, 1, 1])
        let factors = days.drawFactors(&generator)
        #expect(factors[0] == factors[2] && factors[1] == factors[3])
        #expect(Set(factors).count == 3)
    }
}
