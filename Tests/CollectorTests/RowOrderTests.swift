import TestSupport
import Testing

@testable import Collector

@Suite struct RowOrderTests {
    @Test(arguments: [1, 10, 1 << 20, Int64.max])
    func `rows are ordered as by plain comparison, whatever the span of their times`(span: Int64) {
        var random = SeededGenerator(seed: UInt64(span))
        for count in [0, 1, 2, 17, 1_000] {
            let startUs = (0..<count).map { _ in Int64.random(in: -span...span, using: &random) }
            let route = (0..<count).map { _ in Int64.random(in: 0...5, using: &random) }
            let attempt = (0..<count).map { _ in Int64.random(in: 1...3, using: &random) }
            for starts in [startUs, startUs.sorted()] {
                let plain = (0..<count).sorted {
                    (route[$0], starts[$0], attempt[$0], $0) < (route[$1], starts[$1], attempt[$1], $1)
                }
                let order = route.withUnsafeBufferPointer { route in
                    starts.withUnsafeBufferPointer { starts in
                        attempt.withUnsafeBufferPointer {
                            RowOrder.forSegment(route: route, startUs: starts, attempt: $0)
                        }
                    }
                }
                #expect(order.map { Int($0) } == plain)
                let byStart = starts.withUnsafeBufferPointer { RowOrder.byStart($0) }
                #expect(byStart.map { Int($0) } == (0..<count).sorted { (starts[$0], $0) < (starts[$1], $1) })
                let byAttempt = starts.withUnsafeBufferPointer { starts in
                    attempt.map { Int32($0) }.withUnsafeBufferPointer { RowOrder.byStart(starts, attempt: $0) }
                }
                let plainly = (0..<count).sorted { (starts[$0], attempt[$0], $0) < (starts[$1], attempt[$1], $1) }
                #expect(byAttempt.map { Int($0) } == plainly)
            }
        }
    }

    @Test(arguments: [2, 31, 32, 33, 5_000])
    func `rows that tie are ordered by attempt number, then arrival, however many they are`(ties: Int) {
        var random = SeededGenerator(seed: UInt64(ties))
        let count = 2 * ties + 3
        // Other rows before, between and behind.
        let startUs = (0..<count).map { row in Int64([5, row <= ties ? 7 : 8].randomElement(using: &random)!) }
        for most: Int64 in [1, 3, 1_000] {
            let attempt = (0..<count).map { _ in Int64.random(in: 1...most, using: &random) }
            let route = [Int64](repeating: 4, count: count)
            let order = route.withUnsafeBufferPointer { route in
                startUs.withUnsafeBufferPointer { starts in
                    attempt.withUnsafeBufferPointer {
                        RowOrder.forSegment(route: route, startUs: starts, attempt: $0)
                    }
                }
            }
            let plain = (0..<count).sorted { (startUs[$0], attempt[$0], $0) < (startUs[$1], attempt[$1], $1) }
            #expect(order.map { Int($0) } == plain)
            let byStart = startUs.withUnsafeBufferPointer { starts in
                attempt.map { Int32($0) }.withUnsafeBufferPointer { RowOrder.byStart(starts, attempt: $0) }
            }
            #expect(byStart == order)
        }
    }
}
