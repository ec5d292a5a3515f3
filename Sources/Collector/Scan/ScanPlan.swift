import Retry

/// What a scan reads: one state of the store, its segments oldest first, and the tail.
struct ScanPlan: Sendable {
    let reader: StoreReader
    let names: Names
    let filter: RowFilter
    /// The sound segments that can hold wanted rows, oldest first.
    let entries: [SegmentEntry]
    /// The tail with its wanted stretches; `nil` when it holds nothing wanted.
    let tail: ScanChunk?
    /// What is known to be damaged before a segment is opened.
    let damage: [SegmentDamage]

    /// The reader must be between `begin` and `end` for as long as the plan is used.
    init(_ reader: StoreReader, filter: RowFilter) throws(StoreError) {
        self.reader = reader
        self.filter = filter
        names = try reader.names()
        let found = try reader.segments(filter)
        entries = found.filter(\.isSound)
        let (rows, _, broken) = try reader.tail(names: names)
        tail = ScanChunk(tail: rows, filter: filter)
        damage = found.filter { !$0.isSound }.map { $0.damage($0.fault) } + broken
    }

    /// A segment and the wanted stretches of it; what cannot be read throws `DecodingError`.
    func chunk(_ entry: SegmentEntry, columns: [Column]) throws(StoreError) -> Result<ScanChunk, DecodingError> {
        // Starts tell which rows are wanted; they are the widest column, and mostly all are.
        let needed: [Column] = isInside(entry.zone) ? [.route] : [.route, .startUs]
        let loaded = try reader.load(entry, columns: needed + columns, hosts: names.routeHosts)
        do throws(DecodingError) {
            return .success(try ScanChunk(loaded.get(), entry: entry, plan: self))
        } catch {
            return .failure(error)
        }
    }

    /// Whether all rows of the zone lie in the wanted time.
    fileprivate func isInside(_ zone: ZoneMap) -> Bool {
        filter.admits(startUs: zone.firstStartUs) && filter.admits(startUs: zone.lastStartUs)
    }
}

/// Rows of a segment or of the tail, as stretches of one route each that are sorted by start.
struct ScanChunk: Sendable {
    private enum Source: Sendable {
        case segment(Segment, SegmentEntry, Names)
        case tail(Rows)
    }

    private let source: Source
    /// The wanted stretches, in order of their routes.
    let runs: [Chunk.Run]

    /// The wanted rows of a segment.
    fileprivate init(_ segment: Segment, entry: SegmentEntry, plan: ScanPlan) throws(DecodingError) {
        source = .segment(segment, entry, plan.names)
        var runs: [Chunk.Run] = []
        var starts: [Int64] = []
        var decoded = 0..<0
        let routes = Int64(plan.names[.route].count)
        let filter = plan.filter
        let isInside = plan.isInside(entry.zone)
        for (route, rows) in try segment.routes() where filter.routeCode.map({ $0 == route }) ?? true {
            guard route >= 0, route < routes else { throw DecodingError(reason: "a route that has no name") }
            if isInside {
                runs.append(Chunk.Run(route: route, rows: rows))
                continue
            }
            if starts.isEmpty {
                // Once for all routes, or for the only one.
                decoded = filter.routeCode == nil ? 0..<segment.rows : rows
                starts = try segment.values(of: .startUs, in: decoded)
            }
            let low = rows.lowerBound - decoded.lowerBound
            let wanted = Chunk.narrowed(low..<low + rows.count, startUs: starts, filter: filter)
            if wanted.isEmpty { continue }
            runs.append(
                Chunk.Run(
                    route: route,
                    rows: wanted.lowerBound + decoded.lowerBound..<wanted.upperBound + decoded.lowerBound))
        }
        self.runs = runs
    }

    fileprivate init?(tail: Rows, filter: RowFilter) {
        source = .tail(tail)
        runs = Chunk.runs(route: tail[.route], startUs: tail[.startUs], filter: filter)
        if runs.isEmpty { return nil }
    }

    /// From the first wanted row to behind the last.
    var extent: Range<Int> {
        guard let first = runs.first, let last = runs.last else { return 0..<0 }
        return first.rows.lowerBound..<last.rows.upperBound
    }

    /// The first and the last start of the tail's stretches, of which there is at least one.
    var startBounds: ClosedRange<Int64> {
        guard case .tail(let rows) = source else { return 0...0 }
        let start = rows[.startUs]
        let first = runs.map { start[$0.rows.lowerBound] }.min() ?? 0
        return first...max(first, runs.map { start[$0.rows.upperBound - 1] }.max() ?? 0)
    }

