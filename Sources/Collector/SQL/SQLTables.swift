/// All that a connection gets to ask a store with.
final class SQLTables {
    let view: StoreView
    private let tables: [BlockTable]

    /// - Parameter skipsDamage: statements go on without what is damaged, and `view` collects it.
    init(_ reader: StoreReader, skipsDamage: Bool) {
        view = StoreView(reader, skipsDamage: skipsDamage)
        tables = [AttemptsTable(view: view)]
    }

    /// Makes the tables known to the reader's connection; good for as long as this object lives.
    func register() throws(StoreError) {
        for table in tables {
            try table.register(isKept: false)
            // SQLite makes a table at its first use, by a CREATE TABLE that `allowReadingOnly` would refuse later.
            _ = try view.reader.connection.prepare("SELECT 1 FROM \(table.name)")
        }
    }
}
