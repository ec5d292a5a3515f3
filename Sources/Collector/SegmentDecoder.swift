/// Reads a column's values back, all of them or a range of rows.
enum SegmentDecoder {
    /// The values of the rows in `wanted`.
    ///
    /// - Throws: `DecodingError` when the bytes cannot be those of `count` rows in that encoding.
    static func decode(
        _ encoding: Encoding, _ bytes: UnsafeRawBufferPointer, from: Int, to: Int, count: Int, wanted: Range<Int>
    ) throws(DecodingError) -> [Int64] {
        var reader = try ByteReader(bytes, from: from, to: to)
        var out: [Int64] = []
        out.reserveCapacity(wanted.count)
        switch encoding {
        case .constant:
            out = Array(repeating: try reader.varintZigzag(), count: wanted.count)
        case .dictionary:
            try dictionary(&reader, count: count, wanted: wanted, into: &out)
        case .runLength:
            try runs(&reader, count: count) { value, range in
                let rows = range.clamped(to: wanted)
                if !rows.isEmpty { out.append(contentsOf: repeatElement(value, count: rows.count)) }
            }
        case .delta: try BlockCodec.readDelta(&reader, count: count, wanted: wanted, into: &out)
        case .packed: try BlockCodec.readPacked(&reader, count: count, wanted: wanted, into: &out)
        }
        try reader.requireEnd()
        return out
    }

    private static func dictionary(
        _ reader: inout ByteReader, count: Int, wanted: Range<Int>, into out: inout [Int64]
    ) throws(DecodingError) {
        let distinct = try length(&reader, most: min(count, Encoding.dictionaryLimit))
        var values: [Int64] = []
        try BlockCodec.readDelta(&reader, count: distinct, wanted: 0..<distinct, into: &values)
        try BlockCodec.readPacked(&reader, count: count, wanted: wanted, into: &out)
        for index in out.indices {
            guard out[index] >= 0, out[index] < Int64(distinct) else {
                throw DecodingError(reason: "a code outside of its dictionary")
            }
            out[index] = values[Int(out[index])]
        }
    }

    private static func runs(
        _ reader: inout ByteReader, count: Int, _ body: (Int64, Range<Int>) -> Void
    ) throws(DecodingError) {
        let number = try length(&reader, most: count)
        var values: [Int64] = []
        var lengths: [Int64] = []
        try BlockCodec.readPacked(&reader, count: number, wanted: 0..<number, into: &values)
        try BlockCodec.readPacked(&reader, count: number, wanted: 0..<number, into: &lengths)
        var start = 0
        for (value, length) in zip(values, lengths) {
            guard length > 0, length <= Int64(count - start) else { throw DecodingError(reason: "runs too long") }
            body(value, start..<start + Int(length))
            start += Int(length)
        }
        guard start == count else { throw DecodingError(reason: "runs too short") }
    }

    private static func length(_ reader: inout ByteReader, most: Int) throws(DecodingError) -> Int {
        let value = try reader.varint()
        guard value > 0, value <= UInt64(most) else { throw DecodingError(reason: "a count of \(value)") }
        return Int(value)
    }
}
