import Retry
import Testing

@testable import Analyzer

@Suite struct RadixOrderTests {
    @Test(arguments: [0, 1, 2, 1000])
    func itIsTheOrderThatComparingGives(count: Int) {
        for most in [1, 3000, 90_000_000, Int64.max] {
            var dice = SplitMix64(seed: UInt64(count), "order", UInt64(most))
            let values = (0..<count).map { _ in Int64.random(in: 0...most, using: &dice) }
            let slow = values.indices.sorted { values[$0] != values[$1] ? values[$0] < values[$1] : $0 < $1 }
            #expect(RadixOrder.places(of: values).map { Int($0) } == slow)
        }
    }

    @Test func whatIsEqualKeepsItsOrder() {
        #expect(RadixOrder.places(of: [5, 5, 0, 5]) == [2, 0, 1, 3])
        #expect(RadixOrder.places(of: [7, 7]) == [0, 1])
    }
}
