/// A connection of our own on which people's statements run, one after the other.
final class QuerySession {
    private let reader: StoreReader
    let tables: SQLTables

    init(path: String, cache: SegmentCache) throws(StoreError) {
        reader = try StoreReader(path: path, cache: cache)
        tables = SQLTables(reader, isOurs: true)
        try tables.register()
    }

    /// What the statements so far could not read.
    var damage: [SegmentDamage] { tables.view.damage }

    /// Runs a statement that only reads; each closure tells whether to go on.
    ///
    /// - Returns: the names of its columns.
    func run(
        _ sql: String, onColumns: ([String]) -> Bool = { _ in true }, onRow: ([QueryValue]) -> Bool
    ) throws(StoreError) -> [String] {
        // One state of the store for the whole statement, also where it walks over the table twice.
        try reader.begin()
        defer {
            reader.connection.allowAll()
            reader.end()
        }
        let statement = try prepare(sql)
        let columns = statement.columnNames
        var goOn = onColumns(columns)
        while goOn, try statement.step() {
            goOn = onRow(columns.indices.map { statement.value($0) })
        }
        return columns
    }

    /// The statement, allowed to read only, once what it reads by itself was checked. The virtual tables check what
    /// they read as they go, and go on without what is damaged.
    private func prepare(_ sql: String) throws(StoreError) -> Statement {
        // Planning must not read the store any more: that would be taken for the statement's doing.
        tables.view.keepOutline()
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
}
