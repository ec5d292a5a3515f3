import Retry

/// The columnar unit: rows sorted by (route, start), each column encoded on its own, every byte under a digest.
/// `docs/segment.md` has the bytes.
struct Segment: Sendable {
    /// "MTSG", little-endian.
    static let magic: UInt32 = 0x4753_544D
    /// The layout of header and directory.
    static let formatVersion: UInt16 = 1
    /// Most rows of a segment.
    static let rowLimit = 131_072
    /// Readable bytes behind a segment in memory, so that unpacking may load whole words.
    static let padding = 16

    private static let headerSize = 40
    private static let entrySize = 24
    private static let digestSize = 8

    private struct Part {
        var encoding: Encoding
        var from: Int
        var to: Int
    }

    let rows: Int
    private let bytes: [UInt8]
    private let parts: [Part]

    /// Bytes without the padding.
    var size: Int { bytes.count - Self.padding }

    // MARK: Write

    /// The bytes of sorted rows.
    static func encode(_ rows: Rows, zone: ZoneMap) -> [UInt8] {
        let plans = Column.allCases.map { EncodingPlan.best(for: rows[$0]) }
        let bodyStart = headerSize + entrySize * plans.count + digestSize
        var body = ByteWriter()
        body.reserve(plans.reduce(0) { $0 + $1.size })
        var head = ByteWriter()
        head.fixed(magic)
        head.fixed(formatVersion)
        head.fixed(UInt16(plans.count))
        head.fixed(UInt32(rows.count))
        head.fixed(UInt32(bodyStart))
        head.fixed(zone.firstStartUs)
        head.fixed(zone.lastStartUs)
        head.fixed(UInt32(truncatingIfNeeded: zone.minRoute))
        head.fixed(UInt32(truncatingIfNeeded: zone.maxRoute))
        for (column, plan) in zip(Column.allCases, plans) {
            let start = body.bytes.count
            plan.write(rows[column], to: &body)
            let digest = body.bytes.withUnsafeBytes { XXH64.hash(UnsafeRawBufferPointer(rebasing: $0[start...])) }
            head.byte(column.rawValue)
            head.byte(plan.encoding.rawValue)
            head.fixed(UInt16(0))
            head.fixed(UInt32(bodyStart + start))
            head.fixed(UInt32(body.bytes.count - start))
            head.fixed(UInt32(0))
            head.fixed(digest)
        }
        head.fixed(head.bytes.withUnsafeBytes { XXH64.hash($0) })
        head.append(body.bytes)
        return head.bytes
    }

    // MARK: Read

