import Retry

/// The conditions that the table `attempts` takes over. They may keep too much, never too little: SQLite checks every
/// row again.
struct AttemptsFilter {
    /// A condition on one column: its value is one of these, ascending.
    struct OneOf {
        var column: Column
        var values: [Int64]

        func admits(_ value: Int64) -> Bool {
            if values.count < 8 { return values.contains(value) }
            var (low, high) = (0, values.count)
            while low < high {
                let middle = (low + high) / 2
                if values[middle] < value { low = middle + 1 } else { high = middle }
            }
            return low < values.count && values[low] == value
        }
    }

    var time = RowFilter()
    /// Codes, ascending; `nil`: every route.
    var routes: [Int64]?
    /// One bit an outcome, by raw value.
    var outcomes: UInt8 = Self.allOutcomes
    var others: [OneOf] = []

    static let outcomeCount = Outcome.allCases.count
    static let allOutcomes = UInt8(1 << outcomeCount - 1)

    /// Whether no row can be wanted.
    var isEmpty: Bool {
        let noTime = time.fromUs.flatMap { from in time.toUs.map { from >= $0 } } ?? false
        return noTime || routes?.isEmpty ?? false || outcomes == 0 || others.contains { $0.values.isEmpty }
    }

    func admits(route code: Int64) -> Bool {
        guard let routes else { return true }
        return OneOf(column: .route, values: routes).admits(code)
    }

    /// Whether a segment can hold wanted rows. One whose zone map is damaged can.
    func canMatch(_ entry: SegmentEntry) -> Bool {
        if !entry.isSound { return true }
        let zone = entry.zone
        if zone.lastStartUs < time.lowUs { return false }
        if let toUs = time.toUs, zone.firstStartUs >= toUs { return false }
        if let routes, !routes.contains(where: { $0 >= zone.minRoute && $0 <= zone.maxRoute }) { return false }
        return zone.outcomes.enumerated().contains { $1 > 0 && outcomes >> UInt8($0) & 1 == 1 }
    }

    /// Whether every row of a segment lies in the filter's time.
    func covers(_ zone: ZoneMap) -> Bool {
        zone.firstStartUs >= time.lowUs && time.toUs.map { zone.lastStartUs < $0 } ?? true
    }

    /// The columns that must be decoded to check the rows one by one.
    var checkedColumns: [Column] {
        (outcomes == Self.allOutcomes ? [] : [.outcome]) + others.map(\.column)
    }

    /// Keeps the rows of a block that pass; `checkedColumns` are there.
    func narrow(_ block: ColumnBlock) {
        if outcomes != Self.allOutcomes {
            let mask = UInt64(outcomes)
            block.keep(Column.outcome.index) { mask >> UInt64(truncatingIfNeeded: $0) & 1 == 1 }
        }
        for other in others {
            if other.values.count == 1 {
                let value = other.values[0]
                block.keep(other.column.index) { $0 == value }
            } else {
                block.keep(other.column.index) { other.admits($0) }
            }
        }
    }
}
