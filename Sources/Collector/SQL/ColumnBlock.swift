import Retry

/// A stretch of rows as columns of integers, with those rows that are wanted. Its memory is used again and again.
final class ColumnBlock {
    /// A column's values; `nil` for a column that was not asked for.
    let columns: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>
    /// The wanted rows, ascending or in the order asked for.
    private(set) var selection: UnsafeMutablePointer<Int32>
    /// How many are wanted.
    var selected = 0
    /// Row 0's number in SQL, where the rows are numbered through.
    private(set) var firstNumber: Int64 = 0
    private var numbers: UnsafeMutablePointer<Int64>?
    private var hasOwnNumbers = false
    let width: Int
    private(set) var capacity: Int

    init(width: Int, capacity: Int) {
        self.width = width
        self.capacity = capacity
        columns = .allocate(capacity: width)
        columns.initialize(repeating: nil, count: width)
        selection = .allocate(capacity: capacity)
    }

    deinit {
        for index in 0..<width { columns[index]?.deallocate() }
        columns.deallocate()
        selection.deallocate()
        numbers?.deallocate()
    }

    /// Makes room for rows; what the block held is gone.
    func reserve(_ rows: Int) {
        guard rows > capacity else { return }
        capacity = rows
        for index in 0..<width where columns[index] != nil {
            columns[index]?.deallocate()
            columns[index] = .allocate(capacity: rows)
        }
        selection.deallocate()
        selection = .allocate(capacity: rows)
        if numbers != nil {
            numbers?.deallocate()
            numbers = .allocate(capacity: rows)
        }
    }

    /// A column's place, made if need be.
    func column(_ index: Int) -> UnsafeMutablePointer<Int64> {
        if let there = columns[index] { return there }
        let made = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
        columns[index] = made
        return made
    }

    /// Numbers the rows through.
    func number(from first: Int64) {
        firstNumber = first
        hasOwnNumbers = false
    }

    /// Gives each row a number of its own.
    func number(_ own: some Sequence<Int64>) {
        let place = numbers ?? .allocate(capacity: capacity)
        numbers = place
        hasOwnNumbers = true
        for (row, number) in own.enumerated() { place[row] = number }
    }

    /// The numbers of the rows in SQL, where they are not numbered through.
    var ownNumbers: UnsafePointer<Int64>? { hasOwnNumbers ? UnsafePointer(numbers) : nil }

    /// Keeps the selected rows whose value is wanted.
    @inline(__always)
    func keep(_ index: Int, where isWanted: (Int64) -> Bool) {
        let values = column(index)
        var kept = 0
        for position in 0..<selected {
            let row = selection[position]
            selection[kept] = row
            kept += isWanted(values[Int(row)]) ? 1 : 0
        }
        selected = kept
    }

    /// Forgets the rows and makes room for others.
    func clear(for rows: Int) {
        reserve(rows)
        selected = 0
        hasOwnNumbers = true
    }

    /// Adds a row, cell by cell.
    func add(_ cells: [Int64]) {
        if selected == capacity { grow() }
        for (index, cell) in cells.enumerated() { column(index)[selected] = cell }
        selection[selected] = Int32(truncatingIfNeeded: selected)
        selected += 1
    }

    /// Makes room for twice as many rows and keeps what is there.
    private func grow() {
        let larger = max(256, 2 * capacity)
        for index in 0..<width {
            guard let old = columns[index] else { continue }
            columns[index] = .allocate(capacity: larger)
            columns[index]?.update(from: old, count: selected)
            old.deallocate()
        }
        let old = selection
        selection = .allocate(capacity: larger)
        selection.update(from: old, count: selected)
        old.deallocate()
        if let oldNumbers = numbers {
            let place = UnsafeMutablePointer<Int64>.allocate(capacity: larger)
            place.update(from: oldNumbers, count: selected)
            oldNumbers.deallocate()
            numbers = place
        }
        capacity = larger
    }

    /// Adds the rows at positions of another block's selection, if need be with their numbers; gives the positions
    /// they got.
    func append(
        _ other: ColumnBlock, _ positions: Range<Int>, columns: ColumnSet, hasNumbers: Bool
    ) -> Range<Int> {
        let start = selected
        while selected + positions.count > capacity { grow() }
        for index in 0..<width where columns.rawValue >> UInt32(index) & 1 == 1 {
            guard let from = other.columns[index] else { continue }
            let to = column(index) + start - positions.lowerBound
            for position in positions { to[position] = from[Int(other.selection[position])] }
        }
        if hasNumbers {
            let place = numbers ?? .allocate(capacity: capacity)
            numbers = place
            for position in positions {
                let row = Int(other.selection[position])
                place[start + position - positions.lowerBound] =
                    other.ownNumbers.map { $0[row] } ?? other.firstNumber + Int64(row)
            }
        }
        select(start..<start + positions.count)
        return start..<selected
    }

    /// Puts a part of the selection in order of the outcomes; `give` is told which outcome of `order` is where.
    func sort(_ positions: Range<Int>, by order: [Int], give: (Int, Range<Int>) -> Void) {
        let outcomes = column(Column.outcome.index)
        let rows = Array(UnsafeBufferPointer(start: selection + positions.lowerBound, count: positions.count))
        var counts = Array(repeating: 0, count: order.count)
        for row in rows { counts[Int(outcomes[Int(row)])] += 1 }
        var places = counts
        var place = positions.lowerBound
        for (number, outcome) in order.enumerated() {
            places[outcome] = place
            if counts[outcome] > 0 { give(number, place..<place + counts[outcome]) }
            place += counts[outcome]
        }
        for row in rows {
            let outcome = Int(outcomes[Int(row)])
            selection[places[outcome]] = row
            places[outcome] += 1
        }
    }

    func select(_ rows: Range<Int>) {
        for row in rows {
            selection[selected] = Int32(truncatingIfNeeded: row)
            selected += 1
        }
    }
}

/// Wanted rows of a block that come next.
struct BlockWindow {
    var block: ColumnBlock
    /// Positions in the block's selection.
    var positions: Range<Int>
}

/// Where a cursor's rows come from, window by window; `nil` at the end.
protocol BlockSource: AnyObject {
    func next() throws(StoreError) -> BlockWindow?
}