    /// Checks every byte of a segment before any is believed.
    ///
    /// - Parameter padded: the bytes with `padding` bytes behind them.
    init(padded: [UInt8], zone: ZoneMap) throws(DecodingError) {
        bytes = padded
        rows = zone.rows
        let size = padded.count - Self.padding
        var found: [Part] = []
        var failure: DecodingError?
        // withUnsafeBytes has no typed throws for non-copyable contexts here; the error is carried out by hand.
        padded.withUnsafeBytes { buffer in
            do throws(DecodingError) {
                found = try Self.parts(of: buffer, size: size, zone: zone)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        parts = found
    }

    private static func parts(
        of buffer: UnsafeRawBufferPointer, size: Int, zone: ZoneMap
    ) throws(DecodingError) -> [Part] {
        var reader = try ByteReader(buffer, from: 0, to: size)
        guard try reader.fixed(UInt32.self) == magic else { throw DecodingError(reason: "it does not begin as one") }
        let version = try reader.fixed(UInt16.self)
        guard version == formatVersion else {
            throw DecodingError(reason: "format \(version); this Meantime reads format \(formatVersion)")
        }
        let count = Int(try reader.fixed(UInt16.self))
        let rows = try reader.fixed(UInt32.self)
        let bodyStart = Int(try reader.fixed(UInt32.self))
        guard count == Column.allCases.count, bodyStart == headerSize + entrySize * count + digestSize,
            bodyStart <= size
        else { throw DecodingError(reason: "header lengths") }
        let headEnd = bodyStart - digestSize
        var digestReader = try ByteReader(buffer, from: headEnd, to: bodyStart)
        guard try digestReader.fixed(UInt64.self) == XXH64.hash(UnsafeRawBufferPointer(rebasing: buffer[..<headEnd]))
        else { throw DecodingError(reason: "checksum of the header") }
        let first = try reader.fixed(Int64.self)
        let last = try reader.fixed(Int64.self)
        let (minRoute, maxRoute) = (try reader.fixed(UInt32.self), try reader.fixed(UInt32.self))
        guard Int(rows) == zone.rows, first == zone.firstStartUs, last == zone.lastStartUs,
            Int64(minRoute) == zone.minRoute, Int64(maxRoute) == zone.maxRoute, rows > 0, rows <= rowLimit
        else { throw DecodingError(reason: "header and zone map differ") }
        var parts: [Part] = []
        var expected = bodyStart
        for column in Column.allCases {
            let part = try Self.part(of: column, &reader, buffer, expected: expected, size: size)
            parts.append(part)
            expected = part.to
        }
        guard expected == size else { throw DecodingError(reason: "\(size - expected) bytes too many") }
        return parts
    }

    private static func part(
        of column: Column, _ reader: inout ByteReader, _ buffer: UnsafeRawBufferPointer, expected: Int, size: Int
    ) throws(DecodingError) -> Part {
        let id = try reader.byte()
        let code = try reader.byte()
        try reader.skip(2)
        let from = Int(try reader.fixed(UInt32.self))
        let length = Int(try reader.fixed(UInt32.self))
        try reader.skip(4)
        let digest = try reader.fixed(UInt64.self)
        guard id == column.rawValue, from == expected, length <= size - from else {
            throw DecodingError(reason: "directory entry of column \(column.name)")
        }
        guard let encoding = Encoding(rawValue: code) else {
            throw DecodingError(reason: "column \(column.name) has encoding \(code), which this Meantime cannot read")
        }
        guard XXH64.hash(UnsafeRawBufferPointer(rebasing: buffer[from..<from + length])) == digest else {
            throw DecodingError(reason: "checksum of column \(column.name)")
        }
        return Part(encoding: encoding, from: from, to: from + length)
    }

    /// The encoding and the bytes of a column, for those who report on the store.
    func layout(of column: Column) -> (encoding: Encoding, bytes: Int) {
        let part = parts[column.index]
        return (part.encoding, part.to - part.from)
    }

    /// A column's values in a range of rows.
    func values(of column: Column, in wanted: Range<Int>) throws(DecodingError) -> [Int64] {
        let part = parts[column.index]
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(DecodingError) in
                try SegmentDecoder.decode(
                    part.encoding, buffer, from: part.from, to: part.to, count: rows, wanted: wanted)
            }
        }
        return try result.get()
    }

    /// The chosen columns of a range of rows; start, always needed for order, is among them.
    func rows(in wanted: Range<Int>, columns: ColumnSet) throws(DecodingError) -> Rows {
        var decoded: [[Int64]] = []
        for column in Column.allCases {
            decoded.append(
                column == .startUs || columns.contains(column) ? try values(of: column, in: wanted) : [])
        }
        return Rows(columns: decoded, count: wanted.count)
    }

    /// The routes of the segment, each with its rows, in the order of the rows.
    func routes() throws(DecodingError) -> [(route: Int64, rows: Range<Int>)] {
        let codes = try values(of: .route, in: 0..<rows)
        var found: [(route: Int64, rows: Range<Int>)] = []
        var start = 0
        while start < codes.count {
            var end = start + 1
            while end < codes.count, codes[end] == codes[start] { end += 1 }
            found.append((codes[start], start..<end))
            start = end
        }
        return found
    }
}
