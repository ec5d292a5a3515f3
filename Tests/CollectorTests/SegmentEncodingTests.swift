import TestSupport
import Testing

@testable import Collector

/// The bytes of a plan, with the padding a reader needs.
private func written(_ plan: EncodingPlan, _ values: [Int64]) -> [UInt8] {
    var writer = ByteWriter()
    plan.write(values, to: &writer)
    return writer.bytes
}

private func decoded(
    _ encoding: Encoding, _ bytes: [UInt8], count: Int, wanted: Range<Int>
) throws(DecodingError) -> [Int64] {
    let padded = bytes + Array(repeating: 0xAA, count: Segment.padding)
    let result = padded.withUnsafeBytes { buffer in
        Result { () throws(DecodingError) in
            try SegmentDecoder.decode(encoding, buffer, from: 0, to: bytes.count, count: count, wanted: wanted)
        }
    }
    return try result.get()
}

@Suite struct SegmentEncodingTests {
    /// Every plan writes as many bytes as it said and reads back, whole and in part; the best is the first smallest.
    private func check(_ values: [Int64], ranges: [Range<Int>]) throws {
        let plans = EncodingPlan.candidates(for: values)
        for plan in plans {
            let bytes = written(plan, values)
            try #require(bytes.count == plan.size, "\(plan.encoding) of \(values.prefix(20))")
            for range in ranges {
                let back = try decoded(plan.encoding, bytes, count: values.count, wanted: range)
                try #require(back == Array(values[range]), "\(plan.encoding) \(range) of \(values.prefix(20))")
            }
        }
        let best = EncodingPlan.best(for: values)
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
            for list in lists {
                try check(list, ranges: [0..<length, 0..<1, length - 1..<length, 1..<length])
                count += 1
            }
        }
        #expect(count == 4 + 16 + 64 + 256 + 1_024 + 4_096)
    }

    @Test func `every bit width survives, across block boundaries and at the ends of the number line`() throws {
        for width in 0...64 {
            var random = SeededGenerator(seed: UInt64(width))
            for count in [1, 2, 255, 256, 257, 513] {
                let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
                let values = (0..<count).map { _ in Int64(bitPattern: random.next() & mask) }
                let shifted = values.map { $0 &+ Int64.min }
                for list in [values, shifted, values.sorted(), values + values.reversed()] {
                    let middle = list.count / 2
                    try check(
                        list,
                        ranges: [0..<list.count, middle..<list.count, 0..<middle, middle..<middle, middle..<middle + 1])
                }
            }
        }
    }

    @Test func `every range of a column of three blocks reads back`() throws {
        let values = (0..<600).map { Int64($0 * $0 % 1_000) + ($0 > 300 ? 1 << 50 : 0) }
        let plans = EncodingPlan.candidates(for: values)
        #expect(plans.map(\.encoding).contains(.delta) && plans.map(\.encoding).contains(.packed))
        for plan in plans {
            let bytes = written(plan, values)
            for low in stride(from: 0, through: 600, by: 37) {
                for high in stride(from: low, through: 600, by: 29) {
                    let back = try decoded(plan.encoding, bytes, count: 600, wanted: low..<high)
                    try #require(back == Array(values[low..<high]))
                }
            }
        }
    }

    @Test func `each encoding wins where it should`() {
        func best(_ values: [Int64]) -> Encoding { EncodingPlan.best(for: values).encoding }
        var random = SeededGenerator(seed: 9)
        #expect(best(Array(repeating: 7, count: 1_000)) == .constant)
        #expect(best((0..<1_000).map { _ in [1, 1 << 50, -9].randomElement(using: &random)! }) == .dictionary)
        #expect(best((0..<1_000).map { Int64($0 / 100) << 30 }) == .runLength)
        #expect(best((0..<1_000).map { Int64($0) * 1_000_003 }) == .delta)
        #expect(best((0..<1_000).map { _ in .random(in: 0...100_000, using: &random) }) == .packed)
        #expect(best([5, 5]) == .constant)
        // Of equals the first in number: one block of two values costs the same packed or as differences.
        let tie = EncodingPlan.candidates(for: [0, 1])
        #expect(
            best([0, 1]) == tie.min { ($0.size, $0.encoding.rawValue) < ($1.size, $1.encoding.rawValue) }?.encoding)
    }

    @Test func `bytes that are cut, lengthened or false are refused or read as something, never a crash`() throws {
        let columns: [[Int64]] = [
            (0..<300).map { Int64($0 % 7) << 40 }, (0..<300).map { Int64($0 / 60) << 30 },
            (0..<300).map { Int64($0 * 3) },
        ]
        var refused = 0
        for values in columns {
            for plan in EncodingPlan.candidates(for: values) {
                let bytes = written(plan, values)
                for cut in 0..<bytes.count {
                    #expect(throws: DecodingError.self) {
                        try decoded(plan.encoding, Array(bytes[..<cut]), count: 300, wanted: 0..<300)
                    }
                }
                #expect(throws: DecodingError.self) {
                    try decoded(plan.encoding, bytes + [0], count: 300, wanted: 0..<300)
                }
                var random = SeededGenerator(seed: 3)
                for _ in 0..<2_000 {
                    var false_ = bytes
                    for _ in 0...Int.random(in: 0...3, using: &random) {
                        false_[Int.random(in: 0..<false_.count, using: &random)] = UInt8.random(
                            in: 0...255, using: &random)
                    }
                    do throws(DecodingError) {
                        #expect(try decoded(plan.encoding, false_, count: 300, wanted: 0..<300).count == 300)
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
                var writer = ByteWriter()
                writer.varint(value)
                writer.varint(zigzag: Int64(bitPattern: value))
                #expect(
                    writer.bytes.count
                        == ByteWriter.varintSize(value) + ByteWriter.varintSize(zigzag: Int64(bitPattern: value)))
                let padded = writer.bytes + Array(repeating: 0, count: Segment.padding)
                try padded.withUnsafeBytes { buffer in
                    var reader = try ByteReader(buffer, from: 0, to: writer.bytes.count)
                    #expect(try reader.varint() == value)
                    #expect(try reader.varintZigzag() == Int64(bitPattern: value))
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
