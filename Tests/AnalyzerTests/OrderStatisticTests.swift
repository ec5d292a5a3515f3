import Retry
import Testing

@testable import Analyzer

@Suite struct OrderStatisticTests {
    @Test func everyPlaceHoldsWhatSortingPutsThere() {
        var dice = SplitMix64(seed: 4)
        for count in 1...40 {
            for levels in [2.0, 7, 1e9] {
                let values = (0..<count).map { _ in (dice.unit() * levels).rounded(.down) }
                let sorted = values.sorted()
                for place in 0..<count {
                    var some = values
                    #expect(OrderStatistic.select(place, of: &some) == sorted[place])
                    #expect(some.sorted() == sorted)
                    if place + 1 < count {
                        #expect(OrderStatistic.select(place + 1, of: &some, from: place) == sorted[place + 1])
                    }
                }
            }
        }
    }
}
