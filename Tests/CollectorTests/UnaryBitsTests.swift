import TestSupport
import Testing

@testable import Collector

@Suite struct UnaryBitsTests {
    /// The bytes of the unary part of offsets.
    private func unary(_ offsets: [UInt64], low: Int) -> [UInt8] {
        let bits = offsets.reduce(offsets.count) { $0 + Int($1 >> UInt64(low)) }
        return ByteWriter.bytes((bits + 7) / 8) { writer in
            offsets.withUnsafeBufferPointer {
                UnaryBits.write($0, low: low, bytes: (bits + 7) / 8, to: &writer)
            }
        }
    }

    private func read(_ bytes: [UInt8], low: Int, lows: [Int64]) throws(DecodingError) -> [Int64] {
        let padded = bytes + Array(repeating: 0xFF, count: Segment.padding)
        var values = lows + [77]
        try padded.withUnsafeBufferPointer { from throws(DecodingError) in
            try values.withUnsafeMutableBufferPointer { out throws(DecodingError) in
                guard let from = UnsafeRawPointer(from.baseAddress), let out = out.baseAddress else { return }
                try UnaryBits.add(from, bytes: bytes.count, low: low, count: lows.count, to: out)
            }
        }
        #expect(values.removeLast() == 77)
        return values
    }

    @Test func `every list of up to four small numbers comes back, however it is split`() throws {
        var lists: [[UInt64]] = [[]]
        for _ in 1...4 {
            lists = lists.flatMap { list in (0..<6).map { list + [UInt64($0)] } }
            for list in lists {
                for low in 0...3 {
                    let lows = list.map { Int64($0 & BitPacking.mask(low)) }
                    #expect(try read(unary(list, low: low), low: low, lows: lows) == list.map { Int64($0) })
                }
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds([1, 2, 3]))
    func `long stretches of zeros and of ones cross the words and come back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for count in [1, 63, 64, 65, 255, 256] {
            for most: UInt64 in [0, 1, 2, 70, 700] {
                let offsets = (0..<count).map { _ in
                    Int.random(in: 0..<4, using: &random) == 0 ? UInt64.random(in: 0...most, using: &random) : 0
                }
                let zeros = [Int64](repeating: 0, count: count)
                #expect(try read(unary(offsets, low: 0), low: 0, lows: zeros) == offsets.map { Int64($0) })
            }
        }
    }

    @Test func `a part with too many numbers or too few is refused`() throws {
        let offsets: [UInt64] = [3, 0, 9, 60, 1]
        let bytes = unary(offsets, low: 0)
        for count in 0...12 where count != offsets.count {
            #expect(throws: DecodingError.self) {
                try read(bytes, low: 0, lows: Array(repeating: 0, count: count))
            }
        }
        let zeros = [Int64](repeating: 0, count: offsets.count)
        #expect(throws: DecodingError.self) { try read(bytes + [0], low: 0, lows: zeros) }
        #expect(throws: DecodingError.self) { try read([], low: 0, lows: zeros) }
    }

    /// Differences as between events that come by chance.
    private func times(_ count: Int, mean: Double, using random: inout SeededGenerator) -> [Int64] {
        var at: Int64 = 1_700_000_000_000_000
        return (0..<count).map { _ in
            // The least of many even draws is about exponential.
            let gap = (0..<16).map { _ in Double.random(in: 0..<1, using: &random) }.min() ?? 0
            at += Int64(gap * 17 * mean)
            return at
        }
    }

    @Test(arguments: [5.0, 300, 40_000, 3e9])
    func `times of events take less than patched blocks do, and every range reads back`(mean: Double) throws {
        var random = SeededGenerator(seed: UInt64(mean))
        let values = times(1_500, mean: mean, using: &random)
        let runEnds: [Int32] = [1, 2, 5, 700, 701, 1_500]
        for (encoding, ends) in [(Encoding.delta, nil), (.deltaByRoute, runEnds)] {
            let sizes = [true, false].map { mayBeUnary in
                values.withUnsafeBufferPointer {
                    PatchedBlocks.measure($0, isDelta: true, runEnds: ends, mayBeUnary: mayBeUnary).size
                }
            }
            #expect(sizes[0] < sizes[1] - values.count / 32)
            let plan = try #require(candidates(values, runEnds: runEnds).first { $0.encoding == encoding })
            #expect(plan.size == sizes[0])
            let bytes = written(plan, values, runEnds: runEnds)
            for low in stride(from: 0, to: 1_500, by: 131) {
                for high in stride(from: low + 1, through: 1_500, by: 277) {
                    let back = try decoded(encoding, bytes, count: 1_500, runEnds: runEnds, wanted: low..<high)
                    #expect(back == Array(values[low..<high]))
                }
            }
        }
    }

    @Test func `no flipped bit of a block crashes: it is refused or is another block`() throws {
        var random = SeededGenerator(seed: 9)
        let values = times(300, mean: 90, using: &random)
        let plan = try #require(candidates(values).first { $0.encoding == .delta })
        let bytes = written(plan, values)
        var refused = 0
        for bit in 0..<8 * bytes.count {
            var broken = bytes
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            let back = try? decoded(.delta, broken, count: 300, wanted: 0..<300)
            if let back { #expect(back.count == 300) } else { refused += 1 }
        }
        #expect(refused > 0)
    }
}
