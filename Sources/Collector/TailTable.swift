/// The row-oriented end of the store, where attempts wait to be sealed.
enum TailTable {
    static let columns = Column.allCases.map(\.name).joined(separator: ", ")

    /// What `read` expects of a SELECT.
    static let everything = "\(columns), fingerprint, id"

    /// Reads `everything`, with the row ids beside the rows; a row that is not what was written is left out and told.
    static func read(
        _ statement: Statement, names: Names
    ) throws(StoreError) -> (rows: Rows, ids: [Int64], damage: [SegmentDamage]) {
        var rows = Rows()
        var ids: [Int64] = []
        var damaged: SegmentDamage?
        while try statement.step() {
            rows.append { statement.integer($0) }
            let row = rows.count - 1
            let isSound =
                rows.isValid(row, names: names)
                && Int64(bitPattern: Fingerprint.of(row: row, in: rows, names: names))
                    == statement.integer(Column.allCases.count)
            if isSound {
                ids.append(statement.integer(Column.allCases.count + 1))
                continue
            }
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
        return (rows, ids, damaged.map { [$0] } ?? [])
    }
}
