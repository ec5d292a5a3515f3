/// The encodings of the first segment format, for reading only: blocks of 256 values behind a bit width and a base.
enum FormatOne {
    /// The values of the rows in `wanted`.
    static func decode(
        _ encoding: Encoding, _ reader: inout ByteReader, count: Int, wanted: Range<Int>
    ) throws(DecodingError) -> [Int64] {
        var out: [Int64] = []
        out.reserveCapacity(wanted.count)
        switch encoding {
        case .plainDictionary: try dictionary(&reader, count: count, wanted: wanted, into: &out)
        case .plainRunLength:
            try runs(&reader, count: count) { value, range in
                let rows = range.clamped(to: wanted)
                if !rows.isEmpty { out.append(contentsOf: repeatElement(value, count: rows.count)) }
            }
        case .plainDelta: try readDelta(&reader, count: count, wanted: wanted, into: &out)
        default: try readPacked(&reader, count: count, wanted: wanted, into: &out)
        }
        return out
    }

    private static func dictionary(
        _ reader: inout ByteReader, count: Int, wanted: Range<Int>, into out: inout [Int64]
    ) throws(DecodingError) {
        let distinct = try SegmentDecoder.length(&reader, most: min(count, Encoding.dictionaryLimit))
        var values: [Int64] = []
        try readDelta(&reader, count: distinct, wanted: 0..<distinct, into: &values)
        try readPacked(&reader, count: count, wanted: wanted, into: &out)
        for index in out.indices {
            guard out[index] >= 0, out[index] < Int64(distinct) else {
                throw DecodingError(reason: "a code outside of its dictionary")
            }
            out[index] = values[Int(out[index])]
        }
    }

    /// Gives each run to `body`.
    static func runs(
        _ reader: inout ByteReader, count: Int, _ body: (Int64, Range<Int>) -> Void
    ) throws(DecodingError) {
        let number = try SegmentDecoder.length(&reader, most: count)
        var values: [Int64] = []
        var lengths: [Int64] = []
        try readPacked(&reader, count: number, wanted: 0..<number, into: &values)
        try readPacked(&reader, count: number, wanted: 0..<number, into: &lengths)
        try SegmentDecoder.walk(values, lengths, count: count, body)
    }

    // MARK: Blocks

    /// Appends the values in `wanted` of a stream of `count`; leaves the reader behind the stream.
    private static func readPacked(
        _ reader: inout ByteReader, count: Int, wanted: Range<Int>, into out: inout [Int64]
    ) throws(DecodingError) {
        var start = 0
        while start < count {
            let rows = min(Encoding.blockRows, count - start)
            let width = try blockWidth(&reader)
            let base = try reader.varintZigzag()
            let payload = reader.at
            try reader.skip(payloadSize(rows, width))
            let (low, high) = (max(wanted.lowerBound - start, 0), min(wanted.upperBound - start, rows))
            if low < high {
                unpack(reader.base + payload, width: width, low..<high) { out.append(base &+ Int64(bitPattern: $0)) }
            }
            start += rows
        }
    }

    /// As `readPacked`, for a stream of differences.
    private static func readDelta(
        _ reader: inout ByteReader, count: Int, wanted: Range<Int>, into out: inout [Int64]
    ) throws(DecodingError) {
        var start = 0
        var first: Int64 = 0
        while start < count {
            let rows = min(Encoding.blockRows, count - start)
            let width = try blockWidth(&reader)
            first = first &+ (try reader.varintZigzag())
            let base = try reader.varintZigzag()
            let payload = reader.at
            try reader.skip(payloadSize(rows - 1, width))
            let (low, high) = (max(wanted.lowerBound - start, 0), min(wanted.upperBound - start, rows))
            if low < high {
                if low == 0 { out.append(first) }
                var value = first
                var index = 1
                unpack(reader.base + payload, width: width, 0..<high - 1) {
                    value = value &+ base &+ Int64(bitPattern: $0)
                    if index >= low { out.append(value) }
                    index += 1
                }
            }
            start += rows
        }
    }

    // MARK: Bits

    private static func blockWidth(_ reader: inout ByteReader) throws(DecodingError) -> Int {
        let width = Int(try reader.byte())
        guard width <= 64 else { throw DecodingError(reason: "a bit width of \(width)") }
        return width
    }

    private static func payloadSize(_ count: Int, _ width: Int) -> Int { (count * width + 7) / 8 }

    /// Reads up to 8 bytes beyond the payload, which the padding behind every segment allows.
    private static func unpack(_ base: UnsafeRawPointer, width: Int, _ range: Range<Int>, _ body: (UInt64) -> Void) {
        if width == 0 {
            for _ in range { body(0) }
            return
        }
        let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
        var bit = range.lowerBound * width
        for _ in range {
            let shift = UInt64(bit & 7)
            var bits = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self)) >> shift
            if shift + UInt64(width) > 64 {
                bits |= UInt64(base.load(fromByteOffset: bit >> 3 + 8, as: UInt8.self)) << (64 - shift)
            }
            body(bits & mask)
            bit += width
        }
    }
}
