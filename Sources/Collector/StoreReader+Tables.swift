extension StoreReader {
    /// Fails unless a table of the store holds what was written: who reads it by a statement of his own sees neither
    /// digests nor the ledger. The columns of segments are checked by the tables that decode them.
    func require(table: String) throws(StoreError) {
        if Self.tables.contains(table) { try requireValues(table) }
        switch table {
        case "route", "host", "method", "route_host": _ = try names()
        case "tail":
            if let damage = try tail(names: names()).damage.first { throw damaged("\(damage)") }
        case "segment":
            if let entry = try segments(RowFilter()).first(where: { !$0.isSound }) {
                throw damaged("\(entry.damage(entry.fault))")
            }
        case "dropped": _ = try dropped(RowFilter())
        case "rule_set": _ = try ruleSets()
        case "hour_summary":
            try HistoryTable.requireSummaries(on: connection)
            try ledger()?.require(Ledger.account(of: .history, on: connection), .history, path: connection.path)
        case "hour_dropped":
            try HistoryTable.requireDrops(on: connection)
            try ledger()?.require(
                Ledger.account(of: .historyDropped, on: connection), .historyDropped, path: connection.path)
        default: break
        }
    }

    private static let tables: Set<String> = [
        "route", "host", "method", "route_host", "tail", "segment", "dropped", "rule_set", "hour_summary",
        "hour_dropped",
    ]

    /// Which columns are not numbers.
    private static let texts: Set<String> = ["name", "reason", "latency", "who", "why", "yaml"]

    /// Every value is of its kind. One wrong bit makes a 0 null or an empty blob, which a digest of numbers takes for 0
    /// (https://sqlite.org/fileformat2.html#record_format: serial types 8, 10 and 12).
    private func requireValues(_ table: String) throws(StoreError) {
        let statement = try connection.prepare("SELECT * FROM main.\(table)")
        let columns = statement.columnNames
        while try statement.step() {
            let wrong = columns.indices.first { index in
                switch columns[index] {
                case "data": false
                case let name where Self.texts.contains(name): !statement.isText(index)
                default: !statement.isInteger(index)
                }
            }
            if let wrong { throw damaged("a value of column \(columns[wrong]) of table \(table) is damaged") }
        }
    }

    private func damaged(_ what: String) -> StoreError { StoreError(.damaged, path: connection.path, what) }
}
