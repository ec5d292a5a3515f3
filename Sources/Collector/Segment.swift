import Retry
import Synchronization

/// The columnar unit: rows sorted by (route, start), each column encoded on its own, every byte under a digest.
/// `docs/segment.md` has the bytes.
///
/// The header is checked when a segment is made, a column when it is first read: a scan of three columns pays for
/// three.
struct Segment: Sendable {
    /// "MTSG", little-endian.
    static let magic: UInt32 = 0x4753_544D
    /// The layout of header and directory that is written; the first one is still read.
    static let formatVersion: UInt16 = 2
    /// Most rows of a segment.
    static let rowLimit = 131_072
    /// Readable bytes behind a segment in memory, so that unpacking may load whole words.
    static let padding = 16

    static let headerSize = 40
    static let entrySize = 24
    static let digestSize = 8

    /// A column as the directory tells of it.
    struct Part: Sendable {
        var encoding: Encoding
        var transform: ColumnTransform
        var from: Int
        var to: Int
        var digest: UInt64
    }

    /// The routes of the rows, each with the row behind its last.
    struct Routes: Sendable {
        var codes: [Int64] = []
        var ends: [Int32] = []

        mutating func add(_ route: Int64, upTo end: Int) {
            if codes.last == route {
                ends[ends.count - 1] = Int32(end)
            } else {
                codes.append(route)
                ends.append(Int32(end))
            }
        }
    }

    /// What reading has found so far; shared by the copies of a segment.
    private final class Progress: Sendable {
        let verified = Atomic<UInt32>(0)
        let routes = Mutex<Routes?>(nil)
    }

    let rows: Int
    private let bytes: [UInt8]
    private let parts: [Part]
    private let hosts: RouteHosts
    private let progress = Progress()

    /// Bytes without the padding.
    var size: Int { bytes.count - Self.padding }

    /// Checks the header of a segment; its columns are checked before any of their bytes are believed.
    ///
    /// - Parameters:
    ///   - padded: the bytes with `padding` bytes behind them.
    ///   - hosts: the places of hosts, as of a state of the store that has this segment.
    init(padded: [UInt8], zone: ZoneMap, hosts: RouteHosts) throws(DecodingError) {
        bytes = padded
        rows = zone.rows
        self.hosts = hosts
        let size = padded.count - Self.padding
        parts = try padded.withUnsafeBufferPointer { buffer throws(DecodingError) in
            try SegmentHeader.parts(of: UnsafeRawBufferPointer(buffer), size: size, zone: zone)
        }
    }

    /// The encoding and the bytes of a column, for those who report on the store.
    func layout(of column: Column) -> (encoding: Encoding, bytes: Int) {
        let part = parts[column.index]
        return (part.encoding, part.to - part.from)
    }

    /// Whether a column's values can only be found all together.
    func isSequence(_ column: Column) -> Bool { parts[column.index].transform == .sequence }

    // MARK: Columns

    /// A column's values in a range of rows.
    func values(of column: Column, in wanted: Range<Int>) throws(DecodingError) -> [Int64] {
        // Filled to the last value by `decode`; zeroing first is cheap beside it.
        var values = [Int64](repeating: 0, count: wanted.count)
        try values.withUnsafeMutableBufferPointer { out throws(DecodingError) in
            guard let start = out.baseAddress else { return }
            try decode(column, in: wanted, into: start)
        }
        return values
    }

    /// Writes a column's values in a range of rows to memory that the caller owns, `wanted.count` values long.
    ///
    /// After an error what stands there is not to be believed.
    func decode(
        _ column: Column, in wanted: Range<Int>, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        precondition(
            wanted.lowerBound >= 0 && wanted.upperBound <= rows, "rows \(wanted) of a segment of \(rows)")
        if wanted.isEmpty { return }
        let part = parts[column.index]
        switch part.transform {
        case .none: try decode(column, part, in: wanted, into: out)
        case .places:
            try decode(column, part, in: wanted, into: out)
            try replacePlaces(in: wanted, out)
        case .sequence: try decodeSequence(column, part, in: wanted, into: out)
        }
    }

    private func decode(
        _ column: Column, _ part: Part, in wanted: Range<Int>, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        let isByRoute = column != .route && part.transform != .sequence && part.encoding.mayFollowRoutes
        let runEnds = isByRoute ? try routeRuns().ends : nil
        try withBytes(of: column) { (reader) throws(DecodingError) in
            try SegmentDecoder.decode(
                part.encoding, &reader, count: rows, runEnds: runEnds, wanted: wanted, into: out)
        }
    }

