extension StoreReader {
    /// Fails unless a table of the store and its indexes hold what was written: who reads it by a statement of his own
    /// sees neither digests nor the ledger. The columns of segments are checked by the tables that decode them.
    func require(table: String) throws(StoreError) {
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
        case "ledger":
            let ledger = try ledger()
            if let part = Ledger.Part.allCases.first(where: { ledger?[$0] == nil }) {
                throw damaged("the ledger's line about \(part.name) is damaged")
            }
        case "hour_summary":
            try HistoryTable.requireSummaries(on: connection)
            try ledger()?.require(Ledger.account(of: .history, on: connection), .history, path: connection.path)
        case "hour_dropped":
            try HistoryTable.requireDrops(on: connection)
            try ledger()?.require(
                Ledger.account(of: .historyDropped, on: connection), .historyDropped, path: connection.path)
        default: return
        }
        try requireValues(table)
        try requireOrder(table)
    }

    /// Which columns are not numbers.
    private static let texts: Set<String> = ["name", "reason", "latency", "who", "why", "yaml"]

    /// Every value is of its kind. One wrong bit makes a 0 null or an empty blob, which a digest of numbers takes for 0
    /// (https://sqlite.org/fileformat2.html#record_format: serial types 8, 10 and 12).
    private func requireValues(_ table: String) throws(StoreError) {
        // Data of segments is long, and under a digest of its own.
        var columns: [String] = []
        let outline = try connection.prepare("SELECT name FROM pragma_table_info('\(table)') WHERE name <> 'data'")
        while try outline.step() { columns.append(outline.text(0)) }
        let statement = try connection.prepare("SELECT \(columns.joined(separator: ", ")) FROM main.\(table)")
        while try statement.step() {
            let wrong = columns.indices.first { index in
                Self.texts.contains(columns[index]) ? !statement.isText(index) : !statement.isInteger(index)
            }
            if let wrong { throw damaged("a value of column \(columns[wrong]) of table \(table) is damaged") }
        }
    }

    /// Rows are found by keys and by indexes, which a walk over the table does not meet; SQLite holds them against each
    /// other.
    private func requireOrder(_ table: String) throws(StoreError) {
        let statement = try connection.prepare("PRAGMA main.integrity_check('\(table)')")
        while try statement.step() {
            let line = statement.text(0)
            if line != "ok" {
                throw damaged("table \(table): \(line.split(whereSeparator: \.isNewline).joined(separator: "; "))")
            }
        }
    }

    private func damaged(_ what: String) -> StoreError { StoreError(.damaged, path: connection.path, what) }
}
