import Retry

/// Attempts in order of their route's name, and within a route in order of the outcome's name if that is asked for.
/// Routes are read in batches that fit in memory, each with one pass over the segments.
final class RouteOrderWalk: BlockSource {
    /// What is asked for; `nil` for an outcome: any order.
    struct Direction {
        var routesDescend: Bool
        var outcomesDescend: Bool?

        static let ascending = Direction(routesDescend: false)
    }

    /// A segment's rows of the batch's routes, with the positions of each group.
    private struct Piece {
        var block: ColumnBlock
        var groups: ArraySlice<(number: Int, positions: Range<Int>)>
    }

    /// A segment, or with `nil` the tail, and its wanted runs.
    private struct Source {
        var entry: SegmentEntry?
        var runs: [OpenSegment.Run]
    }

    private let view: StoreView
    private let filter: AttemptsFilter
    private let columns: ColumnSet
    private let direction: Direction
    private var sources: [Source] = []
    private var isCounted = false
    /// The routes' codes in the order asked for, and each code's place in it.
    private var routes: [Int64] = []
    private var ranks: [Int] = []
    /// The rows of each route, by code.
    private var rowsOfRoute: [Int] = []
    private var nextRank = 0
    /// A group is a route, or a route and an outcome.
    private var groupsOfBatch = 0..<0
    private var pieces: [Piece] = []
    private var windows: ArraySlice<BlockWindow> = []
    private var idle: [ColumnBlock] = []
    private let scratch = ColumnBlock(width: Column.allCases.count, capacity: 0)
    /// The outcomes' raw values in the order asked for.
    private let outcomes: [Int]

    /// Values in memory at once.
    private static let mostValues = 8 << 20

    init(_ view: StoreView, filter: AttemptsFilter, columns: ColumnSet, direction: Direction) {
        self.view = view
        self.filter = filter
        self.columns = direction.outcomesDescend == nil ? columns : columns.union(.outcome)
        self.direction = direction
        let names = (0..<AttemptsFilter.outcomeCount).map { view.texts.outcome($0) }
        let ascending = names.indices.sorted { names[$0] < names[$1] }
        outcomes = direction.outcomesDescend == true ? ascending.reversed() : ascending
    }

    private var groupsOfRoute: Int { direction.outcomesDescend == nil ? 1 : outcomes.count }

    func next() throws(StoreError) -> BlockWindow? {
        while windows.isEmpty {
            guard let group = try nextGroup() else { return nil }
            windows = group.windows[...]
        }
        return windows.popFirst()
    }

    /// All rows of the next group, by segment; good until the group after it is asked for.
    func nextGroup() throws(StoreError) -> (route: Int64, windows: [BlockWindow])? {
        if !isCounted { try count() }
        while true {
            while groupsOfBatch.isEmpty {
                guard try readBatch() else { return nil }
            }
            let group = groupsOfBatch.lowerBound
            groupsOfBatch = group + 1..<groupsOfBatch.upperBound
            var found: [BlockWindow] = []
            for index in pieces.indices where pieces[index].groups.first?.number == group {
                guard let one = pieces[index].groups.popFirst() else { continue }
                found.append(BlockWindow(block: pieces[index].block, positions: one.positions))
            }
            if !found.isEmpty { return (routes[group / groupsOfRoute], found) }
        }
    }

    /// Finds out where each route's rows are.
    private func count() throws(StoreError) {
        isCounted = true
        let names = view.names[.route].names.map { Array($0.utf8) }
        // As SQLite compares text: byte by byte.
        let ascending = names.indices.sorted { names[$0].lexicographicallyPrecedes(names[$1]) }
        routes = (direction.routesDescend ? ascending.reversed() : ascending).map(Int64.init)
        ranks = Array(repeating: 0, count: routes.count)
        for (rank, code) in routes.enumerated() { ranks[Int(code)] = rank }
        rowsOfRoute = Array(repeating: 0, count: routes.count)
        for entry in view.entries where filter.canMatch(entry) {
            guard let segment = try view.load(entry) else { continue }
            do throws(DecodingError) {
                try note(entry, OpenSegment(segment, entry, filter: filter, needsRoutes: true).runs)
            } catch {
                try view.note(entry.damage(error.reason))
            }
        }
        let (rows, ids) = try view.tailRows()
        if let tail = try? OpenSegment(tail: rows, ids: ids, filter: filter) { try? note(nil, tail.runs) }
    }