    private func decodeSequence(
        _ column: Column, _ part: Part, in wanted: Range<Int>, into out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        // Surpluses follow the order of start over the whole segment, so all of them are needed.
        let space = UnsafeMutablePointer<Int64>.allocate(capacity: 2 * rows)
        defer { space.deallocate() }
        try decode(.startUs, in: 0..<rows, into: space)
        let order = RowOrder.byStart(UnsafeBufferPointer(start: space, count: rows))
        try decode(column, part, in: 0..<rows, into: space)
        let surpluses = UnsafeBufferPointer(start: space, count: rows)
        if wanted.count == rows {
            RequestSequence.restore(surpluses, order: order, into: out)
        } else {
            RequestSequence.restore(surpluses, order: order, into: space + rows)
            out.update(from: space + rows + wanted.lowerBound, count: wanted.count)
        }
    }

    private func replacePlaces(
        in wanted: Range<Int>, _ out: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        let runs = try routeRuns()
        var start = 0
        for (route, end) in zip(runs.codes, runs.ends) {
            let range = (start..<Int(end)).clamped(to: wanted)
            start = Int(end)
            if range.isEmpty { continue }
            let isKnown = hosts[route].withUnsafeBufferPointer { hosts in
                let part = UnsafeMutableBufferPointer(
                    start: out + (range.lowerBound - wanted.lowerBound), count: range.count)
                let known = UInt64(hosts.count)
                for index in part.indices {
                    let place = UInt64(bitPattern: part[index])
                    guard place < known else { return false }
                    part[index] = hosts[Int(truncatingIfNeeded: place)]
                }
                return true
            }
            if !isKnown { throw DecodingError(reason: "a host's place that its route has not") }
        }
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
        let runs = try routeRuns()
        var start = 0
        return zip(runs.codes, runs.ends).map { route, end in
            defer { start = Int(end) }
            return (route, start..<Int(end))
        }
    }

    /// Found once, without writing out the column where it is kept as runs.
    private func routeRuns() throws(DecodingError) -> Routes {
        if let known = progress.routes.withLock({ $0 }) { return known }
        let part = parts[Column.route.index]
        var routes = Routes()
        try withBytes(of: .route) { (reader) throws(DecodingError) in
            switch part.encoding {
            case .constant: routes.add(try reader.varintZigzag(), upTo: rows)
            case .runLength: try SegmentDecoder.runs(&reader, count: rows) { routes.add($0, upTo: $1.upperBound) }
            case .plainRunLength: try FormatOne.runs(&reader, count: rows) { routes.add($0, upTo: $1.upperBound) }
            default:
                var codes = [Int64](repeating: 0, count: rows)
                try codes.withUnsafeMutableBufferPointer { out throws(DecodingError) in
                    guard let start = out.baseAddress else { return }
                    try SegmentDecoder.decode(
                        part.encoding, &reader, count: rows, runEnds: nil, wanted: 0..<rows, into: start)
                }
                for row in codes.indices { routes.add(codes[row], upTo: row + 1) }
            }
            try reader.requireEnd()
        }
        progress.routes.withLock { $0 = routes }
        return routes
    }

    // MARK: Checks

    /// Checks the digests of columns.
    func verify(_ columns: [Column] = Column.allCases) throws(DecodingError) {
        for column in columns {
            try withBytes(of: column) { (_) throws(DecodingError) in }
        }
    }

    /// Gives a column's bytes, checked once, to `body`.
    private func withBytes(
        of column: Column, _ body: (inout ByteReader) throws(DecodingError) -> Void
    ) throws(DecodingError) {
        let part = parts[column.index]
        try bytes.withUnsafeBufferPointer { buffer throws(DecodingError) in
            let all = UnsafeRawBufferPointer(buffer)
            let bit: UInt32 = 1 << UInt32(column.index)
            if progress.verified.load(ordering: .acquiring) & bit == 0 {
                guard XXH64.hash(UnsafeRawBufferPointer(rebasing: all[part.from..<part.to])) == part.digest else {
                    throw DecodingError(reason: "checksum of column \(column.name)")
                }
                progress.verified.bitwiseOr(bit, ordering: .acquiringAndReleasing)
            }
            var reader = try ByteReader(all, from: part.from, to: part.to)
            try body(&reader)
        }
    }
}
