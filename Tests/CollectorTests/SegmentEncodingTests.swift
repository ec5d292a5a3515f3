import TestSupport
import Testing

@testable import Collector

/// The bytes of a plan, without padding.
func written(_ plan: EncodingPlan, _ values: [Int64], runEnds: [Int32]? = nil) -> [UInt8] {
    ByteWriter.bytes(plan.size) { writer in
        values.withUnsafeBufferPointer { plan.write($0, runEnds: runEnds, to: &writer) }
    }
}

func decoded(
    _ encoding: Encoding, _ bytes: [UInt8], count: Int, runEnds: [Int32]? = nil, wanted: Range<Int>
) throws(DecodingError) -> [Int64] {
    let padded = bytes + Array(repeating: 0xAA, count: Segment.padding)
    var values = [Int64](repeating: 0x5555, count: wanted.count)
    try padded.withUnsafeBufferPointer { buffer throws(DecodingError) in
        var reader = try ByteReader(UnsafeRawBufferPointer(buffer), from: 0, to: bytes.count)
        try values.withUnsafeMutableBufferPointer { out throws(DecodingError) in
            guard let start = out.baseAddress else { return }
            try SegmentDecoder.decode(
                encoding, &reader, count: count, runEnds: runEnds, wanted: wanted, into: start)
        }
    }
    return values
}

func candidates(_ values: [Int64], runEnds: [Int32]? = nil) -> [EncodingPlan] {
    values.withUnsafeBufferPointer { EncodingChoice.candidates(for: $0, runEnds: runEnds) }
}

func best(_ values: [Int64], runEnds: [Int32]? = nil) -> EncodingPlan {
    values.withUnsafeBufferPointer { EncodingChoice.best(for: $0, runEnds: runEnds) }
}

@Suite struct SegmentEncodingTests {
    /// Every plan writes as many bytes as it said and reads back, whole and in part; the best is the first smallest.
    private func check(_ values: [Int64], runEnds: [Int32]? = nil, ranges: [Range<Int>]) throws {
        let plans = candidates(values, runEnds: runEnds)
        for plan in plans {
            let bytes = written(plan, values, runEnds: runEnds)
            try #require(bytes.count == plan.size, "\(plan.encoding) of \(values.prefix(20))")
            for range in ranges {
                let back = try decoded(
                    plan.encoding, bytes, count: values.count, runEnds: runEnds, wanted: range)
                try #require(back == Array(values[range]), "\(plan.encoding) \(range) of \(values.prefix(20))")
            }
        }
        let best = best(values, runEnds: runEnds)
        let least = try #require(plans.map(\.size).min())
        #expect(best.size == least)
        #expect(best.encoding == plans.first { $0.size == least }?.encoding)
    }

    @Test func `every list of up to six values of up to four kinds survives every encoding`() throws {
        let kinds: [Int64] = [0, 1, -3, 1 << 40]
        var lists: [[Int64]] = [[]]
        var count = 0
        for length in 1...6 {
            lists = lists.flatMap { list in kinds.map { list + [$0] } }
            let cuts = [Int32(length + 1) / 2, Int32(length)]
            for list in lists {
                try check(
                    list, runEnds: length > 1 ? cuts : nil,
                    ranges: [0..<length, 0..<1, length - 1..<length, 1..<length])
                count += 1
            }
        }
        #expect(count == 4 + 16 + 64 + 256 + 1_024 + 4_096)
    }

    @Test func `every bit width survives, across block boundaries and at the ends of the number line`() throws {
        for width in 0...64 {
            var random = SeededGenerator(seed: UInt64(width))
            for count in [1, 2, 127, 128, 129, 255, 256, 257, 258, 513, 515] {
                let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
                let values = (0..<count).map { _ in Int64(bitPattern: random.next() & mask) }
                let shifted = values.map { $0 &+ Int64.min }
                for list in [values, shifted, values.sorted(), values + values.reversed()] {
                    let middle = list.count / 2
                    let runEnds = [1, list.count / 3, list.count / 2, list.count].filter { $0 > 0 }.map { Int32($0) }
                    try check(
                        list, runEnds: Array(Set(runEnds)).sorted(),
                        ranges: [0..<list.count, middle..<list.count, 0..<middle, middle..<middle, middle..<middle + 1])
                }
            }
        }
    }

