import Retry

/// Attempts in order of their route's name, and within a route in order of the outcome's name if that is asked for.
/// Routes are read in batches that fit in memory, each with one pass over the segments. A route that does not fit by
/// itself is read in shares, where its rows need not come together.
final class RouteOrderWalk: BlockSource {
    /// What is asked for; `nil` for an outcome: any order.
    struct Direction {
        var routesDescend: Bool
        var outcomesDescend: Bool?

        static let ascending = Direction(routesDescend: false)
    }

    /// What the rows are wanted for.
    enum Purpose {
        /// One by one, with their numbers; a group may come in several pieces.
        case attempts
        /// All of a route's together.
        case routes
        /// All of a request's together: a route that does not fit in memory comes in several groups.
        case requests
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

    /// A share of a batch.
    private struct Share {
        /// Only this group of the route; `nil`: every one.
        var group: Int?
        /// Only these sources.
        var sources: Range<Int>
        /// Only the requests that fall to this number, of so many.
        var requests = (number: 0, count: 1)
    }

    private let view: StoreView
    private let purpose: Purpose
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
    /// What of the batch at hand is read next: all, or shares of its only route.
    private var shares: ArraySlice<Share> = []
    private var ranksOfBatch = 0..<0
    /// A group is a route, or a route and an outcome.
    private var groupsOfBatch = 0..<0
    private var pieces: [Piece] = []
    private var windows: ArraySlice<BlockWindow> = []
    /// Whether there are several batches or shares.
    private var comesBack = false
    private let scratch = ColumnBlock(width: Column.allCases.count, capacity: 0)
    /// The outcomes' raw values in the order asked for.
    private let outcomes: [Int]

    init(
        _ view: StoreView, for purpose: Purpose, filter: AttemptsFilter, columns: ColumnSet, direction: Direction
    ) {
        self.view = view
        self.purpose = purpose
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
        comesBack = rowsOfRoute.reduce(0, +) > mostRows
    }

    private func note(_ entry: SegmentEntry?, _ runs: [OpenSegment.Run]) throws(DecodingError) {
        for run in runs where run.route < 0 || run.route >= Int64(rowsOfRoute.count) {
            throw DecodingError(reason: "column route has a value that cannot be")
        }
        for run in runs { rowsOfRoute[Int(run.route)] += run.rows.count }
        if !runs.isEmpty { sources.append(Source(entry: entry, runs: runs)) }
    }

    /// How many rows are in memory now.
    var rowsHeld: Int { pieces.reduce(0) { $0 + $1.block.selected } }

    /// How many rows fit in memory; the rows' numbers take room too.
    var mostRows: Int {
        let width = columns.rawValue.nonzeroBitCount + filter.checkedColumns.count + 1
        return max(1, view.mostValues / width)
    }

    /// Reads the next routes that fit, or the next share of one that does not.
    private func readBatch() throws(StoreError) -> Bool {
        pieces = []
        if shares.isEmpty {
            guard nextRank < routes.count else { return false }
            var end = nextRank
            var rows = 0
            while end < routes.count, rows == 0 || rows + rowsOfRoute[Int(routes[end])] <= mostRows {
                rows += rowsOfRoute[Int(routes[end])]
                end += 1
            }
            ranksOfBatch = nextRank..<end
            nextRank = end
            shares = makeShares(rows: rows)[...]
        }
        guard let share = shares.popFirst() else { return false }
        for source in sources[share.sources] {
            let runs = source.runs.filter { ranksOfBatch.contains(ranks[Int($0.route)]) }
            if let piece = try read(runs, of: source.entry, share) { pieces.append(piece) }
        }
        let first = ranksOfBatch.lowerBound * groupsOfRoute
        groupsOfBatch =
            share.group.map { first + $0..<first + $0 + 1 } ?? first..<ranksOfBatch.upperBound * groupsOfRoute
        return true
    }

