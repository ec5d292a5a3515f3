import Retry

/// Attempts in order of their start. Each segment is sorted by itself when its time has come; those that overlap in
/// time are merged.
final class StartOrderWalk: BlockSource {
    private struct Head {
        var block: ColumnBlock
        var position = 0

        var startUs: Int64 { block.column(Column.startUs.index)[Int(block.selection[position])] }
    }

    private let view: StoreView
    private let filter: AttemptsFilter
    private let columns: ColumnSet
    private let descending: Bool
    /// Those still to be opened, the next one last.
    private var entries: [SegmentEntry]
    private var isTailLeft = true
    private var heads: [Head] = []
    private var idle: [ColumnBlock] = []

    init(_ view: StoreView, filter: AttemptsFilter, columns: ColumnSet, descending: Bool) {
        self.view = view
        self.filter = filter
        self.columns = columns.union(.startUs)
        self.descending = descending
        let wanted = view.entries.filter(filter.canMatch)
        entries = wanted.sorted {
            descending
                ? $0.zone.lastStartUs < $1.zone.lastStartUs : $0.zone.firstStartUs > $1.zone.firstStartUs
        }
    }

    /// How many segments of a store overlap at most in time: as many are in memory at once.
    static func depth(_ entries: [SegmentEntry]) -> Int {
        var ends: [Int64] = []
        var most = 0
        for entry in entries {
            ends.removeAll { $0 < entry.zone.firstStartUs }
            ends.append(entry.zone.lastStartUs)
            most = max(most, ends.count)
        }
        return most
    }

    func next() throws(StoreError) -> BlockWindow? {
        if isTailLeft {
            isTailLeft = false
            let (rows, ids) = try view.tailRows()
            if let tail = try? OpenSegment(tail: rows, ids: ids, filter: filter) { try? add(tail) }
        }
        // A segment is opened before a row is given that it might precede.
        while let entry = entries.last {
            if let first = heads.indices.map({ heads[$0].startUs }).min(by: precedes),
                precedes(first, descending ? entry.zone.lastStartUs : entry.zone.firstStartUs)
            {
                break
            }
            entries.removeLast()
            guard let segment = try view.load(entry) else { continue }
            do throws(DecodingError) {
                try add(OpenSegment(segment, entry, filter: filter, needsRoutes: false))
            } catch {
                try view.note(entry.damage(error.reason))
            }
        }
        guard let first = heads.indices.min(by: { precedes(heads[$0].startUs, heads[$1].startUs) }) else { return nil }
        return take(from: first)
    }

    private func precedes(_ left: Int64, _ right: Int64) -> Bool { descending ? left > right : left < right }

    private func add(_ open: OpenSegment) throws(DecodingError) {
        guard let low = open.runs.first?.rows.lowerBound, let high = open.runs.last?.rows.upperBound else { return }
        let block = idle.popLast() ?? ColumnBlock(width: Column.allCases.count, capacity: high - low)
        try open.fill(
            block, span: low..<high, part: open.runs[...], filter: filter, columns: columns, names: view.names)
        if block.selected == 0 { return idle.append(block) }
        let startUs = block.column(Column.startUs.index)
        var rows = UnsafeMutableBufferPointer(start: block.selection, count: block.selected)
        if descending {
            rows.sort { startUs[Int($0)] > startUs[Int($1)] }
        } else {
            rows.sort { startUs[Int($0)] < startUs[Int($1)] }
        }
        heads.append(Head(block: block))
    }

    /// The rows of a head up to the first that another, or a segment not yet open, might precede.
    private func take(from index: Int) -> BlockWindow {
        var bound: Int64?
        for other in heads.indices where other != index { bound = nearer(bound, heads[other].startUs) }
        if let entry = entries.last {
            bound = nearer(bound, descending ? entry.zone.lastStartUs : entry.zone.firstStartUs)
        }
        var head = heads[index]
        let from = head.position
        head.position += 1
        while head.position < head.block.selected, bound.map({ !precedes($0, head.startUs) }) ?? true {
            head.position += 1
        }
        let window = BlockWindow(block: head.block, positions: from..<head.position)
        if head.position < head.block.selected {
            heads[index] = head
        } else {
            heads.remove(at: index)
            // The window still shows this block; it is filled again at the earliest when the next is asked for.
            idle.append(head.block)
        }
        return window
    }

    private func nearer(_ left: Int64?, _ right: Int64) -> Int64 {
        guard let left else { return right }
        return precedes(left, right) ? left : right
    }
}