    @Test func `bit packing gives back every width and length, and touches no more bytes than it says`() {
        var random = SeededGenerator(seed: 41)
        for width in 0...64 {
            for count in Array(0...20) + [63, 64, 100, 127, 128, 129, 200, 255, 256, 257, 300, 384, 600] {
                let values = (0..<count).map { _ in random.next() & BitPacking.mask(width) }
                let size = BitPacking.size(count, width: width)
                let bytes = ByteWriter.bytes(size) { writer in
                    values.withUnsafeBufferPointer { BitPacking.pack($0, width: width, to: &writer) }
                }
                #expect(bytes.count == size)
                let padded = bytes + Array(repeating: 0xFF, count: Segment.padding)
                var back = [Int64](repeating: -1, count: count + 1)
                padded.withUnsafeBytes { from in
                    back.withUnsafeMutableBufferPointer { out in
                        BitPacking.unpack(
                            from.baseAddress!, width: width, count: count, base: -7, into: out.baseAddress!)
                    }
                }
                #expect(back == values.map { Int64(bitPattern: $0) &- 7 } + [-1], "\(count) of \(width) bits")
            }
        }
    }

    @Test func `outliers anywhere in a block become exceptions and come back`() throws {
        for width in [1, 7, 20, 40] {
            for place in [0, 1, 127, 128, 255, 256, 300] {
                for high in [Int64(1) << Int64(width + 1), .max, .min] {
                    var values = (0..<301).map { Int64($0 * 7_919 % (1 << width)) }
                    values[place] = high
                    values[(place + 90) % 301] = high &- 1
                    try check(values, runEnds: [40, 301], ranges: [0..<301, place..<place + 1, 200..<301])
                }
            }
        }
        let mostly = (0..<256).map { $0 % 2 == 0 ? 0 : Int64(1) << 40 }
        try check(mostly, ranges: [0..<256])
        let few = (0..<256).map { $0 == 77 ? Int64(1) << 40 : Int64($0 % 4) }
        let size = try #require(candidates(few).first { $0.encoding == .patched }).size
        #expect(size < 64 + 16, "two bits each and one exception")
    }

    @Test func `every range of a column of three blocks reads back`() throws {
        let values = (0..<600).map { Int64($0 * $0 % 1_000) + ($0 > 300 ? 1 << 50 : 0) }
        let runEnds: [Int32] = [3, 290, 291, 600]
        let plans = candidates(values, runEnds: runEnds)
        #expect(Set(plans.map(\.encoding)).isSuperset(of: [.delta, .patched, .deltaByRoute, .patchedByRoute]))
        for plan in plans {
            let bytes = written(plan, values, runEnds: runEnds)
            for low in stride(from: 0, through: 600, by: 37) {
                for high in stride(from: low, through: 600, by: 29) {
                    let back = try decoded(plan.encoding, bytes, count: 600, runEnds: runEnds, wanted: low..<high)
                    try #require(back == Array(values[low..<high]))
                }
            }
        }
    }

    @Test func `each encoding wins where it should`() {
        func winner(_ values: [Int64], _ runEnds: [Int32]? = nil) -> Encoding {
            best(values, runEnds: runEnds).encoding
        }
        var random = SeededGenerator(seed: 9)
        #expect(winner(Array(repeating: 7, count: 1_000)) == .constant)
        #expect(winner((0..<1_000).map { _ in [1, 1 << 50, -9].randomElement(using: &random)! }) == .dictionary)
        #expect(winner((0..<1_000).map { Int64($0 / 100) << 30 }) == .runLength)
        #expect(winner((0..<1_000).map { Int64($0) * 1_000_003 }) == .delta)
        #expect(winner((0..<1_000).map { _ in .random(in: 0...100_000, using: &random) }) == .patched)
        #expect(winner((0..<1_000).map { $0 % 90 == 7 ? .random(in: 1...9_000, using: &random) : 0 }) == .sparse)
        let twoScales = (0..<1_000).map { Int64.random(in: 0...($0 < 380 ? 100 : 9_000_000), using: &random) }
        #expect(winner(twoScales, [380, 1_000]) == .patchedByRoute)
        let twoClocks = (0..<1_000).map { Int64($0 % 380) * 99_991 + .random(in: 0...900, using: &random) }
        #expect(winner(twoClocks, [380, 760, 1_000]) == .deltaByRoute)
        #expect(winner([5, 5]) == .constant)
    }

