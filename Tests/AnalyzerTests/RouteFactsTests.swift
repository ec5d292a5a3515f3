import Testing

@testable import Analyzer

@Suite struct RouteFactsTests {
    @Test func theTableFollowsAUniformLaw() {
        // Uniform on [0, 100 ms]: share x / 100 ms, partial mean x² / 200 ms. Its corner at 100 ms lies inside the bin
        // that begins at 98.3 ms, where a table that is linear over bins cannot follow it.
        let table = LatencyTable { min(1, Double($0) / 100_000) }
        for us in stride(from: 1000, to: 98_304, by: 777) as StrideTo<Int64> {
            let within = table.within(us)
            #expect(abs(within.share - Double(us) / 100_000) < 1e-3)
            #expect(abs(within.partialMeanUs - Double(us) * Double(us) / 200_000) < 60)
        }
        #expect(table.within(0).share == 0)
        #expect(table.within(-5).partialMeanUs == 0)
    }

    @Test func pastTheLastBinEverythingThatAnswersHasAnswered() {
        let table = LatencyTable { $0 >= 1000 ? 0.9 : 0 }
        #expect(table.within(.max).share == 0.9)
        #expect(table.within(3_600_000_000).share == 0.9)
    }

    @Test func theShareNeverFalls() {
        let table = LatencyTable { us in us % 2 == 0 ? 0.5 : 0.1 }
        var last = 0.0
        for us in 1...5000 as ClosedRange<Int64> {
            let share = table.within(us).share
            #expect(share >= last)
            last = share
        }
    }

    @Test func whatOneHasMoreThanAnotherIsAddedAndNothingFallsBelowZero() {
        func totals(_ costs: [Double], _ extra: Double, _ successes: Double) -> UnitTotals {
            var totals = UnitTotals(units: 2)
            (totals.costUs, totals.extra) = (costs, [extra, 0])
            totals.successes = [successes, 1]
            return totals
        }
        let sum = totals([100, 5], 1, 7).adding(totals([30, 0], 4, 2), without: totals([20, 9], 2, 5))
        #expect(sum.costUs == [110, 0] && sum.extra == [3, 0] && sum.successes == [4, 1])
    }
}
