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

    /// Each closure tells whether to go on.
    private func run(
        _ sql: String, onColumns: ([String]) -> Bool = { _ in true }, onRow: ([QueryValue]) -> Bool
    ) throws(StoreError) -> (columns: [String], damage: [SegmentDamage]) {
        // A connection of its own: a person's statement may run for long and must not meet the settings of others.
        let session = try QuerySession(path: path, cache: cache)
        let columns = try session.run(sql, onColumns: onColumns, onRow: onRow)
        note(session.damage)
        return (columns, session.damage)
    }
}