    @Test func `of equal sizes the encoding with the lowest number is taken`() throws {
        var ties = 0
        var random = SeededGenerator(seed: 10)
        for count in 2...40 {
            let values = (0..<count).map { _ in Int64.random(in: 0...3, using: &random) }
            let plans = candidates(values, runEnds: [Int32(count)])
            let least = try #require(plans.map(\.size).min())
            if plans.filter({ $0.size == least }).count > 1 { ties += 1 }
            let chosen = best(values, runEnds: [Int32(count)]).encoding
            #expect(chosen == plans.first { $0.size == least }?.encoding)
        }
        #expect(ties > 3)
    }

    @Test func `bytes that are cut, lengthened or false are refused or read as something, never a crash`() throws {
        let columns: [[Int64]] = [
            (0..<300).map { Int64($0 % 7) << 40 }, (0..<300).map { Int64($0 / 60) << 30 },
            (0..<300).map { Int64($0 * 3) }, (0..<300).map { $0 % 37 == 5 ? Int64($0) << 20 : 4 },
        ]
        let runEnds: [Int32] = [50, 299, 300]
        var refused = 0
        for values in columns {
            for plan in candidates(values, runEnds: runEnds) {
                let bytes = written(plan, values, runEnds: runEnds)
                func read(_ bytes: [UInt8]) throws(DecodingError) -> [Int64] {
                    try decoded(plan.encoding, bytes, count: 300, runEnds: runEnds, wanted: 0..<300)
                }
                for cut in 0..<bytes.count {
                    #expect(throws: DecodingError.self) { try read(Array(bytes[..<cut])) }
                }
                #expect(throws: DecodingError.self) { try read(bytes + [0]) }
                var random = SeededGenerator(seed: 3)
                for _ in 0..<2_000 {
                    var false_ = bytes
                    for _ in 0...Int.random(in: 0...3, using: &random) {
                        false_[Int.random(in: 0..<false_.count, using: &random)] = UInt8.random(
                            in: 0...255, using: &random)
                    }
                    do throws(DecodingError) {
                        #expect(try read(false_).count == 300)
                    } catch {
                        refused += 1
                    }
                }
            }
        }
        #expect(refused > 100)
    }

    @Test func `variable-length numbers take the bytes that were planned, and overlong ones are refused`() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << UInt64(shift), (UInt64(1) << UInt64(shift)) - 1, .max] {
                let signed = Int64(bitPattern: value)
                let size = ByteWriter.varintSize(value) + ByteWriter.varintSize(zigzag: signed)
                let bytes = ByteWriter.bytes(size) { writer in
                    writer.varint(value)
                    writer.varint(zigzag: signed)
                }
                #expect(bytes.count == size)
                let padded = bytes + Array(repeating: 0, count: Segment.padding)
                try padded.withUnsafeBytes { buffer in
                    var reader = try ByteReader(buffer, from: 0, to: size)
                    #expect(try reader.varint() == value)
                    #expect(try reader.varintZigzag() == signed)
                    try reader.requireEnd()
                }
            }
        }
        let overlong = Array(repeating: UInt8(0xFF), count: 11) + Array(repeating: 0, count: Segment.padding)
        _ = overlong.withUnsafeBytes { buffer in
            #expect(throws: DecodingError.self) {
                var reader = try ByteReader(buffer, from: 0, to: 11)
                _ = try reader.varint()
            }
        }
    }
}
