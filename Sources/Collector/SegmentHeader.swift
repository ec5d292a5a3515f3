/// The header and the directory of a segment, read and checked.
enum SegmentHeader {
    /// The columns of a segment of `size` bytes, with padding behind them.
    ///
    /// - Throws: `DecodingError` when a byte of the header is not what was written, or does not agree with the zone
    ///   map.
    static func parts(
        of buffer: UnsafeRawBufferPointer, size: Int, zone: ZoneMap
    ) throws(DecodingError) -> [Segment.Part] {
        var reader = try ByteReader(buffer, from: 0, to: size)
        guard try reader.fixed(UInt32.self) == Segment.magic else {
            throw DecodingError(reason: "it does not begin as one")
        }
        let version = try reader.fixed(UInt16.self)
        guard version >= 1, version <= Segment.formatVersion else {
            throw DecodingError(
                reason: "format \(version); this Meantime reads formats 1 to \(Segment.formatVersion)")
        }
        let count = Int(try reader.fixed(UInt16.self))
        let rows = try reader.fixed(UInt32.self)
        let bodyStart = Int(try reader.fixed(UInt32.self))
        guard count == Column.allCases.count,
            bodyStart == Segment.headerSize + Segment.entrySize * count + Segment.digestSize, bodyStart <= size
        else { throw DecodingError(reason: "header lengths") }
        let headEnd = bodyStart - Segment.digestSize
        var digestReader = try ByteReader(buffer, from: headEnd, to: bodyStart)
        guard try digestReader.fixed(UInt64.self) == XXH64.hash(UnsafeRawBufferPointer(rebasing: buffer[..<headEnd]))
        else { throw DecodingError(reason: "checksum of the header") }
        let first = try reader.fixed(Int64.self)
        let last = try reader.fixed(Int64.self)
        let (minRoute, maxRoute) = (try reader.fixed(UInt32.self), try reader.fixed(UInt32.self))
        guard Int(rows) == zone.rows, first == zone.firstStartUs, last == zone.lastStartUs,
            Int64(minRoute) == zone.minRoute, Int64(maxRoute) == zone.maxRoute, rows > 0, rows <= Segment.rowLimit
        else { throw DecodingError(reason: "header and zone map differ") }
        var parts: [Segment.Part] = []
        var expected = bodyStart
        for column in Column.allCases {
            let part = try Self.part(of: column, &reader, version: version, expected: expected, size: size)
            parts.append(part)
            expected = part.to
        }
        guard expected == size else { throw DecodingError(reason: "\(size - expected) bytes too many") }
        return parts
    }

    private static func part(
        of column: Column, _ reader: inout ByteReader, version: UInt16, expected: Int, size: Int
    ) throws(DecodingError) -> Segment.Part {
        let id = try reader.byte()
        let code = try reader.byte()
        let change = try reader.byte()
        let reserved = try reader.byte()
        let from = Int(try reader.fixed(UInt32.self))
        let length = Int(try reader.fixed(UInt32.self))
        try reader.skip(4)
        let digest = try reader.fixed(UInt64.self)
        guard id == column.rawValue, reserved == 0, from == expected, length <= size - from else {
            throw DecodingError(reason: "directory entry of column \(column.name)")
        }
        // The encodings of format 1 are not those of format 2, but for one.
        guard let encoding = Encoding(rawValue: code), encoding == .constant || encoding.mayNest == (version > 1) else {
            throw DecodingError(reason: "column \(column.name) has encoding \(code), which this Meantime cannot read")
        }
        guard let transform = ColumnTransform(rawValue: change), transform.fits(column),
            version > 1 || transform == .none
        else {
            throw DecodingError(
                reason: "column \(column.name) has transform \(change), which this Meantime cannot read")
        }
        return Segment.Part(encoding: encoding, transform: transform, from: from, to: from + length, digest: digest)
    }
}

extension ColumnTransform {
    /// Whether a column may have been changed so.
    fileprivate func fits(_ column: Column) -> Bool {
        switch self {
        case .none: true
        case .places: column == .host
        case .sequence: column == .request
        }
    }
}
