@testable import Collector
import Retry

/// Segments: bytes that are none, and columns that become some.
enum SegmentTarget {
    /// Decoding of arbitrary columns, in a segment whose header and digests are right: damage that no checksum tells.
    ///
    /// The input: the number of rows (2 bytes), then for each column its encoding, its transform and its length (2
    /// bytes), then the bytes of the columns.
    static func decode(_ input: UnsafeRawBufferPointer) {
        var input = Input(input)
        let rows = 1 + Int(input.word() % 3_000)
        let columns = Column.allCases.map { _ in (encoding: input.byte(), transform: input.byte(), length: input.word())
        }
        var body: [[UInt8]] = []
        for column in columns { body.append(input.bytes(Int(column.length))) }
        let zone = ZoneMap(
            rows: rows, firstStartUs: 0, lastStartUs: 9, minRoute: 0, maxRoute: 3,
            outcomes: Array(repeating: 0, count: 7))
        let bytes = file(zone, Array(zip(columns.map { ($0.encoding, $0.transform) }, body)))
        guard let segment = try? Segment(padded: bytes, zone: zone, hosts: RouteHosts()) else { return }
        let middle = rows / 3..<max(rows / 3, rows * 2 / 3)
        for column in Column.allCases {
            guard let all = try? segment.values(of: column, in: 0..<rows) else { continue }
            precondition(all.count == rows, "\(all.count) values of \(rows) rows")
            // What can be read whole can be read in part, with the same values.
            guard let part = try? segment.values(of: column, in: middle) else {
                preconditionFailure("a part of \(column) cannot be read")
            }
            precondition(part == Array(all[middle]), "a part of \(column) differs")
        }
        if let routes = try? segment.routes() {
            precondition(routes.reduce(0) { $0 + $1.rows.count } == rows, "routes do not cover the rows")
        }
    }

    private static func file(_ zone: ZoneMap, _ columns: [((UInt8, UInt8), [UInt8])]) -> [UInt8] {
        let bodyStart = Segment.headerSize + Segment.entrySize * columns.count + Segment.digestSize
        var writer = Writer()
        writer.fixed(Segment.magic)
        writer.fixed(Segment.formatVersion)
        writer.fixed(UInt16(columns.count))
        writer.fixed(UInt32(zone.rows))
        writer.fixed(UInt32(bodyStart))
        writer.fixed(zone.firstStartUs)
        writer.fixed(zone.lastStartUs)
        writer.fixed(UInt32(truncatingIfNeeded: zone.minRoute))
        writer.fixed(UInt32(truncatingIfNeeded: zone.maxRoute))
        var offset = bodyStart
        for (column, ((encoding, transform), bytes)) in zip(Column.allCases, columns) {
            writer.byte(column.rawValue)
            writer.byte(encoding)
            writer.byte(transform)
            writer.byte(0)
            writer.fixed(UInt32(offset))
            writer.fixed(UInt32(bytes.count))
            writer.fixed(UInt32(0))
            writer.fixed(bytes.withUnsafeBytes { XXH64.hash($0) })
            offset += bytes.count
        }
        writer.fixed(writer.bytes.withUnsafeBytes { XXH64.hash($0) })
        for (_, bytes) in columns { writer.append(bytes) }
        return writer.bytes + Array(repeating: 0, count: Segment.padding)
    }

    /// Columns of arbitrary values come back as they were, each encoding that is chosen on its way.
    static func roundTrip(_ input: UnsafeRawBufferPointer) {
        var input = Input(input)
        let count = 1 + Int(input.word() % 2_000)
        var rows = Rows()
        rows.reserve(count)
        var columns = Column.allCases.map { column in
            values(count, shape: input.byte(), within: limit(of: column), &input)
        }
        columns[Column.route.index].sort()
        for row in 0..<count { rows.append { columns[$0][row] } }
        let sorted = rows.sortedForSegment()
        let zone = ZoneMap(of: sorted)
        let bytes = Segment.encode(sorted, zone: zone) + Array(repeating: 0, count: Segment.padding)
        guard let segment = try? Segment(padded: bytes, zone: zone, hosts: RouteHosts()),
            let back = try? segment.rows(in: 0..<count, columns: .all)
        else { preconditionFailure("what was written cannot be read") }
        precondition(back == sorted, "what was written reads otherwise")
    }

    /// Codes and enumerations are small by nature; anything else may be any number.
    private static func limit(of column: Column) -> UInt64? {
        switch column {
        case .route, .host, .method: 1 << 20
        case .outcome: 7
        case .isGRPC, .hedge: 2
        default: nil
        }
    }

    /// Values of one kind of data: constant, few, rising, runs, small with outliers, any.
    private static func values(_ count: Int, shape: UInt8, within limit: UInt64?, _ input: inout Input) -> [Int64] {
        let width = UInt64(shape >> 3)
        let base = input.number(bits: 64)
        var value = base
        return (0..<count).map { _ in
            switch shape & 7 {
            case 0: break
            case 1: value = base &+ input.number(bits: 2)
            case 2: value = value &+ input.number(bits: width)
            case 3: value = input.number(bits: 3) == 0 ? input.number(bits: width) : value
            case 4: value = input.number(bits: 6) == 0 ? input.number(bits: 64) : input.number(bits: width)
            default: value = input.number(bits: width * 2 + 2)
            }
            return Int64(bitPattern: limit.map { value % $0 } ?? value)
        }
    }
}

/// Little-endian bytes in the making.
private struct Writer {
    var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ more: [UInt8]) { bytes += more }
}

/// The fuzzer's bytes as numbers; behind their end comes chance that they seed, so that a short input has a long life.
private struct Input {
    private let all: UnsafeRawBufferPointer
    private var at = 0
    private var state: UInt64 = 0

    init(_ all: UnsafeRawBufferPointer) { self.all = all }

    mutating func byte() -> UInt8 {
        if at < all.count {
            defer { at += 1 }
            state = (state ^ UInt64(all[at])) &* 0x100_0000_01B3
            return all[at]
        }
        state = state &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
        return UInt8(truncatingIfNeeded: state >> 56)
    }

    mutating func word() -> UInt16 { UInt16(byte()) | UInt16(byte()) << 8 }

    mutating func number(bits: UInt64) -> UInt64 {
        var value: UInt64 = 0
        var filled: UInt64 = 0
        while filled < bits {
            value |= UInt64(byte()) << filled
            filled += 8
        }
        return bits >= 64 ? value : value & ((1 << bits) - 1)
    }

    /// What there is of so many bytes.
    mutating func bytes(_ count: Int) -> [UInt8] {
        let end = min(all.count, at + count)
        defer { at = end }
        return at < end ? [UInt8](all[at..<end]) : []
    }
}
