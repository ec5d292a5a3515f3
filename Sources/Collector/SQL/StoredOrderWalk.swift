import Retry

/// Attempts as they are stored: segments from the oldest on, then the tail; in each by route, then start.
final class StoredOrderWalk: BlockSource {
    private let view: StoreView
    private let filter: AttemptsFilter
    private let columns: ColumnSet
    private var entries: ArraySlice<SegmentEntry>
    private var isTailLeft = true
    private var open: OpenSegment?
    private var nextRun = 0
    /// Where in the next run its remaining rows begin.
    private var nextRow = 0
    private let block = ColumnBlock(width: Column.allCases.count, capacity: StoredOrderWalk.mostRows)
    /// Few at first, for those who want only the first rows.
    private var rowsAtOnce = 1_024

    /// As many as leave the columns in the processor's second cache.
    private static let mostRows = 16_384

    init(_ view: StoreView, filter: AttemptsFilter, columns: ColumnSet) {
        self.view = view
        self.filter = filter
        self.columns = columns
        entries = view.entries[...]
    }

    func next() throws(StoreError) -> BlockWindow? {
        while true {
            guard let open, nextRun < open.runs.count else {
                guard try openNext() else { return nil }
                continue
            }
            let part = takePart(of: open)
            guard let first = part.first, let last = part.last else { continue }
            do throws(DecodingError) {
                try open.fill(
                    block, span: first.rows.lowerBound..<last.rows.upperBound, part: part[...], filter: filter,
                    columns: columns, names: view.names)
            } catch {
                try giveUp(open, from: first.rows.lowerBound, error)
                continue
            }
            if block.selected > 0 { return BlockWindow(block: block, positions: 0..<block.selected) }
        }
    }

    /// The next runs that lie close together.
    private func takePart(of open: OpenSegment) -> [OpenSegment.Run] {
        var part: [OpenSegment.Run] = []
        let start = max(nextRow, open.runs[nextRun].rows.lowerBound)
        let end = start + rowsAtOnce
        while nextRun < open.runs.count {
            var run = open.runs[nextRun]
            run.rows = max(nextRow, run.rows.lowerBound)..<run.rows.upperBound
            if run.rows.lowerBound >= end { break }
            if run.rows.upperBound > end {
                nextRow = end
                run.rows = run.rows.lowerBound..<end
                part.append(run)
                break
            }
            part.append(run)
            nextRun += 1
        }
        rowsAtOnce = min(Self.mostRows, 2 * rowsAtOnce)
        return part
    }

    private func openNext() throws(StoreError) -> Bool {
        open = nil
        (nextRun, nextRow) = (0, 0)
        while let entry = entries.popFirst() {
            guard filter.canMatch(entry), let segment = try view.load(entry) else { continue }
            do throws(DecodingError) {
                open = try OpenSegment(
                    segment, entry, filter: filter, needsRoutes: false)
                return true
            } catch {
                try view.note(entry.damage(error.reason))
            }
        }
        guard isTailLeft else { return false }
        isTailLeft = false
        let (rows, ids) = try view.tailRows()
        open = try? OpenSegment(tail: rows, ids: ids, filter: filter)
        return true
    }

    /// Leaves out the rest of a segment.
    private func giveUp(_ damaged: OpenSegment, from row: Int, _ error: DecodingError) throws(StoreError) {
        open = nil
        guard let entry = view.entries.first(where: { $0.id == damaged.id }) else { return }
        var damage = entry.damage(error.reason)
        damage.rows = max(0, damage.rows - row)
        try view.note(damage)
    }
}
