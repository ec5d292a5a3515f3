import Retry

/// Rows of one segment or of the tail, with the stretches that are wanted: one route each, sorted by start.
struct Chunk {
    var rows: Rows
    var runs: [Run]
    /// The segment's number; 0 for the tail.
    var segment: Int64
    /// Where in the segment the rows begin.
    var firstRow: Int
    /// The ids of the tail's rows; empty for a segment.
    var tailIDs: [Int64] = []

    /// A row's number in SQL: no two rows of a store share one, and it does not depend on what else is wanted, for
    /// SQLite asks once for each side of an OR and takes rows with the same number for the same row.
    func number(of row: Int) -> Int64 {
        // A segment has at most 2^17 rows and its id is positive; the tail's ids run up from 1, so these are negative.
        segment == 0 ? ~tailIDs[row] : segment << 20 | Int64(firstRow + row)
    }

    struct Run: Equatable {
        var route: Int64
        var rows: Range<Int>
    }

    /// The wanted stretches of rows that are sorted by (route, start).
    static func runs(route: [Int64], startUs: [Int64], filter: RowFilter) -> [Run] {
        var found: [Run] = []
        var start = 0
        while start < route.count {
            var end = start + 1
            while end < route.count, route[end] == route[start] { end += 1 }
            if filter.routeCode.map({ $0 == route[start] }) ?? true {
                let wanted = narrowed(start..<end, startUs: startUs, filter: filter)
                if !wanted.isEmpty { found.append(Run(route: route[start], rows: wanted)) }
            }
            start = end
        }
        return found
    }

    /// The rows of a stretch, sorted by start, that lie in the filter's time.
    static func narrowed(_ range: Range<Int>, startUs: [Int64], filter: RowFilter) -> Range<Int> {
        func first(atLeast bound: Int64) -> Int {
            var (low, high) = (range.lowerBound, range.upperBound)
            while low < high {
                let middle = (low + high) / 2
                if startUs[middle] < bound { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let low = filter.fromUs.map(first) ?? range.lowerBound
        let high = filter.toUs.map(first) ?? range.upperBound
        return low..<max(low, high)
    }
}

/// Walks over the wanted rows of one state of the store: segments from the oldest on, then the tail. One chunk is in
/// memory at a time. What cannot be read is skipped and collected in `damage`.
struct ChunkCursor {
    let names: Names
    private(set) var damage: [SegmentDamage] = []
    private let reader: StoreReader
    private let filter: RowFilter
    private let columns: ColumnSet
    private let entries: [SegmentEntry]
    private var next = 0

    /// The reader must be between `begin` and `end` for as long as the cursor is used.
    init(_ reader: StoreReader, filter: RowFilter, columns: ColumnSet) throws(StoreError) {
        self.reader = reader
        self.filter = filter
        self.columns = columns
        names = try reader.names()
        entries = try reader.segments(filter)
    }

    mutating func nextChunk() throws(StoreError) -> Chunk? {
        while next < entries.count {
            let entry = entries[next]
            next += 1
            switch try reader.load(entry) {
            case .failure(let error): damage.append(entry.damage(error.reason))
            case .success(let segment):
                do throws(DecodingError) {
                    if let chunk = try self.chunk(of: segment, id: entry.id) { return chunk }
                } catch {
                    damage.append(entry.damage(error.reason))
                }
            }
        }
        guard next == entries.count else { return nil }
        next += 1
        // A row's fingerprint needs all of its columns, so the tail is read whole; what was not asked for goes then.
        var (rows, ids, broken) = try reader.tail(names: names)
        damage += broken
        for column in Column.allCases where ![.route, .startUs].contains(column) && !columns.contains(column) {
            rows[column] = []
        }
        let runs = Chunk.runs(route: rows[.route], startUs: rows[.startUs], filter: filter)
        return runs.isEmpty ? nil : Chunk(rows: rows, runs: runs, segment: 0, firstRow: 0, tailIDs: ids)
    }

    private func chunk(of segment: Segment, id: Int64) throws(DecodingError) -> Chunk? {
        let all = 0..<segment.rows
        let route = try segment.values(of: .route, in: all)
        var wanted = all
        if let code = filter.routeCode {
            guard let low = route.firstIndex(of: code), let high = route.lastIndex(of: code) else { return nil }
            wanted = low..<high + 1
        }
        let startUs = try segment.values(of: .startUs, in: wanted)
        var runs = Chunk.runs(route: Array(route[wanted]), startUs: startUs, filter: filter)
        guard let first = runs.first?.rows.lowerBound, let last = runs.last?.rows.upperBound else { return nil }
        // Only the stretch from the first wanted row to the last is decoded.
        let offset = wanted.lowerBound + first
        let rows = try segment.rows(in: offset..<wanted.lowerBound + last, columns: columns.union(.init(.route)))
        if let column = rows.invalidColumn(names: names) {
            throw DecodingError(reason: "column \(column.name) has a value that cannot be")
        }
        for index in runs.indices {
            runs[index].rows = runs[index].rows.lowerBound - first..<runs[index].rows.upperBound - first
        }
        return Chunk(rows: rows, runs: runs, segment: id, firstRow: offset)
    }
}

extension StoreReader {
    /// Reads and checks all that overlaps the filter; gives what is damaged.
    func check(_ filter: RowFilter) throws(StoreError) -> [SegmentDamage] {
        var cursor = try ChunkCursor(self, filter: filter, columns: .all)
        while try cursor.nextChunk() != nil {}
        return cursor.damage
    }
}
