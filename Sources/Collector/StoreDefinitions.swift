/// What the store's tables, indexes and views are defined as, held against what this version defines.
///
/// SQLite's pages have no checksum. One wrong bit in a definition can give a column another name, or a view another
/// sum.
enum StoreDefinitions {
    private struct Key: Hashable, Sendable {
        var type: String
        var name: String
    }

    private struct Definition: Equatable, Sendable {
        var table: String
        var sql: String
    }

    private typealias Schema = [Key: Definition]

    /// SQLite keeps definitions in a form of its own, so it is asked for that of an empty store.
    private static let expected: Result<Schema, StoreError> = {
        do throws(StoreError) {
            let connection = try Connection(path: ":memory:", access: .create)
            try connection.execute(StoreSchema.tables)
            try connection.execute(HistoryTable.schema)
            return .success(try read(connection))
        } catch {
            return .failure(error)
        }
    }()

    /// Views of format 2 as they were first: their bounds of the outermost bins were those of the others.
    private static let earlierViews: Set<UInt64> = [0x5F66_0FBA_E16D_7BBF]

    private static func read(_ connection: Connection) throws(StoreError) -> Schema {
        let statement = try connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")
        var found: Schema = [:]
        while try statement.step() {
            found[Key(type: statement.text(0), name: statement.text(1))] = Definition(
                table: statement.text(2), sql: statement.text(3))
        }
        return found
    }

    /// What is not defined as it was, in one line each; what others have added is theirs.
    ///
    /// - Parameter views: whether to look at views, which hold nothing, or at all else.
    static func faults(on connection: Connection, views: Bool) throws(StoreError) -> [String] {
        let found = try read(connection)
        let version = try connection.integer("PRAGMA user_version")
        return try expected.get().filter { key, definition in
            if (key.type == "view") != views { return false }
            guard let there = found[key] else { return version >= 2 || !Self.isOfFormatTwo(definition) }
            return there != definition && !(views && earlierViews.contains(XXH64.hash(there.sql)))
        }.map { key, _ in
            "\(key.type) \(key.name) is \(found[key] == nil ? "gone" : "not defined as it was made")"
        }.sorted()
    }

    private static func isOfFormatTwo(_ definition: Definition) -> Bool {
        ["ledger", "route_host", "hour_summary", "hour_dropped"].contains(definition.table)
            || definition.table.hasPrefix("history")
    }

    /// Fails unless the tables and indexes are defined as they were made.
    static func requireTables(on connection: Connection) throws(StoreError) {
        guard let fault = try faults(on: connection, views: false).first else { return }
        throw StoreError(
            .damaged, path: connection.path, "\(fault), so nothing in it can be trusted; go back to a copy")
    }

    /// Fails unless the views are defined as they were made, where a statement reads one or what they are about.
    static func requireViews(among read: Set<String>, on connection: Connection) throws(StoreError) {
        guard read.contains(where: { $0.hasPrefix("history") || $0.hasPrefix("hour_") }),
            let fault = try faults(on: connection, views: true).first
        else { return }
        throw StoreError(
            .damaged, path: connection.path,
            "\(fault), so what it shows cannot be trusted; 'meantime store compact' makes it anew")
    }

    /// Makes the views anew where they are not this version's; they hold nothing.
    static func renewViews(on connection: Connection) throws(StoreError) {
        let wanted = try expected.get().filter { $0.key.type == "view" }
        let found = try read(connection)
        if wanted.allSatisfy({ found[$0.key] == $0.value }) { return }
        try connection.execute("BEGIN IMMEDIATE")
        do throws(StoreError) {
            for (key, definition) in wanted {
                // Whatever has the name, for a view of a wrong type could not be dropped as one.
                try connection.execute("DROP VIEW IF EXISTS \(key.name); \(definition.sql)")
            }
            try connection.execute("COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }
}
