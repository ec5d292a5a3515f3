/// The two block formats that every encoding is made of: bit-packed values and bit-packed differences.
///
/// A block holds `Encoding.blockRows` values (the last one may hold fewer) behind a head of its bit width and base, so
/// a reader steps over blocks that it does not need. Arithmetic wraps: any 64-bit values survive.
enum BlockCodec {
    // MARK: Measure

    static func packedSize(_ values: [Int64]) -> Int {
        var size = 0
        values.withUnsafeBufferPointer { all in
            forEachBlock(all.count) { range in
                let (base, width) = frame(of: all, range)
                size += 1 + ByteWriter.varintSize(zigzag: base) + payloadSize(range.count, width)
            }
        }
        return size
    }

    static func deltaSize(_ values: [Int64]) -> Int {
        var size = 0
        var previousFirst: Int64 = 0
        values.withUnsafeBufferPointer { all in
            forEachBlock(all.count) { range in
                let (base, width) = deltaFrame(of: all, range)
                let first = all[range.lowerBound]
                size += 1 + ByteWriter.varintSize(zigzag: first &- previousFirst)
                size += ByteWriter.varintSize(zigzag: base) + payloadSize(range.count - 1, width)
                previousFirst = first
            }
        }
        return size
    }

    // MARK: Write

    static func writePacked(_ values: [Int64], to writer: inout ByteWriter) {
        values.withUnsafeBufferPointer { all in
            forEachBlock(all.count) { range in
                let (base, width) = frame(of: all, range)
                writer.byte(UInt8(width))
                writer.varint(zigzag: base)
                pack(range, width: width, to: &writer) { UInt64(bitPattern: all[$0] &- base) }
            }
        }
    }

    static func writeDelta(_ values: [Int64], to writer: inout ByteWriter) {
        var previousFirst: Int64 = 0
        values.withUnsafeBufferPointer { all in
            forEachBlock(all.count) { range in
                let (base, width) = deltaFrame(of: all, range)
                let first = all[range.lowerBound]
                writer.byte(UInt8(width))
                writer.varint(zigzag: first &- previousFirst)
                writer.varint(zigzag: base)
                pack(range.dropFirst(), width: width, to: &writer) {
                    UInt64(bitPattern: all[$0] &- all[$0 - 1] &- base)
                }
                previousFirst = first
            }
        }
    }

    // MARK: Read

    /// Appends the values in `wanted` of a stream of `count`; leaves the reader behind the stream.
    static func readPacked(
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
    static func readDelta(
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

    private static func forEachBlock(_ count: Int, _ body: (Range<Int>) -> Void) {
        var start = 0
        while start < count {
            let end = min(start + Encoding.blockRows, count)
            body(start..<end)
            start = end
        }
    }

    private static func frame(of values: UnsafeBufferPointer<Int64>, _ range: Range<Int>) -> (Int64, Int) {
        var least = values[range.lowerBound]
        var most = least
        for index in range {
            least = min(least, values[index])
            most = max(most, values[index])
        }
        return (least, width(UInt64(bitPattern: most &- least)))
    }

    private static func deltaFrame(of values: UnsafeBufferPointer<Int64>, _ range: Range<Int>) -> (Int64, Int) {
        guard range.count > 1 else { return (0, 0) }
        var least = Int64.max
        var most = Int64.min
        for index in range.dropFirst() {
            let delta = values[index] &- values[index - 1]
            least = min(least, delta)
            most = max(most, delta)
        }
        return (least, width(UInt64(bitPattern: most &- least)))
    }

    private static func width(_ span: UInt64) -> Int { UInt64.bitWidth - span.leadingZeroBitCount }

    private static func pack(_ range: Range<Int>, width: Int, to writer: inout ByteWriter, _ value: (Int) -> UInt64) {
        if width == 0 { return }
        var pending: UInt64 = 0
        var filled = 0
        for index in range {
            let bits = value(index)
            pending |= bits << UInt64(filled)
            filled += width
            if filled >= 64 {
                writer.fixed(pending)
                filled -= 64
                // What did not fit; a shift by the whole width gives 0.
                pending = filled == 0 ? 0 : bits >> UInt64(width - filled)
            }
        }
        while filled > 0 {
            writer.byte(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            filled -= 8
        }
    }

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
