extension AttemptStore {
    /// The tables that a query may ask, with their columns.
    public static var queryTables: [(name: String, columns: [String])] {
        SQLTables.outline.map { ($0.name, $0.columns.map(\.name)) }
    }

    /// Answers one SQL statement that only reads.
    ///
    /// `docs/sql.md` describes the tables `attempts`, `requests`, `outages` and `failures_by_route` and the functions
    /// `iso` and `quantile`. Conditions that a table takes over spare segments and rows, and only the columns that are
    /// used are decoded.
    ///
    /// - Throws: `StoreError` `sql` with SQLite's message and the offset in the text; what is not a single
    ///   statement that reads is refused.
    public func query(_ sql: String) throws(StoreError) -> QueryResult {
        var rows: [[QueryValue]] = []
        let (columns, damage) = try run(sql) { values in
            rows.append(values)
            return true
        }
        return QueryResult(columns: columns, rows: rows, damage: damage)
    }

    /// As `query(_:)`, giving the rows one at a time with bounded memory.
    ///
    /// - Parameters:
    ///   - onColumns: is told the names of the columns before the first row.
    ///   - onRow: is given each row; what it throws ends the query.
    public func query(
        _ sql: String, onColumns: ([String]) throws -> Void, onRow: ([QueryValue]) throws -> Void
    ) throws -> ScanReport {
        var failure: (any Error)?
        var rows = 0
        let (_, damage) = try run(
            sql,
            onColumns: { names in
                do { try onColumns(names) } catch { failure = error }
                return failure == nil
            }
        ) { values in
            do {
                try onRow(values)
                rows += 1
            } catch {
                failure = error
            }
            return failure == nil
        }
        if let failure { throw failure }
        return ScanReport(rows: rows, damage: damage)
    }

    /// The statement, allowed to read only, once what it reads by itself was checked. The virtual tables check what
    /// they read as they go, and go on without what is damaged.
    private func prepare(
        _ sql: String, _ reader: StoreReader, _ view: StoreView
    ) throws(StoreError) -> Statement {
        // Planning must not read the store any more: that would be taken for the statement's doing.
        view.keepOutline()
        let read = Connection.TablesRead()
        defer { withExtendedLifetime(read) {} }
        reader.connection.allowReadingOnly(noting: read)
        let statement = try reader.connection.prepareOnly(sql)
        reader.connection.allowAll()
        for table in read.names.sorted() { try reader.require(table: table) }
        try StoreDefinitions.requireViews(among: read.names, on: reader.connection)
        reader.connection.allowReadingOnly()
        return statement
    }

    /// Each closure tells whether to go on.
    private func run(
        _ sql: String, onColumns: ([String]) -> Bool = { _ in true }, onRow: ([QueryValue]) -> Bool
    ) throws(StoreError) -> (columns: [String], damage: [SegmentDamage]) {
        // A connection of its own: a person's statement may run for long and must not meet the settings of others.
        let reader = try StoreReader(path: path, cache: cache)
        let tables = SQLTables(reader, isOurs: true)
        try tables.register()
        // One state of the store for the whole statement, also where it walks over the table twice.
        try reader.begin()
        let statement = try prepare(sql, reader, tables.view)
        let columns = statement.columnNames
        var goOn = onColumns(columns)
        while goOn, try statement.step() {
            goOn = onRow(columns.indices.map { statement.value($0) })
        }
        let damage = tables.view.damage
        note(damage)
        return (columns, damage)
    }
}
