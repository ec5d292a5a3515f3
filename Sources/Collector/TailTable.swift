/// The row-oriented end of the store, where attempts wait to be sealed.
enum TailTable {
    static let columns = Column.allCases.map(\.name).joined(separator: ", ")

    /// What `read` expects of a SELECT.
    static let everything = "\(columns), fingerprint, id"

    /// All rows of the tail, which are what the ledger says.
    struct Checked {
        var account: LedgerAccount
        var rows: Rows
        var ids: [Int64]
    }

    /// What the ledger must say of sound rows.
    static func account(of rows: Rows, names: Names) -> LedgerAccount {
        var account = LedgerAccount()
        for row in 0..<rows.count { account.add(Fingerprint.of(row: row, in: rows, names: names), attempts: 1) }
        return account
    }

    /// What is damaged: rows that were found to be, and rows that the ledger knows of and that are not there.
    static func damage(_ found: [SegmentDamage], _ tail: Checked, ledger: Ledger) -> [SegmentDamage] {
        guard let fault = ledger.objection(to: tail.account, .tail) else { return found }
        let broken = found.reduce(0) { $0 + $1.rows }
        let missing = ledger[.tail].map { Int(clamping: $0.rows - tail.account.rows) } ?? 0
        if broken > 0, missing == broken { return found }
        let times = tail.rows[.startUs]
        var damage =
            found.first
            ?? SegmentDamage(
                segment: 0, rows: 0, firstStartUs: times.min() ?? 0, lastStartUs: times.max() ?? 0, reason: fault)
        damage.rows = max(broken, missing)
        damage.reason = fault
        return [damage]
    }

    /// Reads `everything` in order of the ids, with the row ids beside the rows; a row that is not what was written is
    /// left out and told.
    static func read(
        _ statement: Statement, names: Names
    ) throws(StoreError) -> (rows: Rows, ids: [Int64], damage: [SegmentDamage]) {
        var rows = Rows()
        var ids: [Int64] = []
        var last: Int64 = .min
        var damaged: SegmentDamage?
        while try statement.step() {
            rows.append { statement.integer($0) }
            let row = rows.count - 1
            let id = statement.integer(Column.allCases.count + 1)
            // A damaged page can lead to its neighbours twice.
            let isSound =
                id > last && rows.isValid(row, names: names)
                && Int64(bitPattern: Fingerprint.of(row: row, in: rows, names: names))
                    == statement.integer(Column.allCases.count)
            last = max(last, id)
            if isSound {
                ids.append(id)
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
