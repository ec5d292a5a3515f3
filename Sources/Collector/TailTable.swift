/// The row-oriented end of the store, where attempts wait to be sealed.
enum TailTable {
    static let columns = Column.allCases.map(\.name).joined(separator: ", ")

    /// Reads rows whose columns come first and whose fingerprint comes last; a row that is not what was written is left
    /// out and told.
    static func read(_ statement: Statement, names: Names) throws(StoreError) -> (Rows, [SegmentDamage]) {
        var rows = Rows()
        var damaged: SegmentDamage?
        while try statement.step() {
            rows.append { statement.integer($0) }
            let row = rows.count - 1
            let isSound =
                rows.isValid(row, names: names)
                && Int64(bitPattern: Fingerprint.of(row: row, in: rows, names: names))
                    == statement.integer(Column.allCases.count)
            if isSound { continue }
            let startUs = rows[.startUs][row]
            rows.removeLast()
            var damage =
                damaged
                ?? SegmentDamage(
                    segment: 0, rows: 0, firstStartUs: startUs, lastStartUs: startUs, reason: "checksum of a row")
            damage.rows += 1
            damage.firstStartUs = min(damage.firstStartUs, startUs)
            damage.lastStartUs = max(damage.lastStartUs, startUs)
            damaged = damage
        }
        return (rows, damaged.map { [$0] } ?? [])
    }
}