    /// A column's values in a range of rows, into the front of a buffer that is used again. Codes without a name and
    /// enumerations that cannot be are damage.
    func read(_ column: Column, _ rows: Range<Int>, into buffer: inout [Int64]) throws(DecodingError) {
        if buffer.count < rows.count { buffer = [Int64](repeating: 0, count: rows.count) }
        switch source {
        case .tail(let tail):
            for (place, value) in tail[column][rows].enumerated() { buffer[place] = value }
        case .segment(let segment, _, let names):
            let limit = column.limit(names: names)
            try buffer.withUnsafeMutableBufferPointer { out throws(DecodingError) in
                guard let start = out.baseAddress else { return }
                try segment.decode(column, in: rows, into: start)
                guard let limit else { return }
                if !Self.areBelow(limit, UnsafeBufferPointer(start: start, count: rows.count)) {
                    throw DecodingError(reason: "column \(column.name) has a value that cannot be")
                }
            }
        }
    }

    /// Whether all values lie in 0 ..< limit.
    private static func areBelow(_ limit: Int64, _ values: UnsafeBufferPointer<Int64>) -> Bool {
        // The signs of what is negative, or leaves less than nothing to the limit.
        var signs = SIMD8<Int64>.zero
        let most = SIMD8(repeating: limit &- 1)
        let raw = UnsafeRawBufferPointer(values)
        let whole = values.count & ~7
        for row in stride(from: 0, to: whole, by: 8) {
            let eight = raw.loadUnaligned(fromByteOffset: row &* 8, as: SIMD8<Int64>.self)
            signs |= eight | (most &- eight)
        }
        var rest: Int64 = 0
        for row in whole..<values.count { rest |= values[row] | (limit &- 1 &- values[row]) }
        return rest >= 0 && all(signs .>= .zero)
    }

    /// The damage that a failure to read means.
    func damage(_ error: DecodingError) -> SegmentDamage? {
        guard case .segment(_, let entry, _) = source else { return nil }
        return entry.damage(error.reason)
    }
}

extension Column {
    /// What codes and enumerations must lie below.
    fileprivate func limit(names: Names) -> Int64? {
        switch self {
        case .route: Int64(names[.route].count)
        case .host: Int64(names[.host].count)
        case .method: Int64(names[.method].count)
        case .outcome: Int64(Outcome.allCases.count)
        case .isGRPC, .hedge: 2
        default: nil
        }
    }
}

extension StoreReader {
    /// A segment of which only these columns can be read; it is not kept for later, for a scan passes by once.
    func load(
        _ entry: SegmentEntry, columns: [Column], hosts: RouteHosts
    ) throws(StoreError) -> Result<Segment, DecodingError> {
        if let kept = cache.segment(entry.id) {
            do throws(DecodingError) {
                try kept.verify(columns)
                return .success(kept)
            } catch {
                return .failure(error)
            }
        }
        let blob = StoredBlob(connection)
        guard let size = try blob.open(segment: entry.id) else {
            return .failure(DecodingError(reason: "its row is gone"))
        }
        let head = Segment.headerSize + Segment.entrySize * Column.allCases.count + Segment.digestSize
        guard size >= head else { return .failure(DecodingError(reason: "header lengths")) }
        // What is not read is never looked at: a column's digest is checked before it.
        var bytes = [UInt8](unsafeUninitializedCapacity: size + Segment.padding) { buffer, count in
            buffer[size...].initialize(repeating: 0)
            count = buffer.count
        }
        try bytes.withUnsafeMutableBufferPointer { buffer throws(StoreError) in
            try blob.read(0..<head, into: buffer)
        }
        var refusal: StoreError?
        do throws(DecodingError) {
            let parts = try bytes.withUnsafeBufferPointer { buffer throws(DecodingError) in
                try SegmentHeader.parts(of: UnsafeRawBufferPointer(buffer), size: size, zone: entry.zone)
            }
            let failure = bytes.withUnsafeMutableBufferPointer { buffer in
                Result { () throws(StoreError) in
                    for column in Set(columns) {
                        try blob.read(parts[column.index].from..<parts[column.index].to, into: buffer)
                    }
                }
            }
            if case .failure(let error) = failure {
                refusal = error
                throw DecodingError(reason: error.message)
            }
            let segment = try Segment(padded: bytes, zone: entry.zone, hosts: hosts)
            // Before any row is seen, so that a damaged segment is left out whole.
            try segment.verify(columns)
            return .success(segment)
        } catch {
            // That the disk or the memory failed says nothing of the segment.
            if let refusal, refusal.code != .damaged { throw refusal }
            return .failure(error)
        }
    }
}
