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
}
