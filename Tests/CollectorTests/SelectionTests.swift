import TestSupport
import Testing

@testable import Collector

@Suite struct SelectionTests {
    @Test func `a value by its place is that of the sorted values`() {
        var random = SeededGenerator(seed: 41)
        for count in [1, 2, 3, 16, 17, 18, 19, 100, 511, 512, 513, 3_000] {
            for most: Int64 in [0, 1, 3, 50, .max] {
                let values = (0..<count).map { _ in Int64.random(in: -most...most, using: &random) }
                expectAllPlaces(values)
            }
        }
    }

    @Test func `orders that make a search slow change nothing`() {
        let rising = (0..<Int64(2_000)).map { $0 }
        let pipes = (0..<Int64(1_000)).map { $0 } + (0..<Int64(1_000)).reversed()
        for values in [rising, rising.reversed(), pipes, rising.map { $0 % 2 }] {
            expectAllPlaces(values, step: 97)
        }
    }

    private func expectAllPlaces(_ values: [Int64], step: Int = 61) {
        let sorted = values.sorted()
        for place in Set(stride(from: 0, to: values.count, by: step)).union([values.count - 1]) {
            // Also where the rounds run out before the value is found.
            for rounds in [nil, 0, 1, 3] {
                var some = values
                let found = some.withUnsafeMutableBufferPointer { Selection.value(at: place, of: $0, rounds: rounds) }
                #expect(found == sorted[place])
                #expect(some.sorted() == sorted)
            }
        }
    }
}
