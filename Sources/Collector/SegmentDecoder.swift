/// Reads a column's values back, all of them or a range of rows.
enum SegmentDecoder {
    /// Writes the values of the rows in `wanted` to `out`.
    ///
    /// - Parameters:
    ///   - count: the rows of the column.
    ///   - runEnds: where each route's rows end; `nil`: the column has no blocks by route.
    ///   - depth: how many columns this one lies within.
    /// - Throws: `DecodingError` when the bytes cannot be those of `count` rows in that encoding.
    static func decode(
        _ encoding: Encoding, _ reader: inout ByteReader, count: Int, runEnds: [Int32]?, wanted: Range<Int>,
        depth: Int = 0, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        switch encoding {
        case .constant: out.update(repeating: try reader.varintZigzag(), count: wanted.count)
        case .plainDictionary, .plainRunLength, .plainDelta, .packed:
            let values = try FormatOne.decode(encoding, &reader, count: count, wanted: wanted)
            values.withUnsafeBufferPointer { if let from = $0.baseAddress { out.update(from: from, count: $0.count) } }
        case .patched, .patchedByRoute, .delta, .deltaByRoute:
            guard !encoding.isByRoute || runEnds != nil else { throw DecodingError(reason: "blocks by route") }
            try PatchedBlocks.read(
                &reader, count: count, isDelta: encoding.isDelta, runEnds: encoding.isByRoute ? runEnds : nil,
                wanted: wanted, into: out)
        case .sparse: try sparse(&reader, count: count, wanted: wanted, depth: depth, into: out)
        case .dictionary:
            try dictionary(&reader, count: count, runEnds: runEnds, wanted: wanted, depth: depth, into: out)
        case .runLength:
            try runs(&reader, count: count, depth: depth) { value, range in
                let rows = range.clamped(to: wanted)
                if rows.isEmpty { return }
                (out + (rows.lowerBound - wanted.lowerBound)).update(repeating: value, count: rows.count)
            }
        }
        try reader.requireEnd()
    }

    private static func sparse(
        _ reader: inout ByteReader, count: Int, wanted: Range<Int>, depth: Int, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        let common = try reader.varintZigzag()
        let others = try length(&reader, most: count)
        let gaps = try part(&reader, count: others, depth: depth)
        let values = try part(&reader, count: others, depth: depth)
        out.update(repeating: common, count: wanted.count)
        var row = -1
        for (gap, value) in zip(gaps, values) {
            guard gap >= 0, gap < Int64(count - row - 1) else { throw DecodingError(reason: "a place beyond the rows") }
            row += Int(gap) + 1
            if wanted.contains(row) { out[row - wanted.lowerBound] = value }
        }
    }

    private static func dictionary(
        _ reader: inout ByteReader, count: Int, runEnds: [Int32]?, wanted: Range<Int>, depth: Int,
        into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        let distinct = try length(&reader, most: min(count, Encoding.dictionaryLimit))
        let values = try part(&reader, count: distinct, depth: depth)
        var (encoding, codes) = try partReader(&reader, depth: depth)
        try decode(encoding, &codes, count: count, runEnds: runEnds, wanted: wanted, depth: depth + 1, into: out)
        let isKnown = values.withUnsafeBufferPointer { values in
            for index in 0..<wanted.count {
                guard out[index] >= 0, out[index] < Int64(distinct) else { return false }
                out[index] = values[Int(out[index])]
            }
            return true
        }
        if !isKnown { throw DecodingError(reason: "a code outside of its dictionary") }
    }

    /// Gives each run of a run-length column, new or of format 1, to `body`.
    static func runs(
        _ reader: inout ByteReader, count: Int, depth: Int = 0, _ body: (Int64, Range<Int>) -> Void
    ) throws(DecodingError) {
        let number = try length(&reader, most: count)
        let values = try part(&reader, count: number, depth: depth)
        let lengths = try part(&reader, count: number, depth: depth)
        try walk(values, lengths, count: count, body)
    }

    /// Lays runs out one behind the other; together they must be `count` rows.
    static func walk(
        _ values: [Int64], _ lengths: [Int64], count: Int, _ body: (Int64, Range<Int>) -> Void
    ) throws(DecodingError) {
        var start = 0
        for (value, length) in zip(values, lengths) {
            guard length > 0, length <= Int64(count - start) else { throw DecodingError(reason: "runs too long") }
            body(value, start..<start + Int(length))
            start += Int(length)
        }
        guard start == count else { throw DecodingError(reason: "runs too short") }
    }

    // MARK: Columns within columns

    private static func part(
        _ reader: inout ByteReader, count: Int, depth: Int
    ) throws(DecodingError) -> [Int64] {
        var (encoding, inner) = try partReader(&reader, depth: depth)
        var values = [Int64](repeating: 0, count: count)
        try values.withUnsafeMutableBufferPointer { out throws(DecodingError) in
            guard let start = out.baseAddress else { return }
            try decode(
                encoding, &inner, count: count, runEnds: nil, wanted: 0..<count, depth: depth + 1, into: start)
        }
        return values
    }

    private static func partReader(
        _ reader: inout ByteReader, depth: Int
    ) throws(DecodingError) -> (Encoding, ByteReader) {
        guard depth < Encoding.depthLimit else { throw DecodingError(reason: "columns too deep within columns") }
        let number = try reader.byte()
        guard let encoding = Encoding(rawValue: number), encoding.mayNest else {
            throw DecodingError(reason: "encoding \(number) within a column")
        }
        let size = try reader.varint()
        guard size <= UInt64(reader.end - reader.at) else { throw DecodingError(reason: "the bytes end too early") }
        return (encoding, try reader.part(Int(size)))
    }

    static func length(_ reader: inout ByteReader, most: Int) throws(DecodingError) -> Int {
        let value = try reader.varint()
        guard value > 0, value <= UInt64(most) else { throw DecodingError(reason: "a count of \(value)") }
        return Int(value)
    }
}
