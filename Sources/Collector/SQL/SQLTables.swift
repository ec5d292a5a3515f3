/// All that a connection gets to ask a store with.
final class SQLTables {
    let view: StoreView
    private let tables: [BlockTable]

    /// The tables' names and columns.
    static let outline: [(name: String, columns: [(name: String, kind: CellKind)])] = [
        ("attempts", AttemptsTable.columns), ("requests", RequestsTable.columns),
        ("outages", OutagesTable.columns), ("failures_by_route", FailuresByRouteTable.columns),
    ]

    /// - Parameter isOurs: the connection is our own; statements go on without what is damaged, and `view` collects it.
    ///   Otherwise damage ends a statement, because nobody could be told of it at its end.
    init(_ reader: StoreReader, isOurs: Bool) {
        view = StoreView(reader, isOurs: isOurs, skipsDamage: isOurs)
        tables = [
            AttemptsTable(view: view), RequestsTable(view: view), OutagesTable(view: view),
            FailuresByRouteTable(view: view),
        ]
    }

    /// Makes the tables known to the reader's connection; good for as long as this object lives.
    func register() throws(StoreError) {
        try SQLFunctions.register(on: view.reader.connection)
        for table in tables {
            try table.register(isKept: false)
            // SQLite makes a table at its first use, by a CREATE TABLE that `allowReadingOnly` would refuse later.
            _ = try view.reader.connection.prepare("SELECT 1 FROM \(table.name)")
        }
    }

    /// Makes them known to a connection that is not ours, which keeps them until it closes.
    func give() throws(StoreError) {
        try SQLFunctions.register(on: view.reader.connection)
        try SQLFunctions.registerDamage(on: view)
        for table in tables { try table.register(isKept: true) }
    }
}

/// The tables and functions of a store on a SQLite connection that another program opened.
public enum StoreTables {
    /// Makes `attempts`, `requests`, `outages`, `failures_by_route` and the functions known to a connection, until it
    /// closes. They read its main database through it, which must be a store by the time that one of them is used.
    ///
    /// - Parameter connection: an open `sqlite3 *`.
    /// - Throws: `StoreError` when SQLite refuses, for instance while a statement uses an earlier registration.
    public static func register(on connection: OpaquePointer) throws(StoreError) {
        let reader = StoreReader(borrowing: Connection(borrowing: connection), cache: SegmentCache(limit: 32 << 20))
        do throws(StoreError) {
            try SQLTables(reader, isOurs: false).give()
        } catch  where error.code == .busy {
            throw StoreError(
                .busy, path: error.path, "a statement still uses what was loaded before; end it, then load again")
        }
    }
}
