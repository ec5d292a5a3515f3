import Retry

/// A segment, or the tail, opened for a walk: which stretches of its rows lie in the filter's routes and time, and how
/// they get into a block.
struct OpenSegment {
    private enum Rows {
        case sealed(Segment)
        case tail(Collector.Rows, ids: [Int64])
    }

    /// A stretch of one route.
    struct Run {
        /// The code; -1 where routes do not matter.
        var route: Int64
        var rows: Range<Int>
    }

    /// The segment's number; 0 for the tail.
    let id: Int64
    /// The wanted stretches, ascending.
    private(set) var runs: [Run] = []
    private let rows: Rows
    private let sequences: SequenceSpool
    private let keepsSequences: Bool

    /// - Parameter needsRoutes: whether the runs must be apart by route, whatever the filter says.
    init(
        _ segment: Segment, _ entry: SegmentEntry, filter: AttemptsFilter, needsRoutes: Bool
    ) throws(DecodingError) {
        self.init(segment, entry)
        let coversTime = filter.covers(entry.zone)
        if !needsRoutes, filter.routes == nil, coversTime {
            runs = [Run(route: -1, rows: 0..<segment.rows)]
            return
        }
        for (route, rows) in try segment.routes() where filter.admits(route: route) {
            runs.append(Run(route: route, rows: rows))
        }
        if !coversTime { try narrow(to: filter.time) }
    }

    /// Without runs: for who knows them.
    ///
    /// - Parameter kept: where sequences are kept for those who come back; `nil`: nobody does.
    init(_ segment: Segment, _ entry: SegmentEntry, kept: SequenceSpool? = nil) {
        id = entry.id
        rows = .sealed(segment)
        sequences = kept ?? SequenceSpool()
        keepsSequences = kept != nil
    }

    /// Without runs: for who knows them.
    init(tail: Collector.Rows, ids: [Int64]) {
        id = 0
        rows = .tail(tail, ids: ids)
        sequences = SequenceSpool()
        keepsSequences = false
    }

    init(tail: Collector.Rows, ids: [Int64], filter: AttemptsFilter) throws(DecodingError) {
        self.init(tail: tail, ids: ids)
        let routes = tail[.route]
        var start = 0
        while start < routes.count {
            var end = start + 1
            while end < routes.count, routes[end] == routes[start] { end += 1 }
            if filter.admits(route: routes[start]) { runs.append(Run(route: routes[start], rows: start..<end)) }
            start = end
        }
        try narrow(to: filter.time)
    }

    private mutating func narrow(to time: RowFilter) throws(DecodingError) {
        guard let first = runs.first?.rows.lowerBound, let last = runs.last?.rows.upperBound else { return }
        let startUs = try values(of: .startUs, in: first..<last)
        runs = runs.compactMap { run in
            let moved = run.rows.lowerBound - first..<run.rows.upperBound - first
            let rows = Chunk.narrowed(moved, startUs: startUs, filter: time)
            return rows.isEmpty ? nil : Run(route: run.route, rows: rows.lowerBound + first..<rows.upperBound + first)
        }
    }

    private func values(of column: Column, in wanted: Range<Int>) throws(DecodingError) -> [Int64] {
        switch rows {
        case .sealed(let segment): try segment.values(of: column, in: wanted)
        case .tail(let rows, _): Array(rows[column][wanted])
        }
    }

    /// Puts wanted rows into a block: all runs of `part`, which must lie in `span`.
    func fill(
        _ block: ColumnBlock, span: Range<Int>, part: ArraySlice<Run>, filter: AttemptsFilter, columns: ColumnSet,
        names: Names
    ) throws(DecodingError) {
        block.reserve(span.count)
        block.selected = 0
        for run in part { block.select(run.rows.lowerBound - span.lowerBound..<run.rows.upperBound - span.lowerBound) }
        let checked = filter.checkedColumns
        for column in checked { try decode(column, span, into: block, names: names) }
        filter.narrow(block)
        if block.selected == 0 { return }
        for column in Column.allCases where columns.contains(column) && !checked.contains(column) {
            if column == .route, part.allSatisfy({ 0..<Int64(names[.route].count) ~= $0.route }) {
                let routes = block.column(column.index)
                for run in part {
                    (routes + (run.rows.lowerBound - span.lowerBound)).update(
                        repeating: run.route, count: run.rows.count)
                }
            } else {
                try decode(column, span, into: block, names: names)
            }
        }
        switch rows {
        case .sealed: block.number(from: id << 20 | Int64(span.lowerBound))
        case .tail(_, let ids): block.number(ids[span].lazy.map { ~$0 })
        }
    }

    private func decode(
        _ column: Column, _ span: Range<Int>, into block: ColumnBlock, names: Names
    ) throws(DecodingError) {
        let out = block.column(column.index)
        switch rows {
        case .sealed(let segment) where segment.isSequence(column):
            try sequences.read(segment, id: id, in: span, isKept: keepsSequences, into: out)
        case .sealed(let segment): try segment.decode(column, in: span, into: out)
        case .tail(let rows, _): for (place, row) in span.enumerated() { out[place] = rows[column][row] }
        }
        guard let limit = Self.limit(of: column, names: names) else { return }
        for place in 0..<span.count where out[place] < 0 || out[place] >= limit {
            throw DecodingError(reason: "column \(column.name) has a value that cannot be")
        }
    }

    /// How many values a column of codes can have.
    private static func limit(of column: Column, names: Names) -> Int64? {
        switch column {
        case .route: Int64(names[.route].count)
        case .host: Int64(names[.host].count)
        case .method: Int64(names[.method].count)
        case .outcome: Int64(AttemptsFilter.outcomeCount)
        case .isGRPC, .hedge: 2
        default: nil
        }
    }
}