    private func note(_ entry: SegmentEntry?, _ runs: [OpenSegment.Run]) throws(DecodingError) {
        for run in runs where run.route < 0 || run.route >= Int64(rowsOfRoute.count) {
            throw DecodingError(reason: "column route has a value that cannot be")
        }
        for run in runs { rowsOfRoute[Int(run.route)] += run.rows.count }
        if !runs.isEmpty { sources.append(Source(entry: entry, runs: runs)) }
    }

    /// Reads the next routes that fit; a route that alone does not fit is read all the same.
    private func readBatch() throws(StoreError) -> Bool {
        idle += pieces.map(\.block)
        pieces = []
        guard nextRank < routes.count else { return false }
        // The rows' numbers take room too.
        let width = columns.rawValue.nonzeroBitCount + filter.checkedColumns.count + 1
        var end = nextRank
        var rows = 0
        while end < routes.count, rows == 0 || (rows + rowsOfRoute[Int(routes[end])]) * width <= Self.mostValues {
            rows += rowsOfRoute[Int(routes[end])]
            end += 1
        }
        let batch = nextRank..<end
        nextRank = end
        for source in sources {
            let part = source.runs.filter { batch.contains(ranks[Int($0.route)]) }
            if let piece = try read(part, of: source.entry) { pieces.append(piece) }
        }
        groupsOfBatch = batch.lowerBound * groupsOfRoute..<batch.upperBound * groupsOfRoute
        return true
    }

    private func read(_ part: [OpenSegment.Run], of entry: SegmentEntry?) throws(StoreError) -> Piece? {
        let wanted = part.reduce(0) { $0 + $1.rows.count }
        guard let low = part.first?.rows.lowerBound, let high = part.last?.rows.upperBound,
            let source = try open(entry)
        else { return nil }
        let block = idle.popLast() ?? ColumnBlock(width: Column.allCases.count, capacity: wanted)
        block.clear(for: wanted)
        var groups: [(number: Int, positions: Range<Int>)] = []
        do throws(DecodingError) {
            // Decoding what lies between is cheaper than beginning again for every run.
            let spans = (high - low) / 8 <= wanted ? [part[...]] : part.indices.map { part[$0...$0] }
            for runs in spans { try take(runs, of: source, into: block, groups: &groups) }
        } catch {
            idle.append(block)
            if let entry { try view.note(entry.damage(error.reason)) }
            return nil
        }
        groups.sort { $0.number < $1.number }
        return Piece(block: block, groups: groups[...])
    }

    /// Decodes runs and adds their wanted rows to a block.
    private func take(
        _ runs: ArraySlice<OpenSegment.Run>, of source: OpenSegment, into block: ColumnBlock,
        groups: inout [(number: Int, positions: Range<Int>)]
    ) throws(DecodingError) {
        guard let low = runs.first?.rows.lowerBound, let high = runs.last?.rows.upperBound else { return }
        try source.fill(scratch, span: low..<high, part: runs, filter: filter, columns: columns, names: view.names)
        // Both the selection and the runs are ascending.
        var position = 0
        for run in runs {
            let from = position
            while position < scratch.selected, Int(scratch.selection[position]) < run.rows.upperBound - low {
                position += 1
            }
            let added = block.append(scratch, from..<position, columns: columns)
            let first = ranks[Int(run.route)] * groupsOfRoute
            if direction.outcomesDescend == nil {
                if !added.isEmpty { groups.append((first, added)) }
            } else {
                block.sort(added, by: outcomes) { groups.append((first + $0, $1)) }
            }
        }
    }

    private func open(_ entry: SegmentEntry?) throws(StoreError) -> OpenSegment? {
        guard let entry else {
            let (rows, ids) = try view.tailRows()
            return OpenSegment(tail: rows, ids: ids)
        }
        return try view.load(entry).map { OpenSegment($0, entry) }
    }
}
