import Glibc

/// The SQL side of a store, and what is checked before a file is taken for one. `docs/segment.md` tells of both.
enum StoreSchema {
    /// "Mean": tells a store from other applications' SQLite files.
    static let applicationID: Int64 = 0x4D65_616E
    /// Grows when an older Meantime could no longer read the file.
    static let version: Int64 = 2

    static let tables = """
        CREATE TABLE route (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL);
        CREATE TABLE host (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL);
        CREATE TABLE method (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL);
        CREATE TABLE tail (
          id INTEGER PRIMARY KEY, start_us INTEGER NOT NULL, duration_us INTEGER NOT NULL, route INTEGER NOT NULL,
          host INTEGER NOT NULL, request INTEGER NOT NULL, attempt INTEGER NOT NULL, wait_us INTEGER NOT NULL,
          outcome INTEGER NOT NULL, status INTEGER NOT NULL, is_grpc INTEGER NOT NULL, timeout_us INTEGER NOT NULL,
          retry_after_us INTEGER NOT NULL, method INTEGER NOT NULL, hedge INTEGER NOT NULL,
          rule_version INTEGER NOT NULL, fingerprint INTEGER NOT NULL);
        CREATE TABLE segment (
          id INTEGER PRIMARY KEY AUTOINCREMENT, rows INTEGER NOT NULL, first_start_us INTEGER NOT NULL,
          last_start_us INTEGER NOT NULL, min_route INTEGER NOT NULL, max_route INTEGER NOT NULL,
          success INTEGER NOT NULL, error_status INTEGER NOT NULL, rate_limited INTEGER NOT NULL,
          timeout INTEGER NOT NULL, connect_failure INTEGER NOT NULL, reset INTEGER NOT NULL,
          cancelled INTEGER NOT NULL, zone_digest INTEGER NOT NULL, data BLOB NOT NULL);
        CREATE INDEX segment_by_start ON segment (first_start_us, last_start_us);
        CREATE TABLE dropped (
          id INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, first_start_us INTEGER NOT NULL,
          last_start_us INTEGER NOT NULL, reason TEXT NOT NULL);
        CREATE TABLE rule_set (
          version INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
          yaml TEXT NOT NULL);
        \(Ledger.table)
        \(RouteHosts.table)
        """

    /// What the file's first bytes say, without SQLite: opening another application's file could change it.
    ///
    /// - Returns: whether there is a store already; `false` for a missing or an empty file, or an empty SQLite file.
    static func inspect(path: String) throws(StoreError) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw StoreError(.cannotOpen, path: path, "cannot be opened: \(SystemError.last())")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.notAStore, path: path, "is not a file; a store is one SQLite file")
        }
        if status.st_size == 0 { return false }
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw StoreError(.cannotOpen, path: path, "cannot be read: \(SystemError.last())")
        }
        defer { close(file) }
        var head = [UInt8](repeating: 0, count: 100)
        let count = read(file, &head, head.count)
        if try isUnfinished(path: path) { return false }
        guard count == head.count, head.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw StoreError(.notAStore, path: path, "is not a store: not a SQLite file")
        }
        // Another process is making the store this very moment, or was killed while it did: SQLite writes the head of
        // an empty file before its first table and before the identity.
        let isBlank = [44, 60, 68].allSatisfy { bigEndian(head, at: $0) == 0 }
        if isBlank { return false }
        try require(applicationID: bigEndian(head, at: 68), version: bigEndian(head, at: 60), path: path)
        if let damage = try WriteAheadLog.damage(store: path) {
            throw StoreError(
                .damaged, path: path + "-wal",
                "is damaged at byte \(damage.offset), and SQLite would forget all that was written after it; keep a copy, "
                    + "then 'truncate -s \(damage.soundEnd) \(path)-wal' goes on with what was written before")
        }
        return true
    }

    /// Whether the making of a SQLite file was cut off: its journal, which SQLite will roll back at the next opening,
    /// began with no page (https://sqlite.org/fileformat2.html#the_rollback_journal).
    private static func isUnfinished(path: String) throws(StoreError) -> Bool {
        let file = Glibc.open(path + "-journal", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var head = [UInt8](repeating: 0, count: 28)
        let magic: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]
        return read(file, &head, head.count) == head.count && head.starts(with: magic) && bigEndian(head, at: 16) == 0
    }

    /// Makes the tables, unless another process was quicker.
    static func create(on connection: Connection) throws(StoreError) {
        // These two must be set before the first table exists; a store that exists ignores them.
        try connection.execute("PRAGMA page_size = 8192")
        // The identity is written before write-ahead logging begins, so it always stands in the file's first bytes. All
        // in one transaction: auto_vacuum writes too, and whoever is cut off after it leaves a file that is no store.
        // An EXCLUSIVE one would come too late for auto_vacuum, for it makes the first page.
        try connection.execute("BEGIN")
        do throws(StoreError) {
            try connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            if try connection.integer("SELECT count(*) FROM sqlite_schema") == 0 {
                try connection.execute(tables)
                try connection.execute(HistoryTable.schema)
                try Ledger.count(on: connection)
                try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
            }
            try connection.execute("COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    /// Brings a store of an earlier version up to this one. Before version 2 there was no ledger and hosts
    /// had no places; segments stay as they are.
    static func upgrade(on connection: Connection) throws(StoreError) {
        guard try connection.integer("PRAGMA user_version") < version else { return }
        try connection.execute("BEGIN IMMEDIATE")
        do throws(StoreError) {
            // Another process may have been quicker.
            if try connection.integer("PRAGMA user_version") < 2 {
                try connection.execute(Ledger.table + RouteHosts.table)
                try connection.execute(HistoryTable.schema)
                try Ledger.count(on: connection)
            }
            try connection.execute("PRAGMA user_version = \(version)")
            try connection.execute("COMMIT")
        } catch {
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    /// The same as `inspect`, from inside: a newer version may still stand in the write-ahead log; and whether the
    /// tables are defined as they were made.
    static func verify(on connection: Connection) throws(StoreError) {
        try require(
            applicationID: try connection.integer("PRAGMA application_id"),
            version: try connection.integer("PRAGMA user_version"), path: connection.path)
        try StoreDefinitions.requireTables(on: connection)
    }

    private static func require(applicationID found: Int64, version: Int64, path: String) throws(StoreError) {
        guard found == applicationID else {
            throw StoreError(.notAStore, path: path, "is not a store: a SQLite file of another application")
        }
        guard version <= Self.version else {
            throw StoreError(
                .newerVersion, path: path,
                "was written by a newer Meantime (store format \(version), this one reads up to \(Self.version)); "
                    + "upgrade"
            )
        }
        guard version >= 1 else { throw StoreError(.damaged, path: path, "has no store format number") }
    }

    private static func bigEndian(_ bytes: [UInt8], at offset: Int) -> Int64 {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int64($1) }
    }
}
