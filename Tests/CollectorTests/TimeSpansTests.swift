import TestSupport
import Testing

@testable import Collector

@Suite struct TimeSpansTests {
    /// Every pair and triple of stretches within ten ticks, against single ticks.
    @Test func `stretches meet and share exactly the ticks that they have`() {
        var random = SeededGenerator(seed: 1)
        func stretch() -> ClosedRange<Int64> {
            let low = Int64.random(in: 0..<30, using: &random)
            return low...low + Int64.random(in: 0..<6, using: &random)
        }
        for _ in 0..<2_000 {
            let parts = (0..<Int.random(in: 0...5, using: &random)).map { _ in stretch() }
            let gap = Int64.random(in: 0...2, using: &random)
            let spans = TimeSpans(parts, gapUs: gap)
            #expect(zip(spans.spans, spans.spans.dropFirst()).allSatisfy { $0.upperBound + gap < $1.lowerBound })
            let ticks = Set(spans.spans.flatMap { Array($0) })
            #expect(ticks.isSuperset(of: parts.flatMap { Array($0) }))
            if gap == 0 { #expect(ticks == Set(parts.flatMap { Array($0) })) }
            let time = stretch()
            #expect(spans.meets([time]) == !ticks.isDisjoint(with: time))
            #expect(Set(spans.parts(of: time).flatMap { Array($0) }) == ticks.intersection(time))
        }
    }

    @Test func `all of time meets every time`() {
        #expect(TimeSpans.always.meets([Int64.min...Int64.min]))
        #expect(TimeSpans.always.parts(of: 1...Int64.max) == [1...Int64.max])
        #expect(!TimeSpans([]).meets([Int64.min...Int64.max]))
        #expect(TimeSpans([0...Int64.max, 5...6], gapUs: 1).spans == [0...Int64.max])
    }
}
