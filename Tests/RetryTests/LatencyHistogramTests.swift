import Retry
import TestSupport
import Testing

@Suite struct LatencyHistogramTests {
    private static func durations(_ count: Int, using generator: inout SeededGenerator) -> [Int64] {
        (0..<count).map { _ in
            let most = Int64(1) << Int64.random(in: 0...40, using: &generator)
            return Int64.random(in: 0...most, using: &generator)
        }
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3]))
    func `a quantile lies within the bounds that are told, which are an eighth apart`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for count in [1, 2, 10, 1_000] {
            let durations = Self.durations(count, using: &generator)
            let histogram = LatencyHistogram(durations)
            let sorted = durations.sorted()
            #expect(histogram.count == count)
            for share in [0, 0.01, 0.07, 0.5, 0.9, 0.99, 1] {
                let rank = LatencyHistogram.rank(of: share, among: count)
                let bounds = try #require(histogram.quantileUs(share))
                #expect(bounds.contains(sorted[rank - 1]), "\(generator) \(share)")
                if bounds.lowerBound >= 8, bounds.upperBound < .max {
                    #expect(Double(bounds.upperBound) < Double(bounds.lowerBound) * 9 / 8)
                }
            }
        }
        #expect(LatencyHistogram().quantileUs(0.5) == nil)
    }

    @Test(arguments: SeededGenerator.seeds([4, 5]))
    func `parts in any order merge to the histogram of the whole`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let durations = Self.durations(600, using: &generator)
        let whole = LatencyHistogram(durations)
        var merged = LatencyHistogram(durations[400...])
        merged.merge(LatencyHistogram())
        for durationUs in durations[100..<400].reversed() { merged.add(us: durationUs) }
        merged.merge(LatencyHistogram(durations[..<100]))
        #expect(merged == whole)
        #expect((0..<LogGrid.count).reduce(0) { $0 + whole.count(ofBin: $1) } == 600)
        #expect(whole.counts.first != 0 && whole.counts.last != 0)
    }

    @Test func `the rank is the nearest, whatever the share's last bit`() {
        for count in 1...2_000 {
            for percent in 0...100 {
                let rank = LatencyHistogram.rank(of: Double(percent) / 100, among: count)
                #expect(rank == max(1, (percent * count + 99) / 100), "\(percent) % of \(count)")
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds([6, 7]))
    func `a histogram of known counts is the one that counted`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let none = [UInt32](repeating: 0, count: LogGrid.count)
        #expect(LatencyHistogram(counts: none.span) == LatencyHistogram())
        for size in [1, 2, 600] {
            let durations = Self.durations(size, using: &generator)
            var counts = none
            for durationUs in durations { counts[LogGrid.index(ofUs: durationUs)] += 1 }
            #expect(LatencyHistogram(counts: counts.span) == LatencyHistogram(durations))
        }
        var ends = none
        (ends[0], ends[LogGrid.count - 1]) = (2, 3)
        #expect(LatencyHistogram(counts: ends.span).counts == ends.map { Int($0) })
    }

    @Test func `the bin is the top bit and the three below it, for any duration`() {
        for top in 0..<63 {
            for bits in Int64(0)..<8 {
                // Below 8 us a bin has no more bits than its number.
                let missing = Int64(max(0, 3 - top))
                let step = (bits >> missing) << missing
                let unit = Int64(1) << Int64(max(0, top - 3))
                let low = (Int64(1) << Int64(top)) + (bits >> missing) * unit
                let inside = unit - 1
                let expected = min(LogGrid.count - 1, top * 8 + Int(step))
                for durationUs in [low, low + inside / 2, low + inside] {
                    #expect(LogGrid.index(ofUs: durationUs) == expected, "\(durationUs) us")
                }
            }
        }
        for durationUs in [Int64.min, -1, 0, 1] { #expect(LogGrid.index(ofUs: durationUs) == 0) }
    }

    @Test func `bins lie side by side from the least duration to the greatest`() {
        #expect(LatencyHistogram.boundsUs(ofBin: 0).lowerBound == .min)
        #expect(LatencyHistogram.boundsUs(ofBin: LogGrid.count - 1).upperBound == .max)
        for durationUs in [-5, 0, 1, 2, 7, 8, 9, 1_000, 999_999, 1 << 37, Int64.max] {
            #expect(LatencyHistogram.boundsUs(ofBin: LogGrid.index(ofUs: durationUs)).contains(durationUs))
        }
    }
}