    /// The shares of a batch: one where it fits, or where its rows must come together.
    private func makeShares(rows: Int) -> [Share] {
        let all = Share(sources: sources.indices)
        if rows <= mostRows { return [all] }
        switch purpose {
        case .routes: return [all]
        case .requests:
            let count = (rows + mostRows - 1) / mostRows
            return (0..<count).map { Share(sources: sources.indices, requests: (number: $0, count: count)) }
        case .attempts:
            var chunks: [Range<Int>] = []
            var (first, held) = (0, 0)
            for (number, source) in sources.enumerated() {
                let rows = source.runs.reduce(0) {
                    $0 + (ranksOfBatch.contains(ranks[Int($1.route)]) ? $1.rows.count : 0)
                }
                if held > 0, held + rows > mostRows {
                    chunks.append(first..<number)
                    (first, held) = (number, 0)
                }
                held += rows
            }
            chunks.append(first..<sources.count)
            // The outcomes come one after the other, each from all sources.
            return (0..<groupsOfRoute).flatMap { group in chunks.map { Share(group: group, sources: $0) } }
        }
    }

    private func read(
        _ runs: [OpenSegment.Run], of entry: SegmentEntry?, _ share: Share
    ) throws(StoreError) -> Piece? {
        let wanted = runs.reduce(0) { $0 + $1.rows.count }
        guard !runs.isEmpty, let source = try open(entry) else { return nil }
        // Room for the share of the requests and some more; the block grows where that is not enough.
        let block = ColumnBlock(width: Column.allCases.count, capacity: wanted / share.requests.count * 9 / 8 + 8)
        block.clear(for: 0)
        var groups: [(number: Int, positions: Range<Int>)] = []
        do throws(DecodingError) {
            for span in Self.spans(of: runs) { try take(span, of: source, share, into: block, groups: &groups) }
        } catch {
            if let entry { try view.note(entry.damage(error.reason)) }
            return nil
        }
        groups.sort { $0.number < $1.number }
        return Piece(block: block, groups: groups[...])
    }

    /// The runs that are decoded in one go. Blocks of values are of any length, so the decoder looks at the head of
    /// each block before the first wanted one; that costs about as much as decoding a 32nd of the values in them. Where
    /// less lies between two runs, it is decoded along with them.
    private static func spans(of runs: [OpenSegment.Run]) -> [ArraySlice<OpenSegment.Run>] {
        var spans: [ArraySlice<OpenSegment.Run>] = []
        var first = 0
        for next in runs.indices.dropFirst() {
            let rows = runs[next].rows
            if rows.lowerBound - runs[next - 1].rows.upperBound > rows.lowerBound / 32 {
                spans.append(runs[first..<next])
                first = next
            }
        }
        return spans + [runs[first...]]
    }

    /// Decodes runs and adds their wanted rows to a block.
    private func take(
        _ runs: ArraySlice<OpenSegment.Run>, of source: OpenSegment, _ share: Share, into block: ColumnBlock,
        groups: inout [(number: Int, positions: Range<Int>)]
    ) throws(DecodingError) {
        guard let low = runs.first?.rows.lowerBound, let high = runs.last?.rows.upperBound else { return }
        try source.fill(scratch, span: low..<high, part: runs, filter: filter, columns: columns, names: view.names)
        if share.requests.count > 1 {
            let (number, count) = (UInt64(share.requests.number), UInt64(share.requests.count))
            scratch.keep(Column.request.index) { Self.share(of: $0, among: count) == number }
        }
        if let group = share.group, direction.outcomesDescend != nil {
            let outcome = Int64(outcomes[group])
            scratch.keep(Column.outcome.index) { $0 == outcome }
        }
        // Both the selection and the runs are ascending.
        var position = 0
        for run in runs {
            let from = position
            while position < scratch.selected, Int(scratch.selection[position]) < run.rows.upperBound - low {
                position += 1
            }
            let added = block.append(scratch, from..<position, columns: columns, hasNumbers: purpose == .attempts)
            let first = ranks[Int(run.route)] * groupsOfRoute
            if direction.outcomesDescend == nil {
                if !added.isEmpty { groups.append((first, added)) }
            } else {
                block.sort(added, by: outcomes) { groups.append((first + $0, $1)) }
            }
        }
    }

    /// Requests are spread over the shares by the golden ratio, whatever pattern their numbers have (Knuth 1998, The
    /// Art of Computer Programming 3, section 6.4).
    private static func share(of request: Int64, among count: UInt64) -> UInt64 {
        (UInt64(bitPattern: request) &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: count).high
    }

    private func open(_ entry: SegmentEntry?) throws(StoreError) -> OpenSegment? {
        guard let entry else {
            let (rows, ids) = try view.tailRows()
            return OpenSegment(tail: rows, ids: ids)
        }
        return try view.load(entry).map { OpenSegment($0, entry, kept: comesBack ? view.sequences : nil) }
    }
}
