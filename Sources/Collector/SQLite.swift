import CSQLite

/// One connection to a SQLite file. With `AttemptsTable` this is all that knows SQLite's C interface.
///
/// Opened with SQLITE_OPEN_FULLMUTEX: SQLite serialises the calls on a handle, so the handle may cross threads.
final class Connection: Sendable {
    nonisolated(unsafe) let handle: OpaquePointer
    let path: String

    private let access: Access

    enum Access { case readOnly, immutable, readWrite, create, borrowed }

    init(path: String, access: Access, busyTimeoutMs: Int32 = 5_000) throws(StoreError) {
        let flags =
            switch access {
            case .readOnly: SQLITE_OPEN_READONLY
            case .immutable: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            case .readWrite: SQLITE_OPEN_READWRITE
            case .create, .borrowed: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        var opened: OpaquePointer?
        let name = access == .immutable ? ReadAccess.immutableURI(path: path) : path
        let code = sqlite3_open_v2(name, &opened, flags | SQLITE_OPEN_FULLMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw StoreError(.cannotOpen, path: path, "cannot be opened: \(reason)")
        }
        handle = opened
        self.path = path
        self.access = access
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, busyTimeoutMs)
    }

    /// A connection that somebody else opened and will close; its settings stay as they are.
    init(borrowing handle: OpaquePointer) {
        self.handle = handle
        let name = sqlite3_db_filename(handle, "main").map { String(cString: $0) } ?? ""
        path = name.isEmpty ? "main" : name
        access = .borrowed
    }

    deinit { if access != .borrowed { sqlite3_close_v2(handle) } }

    /// Runs statements that give no rows.
    func execute(_ sql: String) throws(StoreError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw error() }
    }

    func prepare(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw error() }
        return Statement(statement, of: self)
    }

    /// The first column of the first row, or 0.
    func integer(_ sql: String) throws(StoreError) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    /// The row id of the last row that was inserted.
    var lastRowID: Int64 { sqlite3_last_insert_rowid(handle) }

    /// The first column of the first row; `nil` when there is no row, or NULL in it.
    func optionalInteger(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try prepare(sql)
        return try statement.step() && statement.isInteger(0) ? statement.integer(0) : nil
    }

    /// What the last call on this connection complained about, as one of the store's errors.
    func error() -> StoreError {
        let code = sqlite3_extended_errcode(handle)
        let detail = String(cString: sqlite3_errmsg(handle))
        switch code & 0xFF {
        case SQLITE_FULL: return StoreError(.full, path: path, "the disk is full (\(detail)); nothing was written")
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StoreError(.busy, path: path, "another process holds the store (\(detail)); try again")
        case SQLITE_CORRUPT, SQLITE_NOTADB: return StoreError(.damaged, path: path, "the file is damaged: \(detail)")
        case SQLITE_READONLY where access == .readOnly:
            return StoreError(.cannotOpen, path: path, ReadAccess.refusal)
        case SQLITE_READONLY: return StoreError(.readOnly, path: path, "cannot be written: \(detail)")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
            return StoreError(.cannotOpen, path: path, "cannot be opened: \(detail)")
        case SQLITE_IOERR: return StoreError(.io, path: path, "the disk failed: \(detail) (code \(code))")
        case SQLITE_CONSTRAINT: return StoreError(.conflict, path: path, detail)
        default:
            let offset = sqlite3_error_offset(handle)
            return StoreError(.sql, path: path, detail, sqlOffset: offset >= 0 ? Int(offset) : nil)
        }
    }

    /// Allows nothing but reading from now on: no writes, no attached files, no settings.
    ///
    /// - Parameter tables: is told the tables that statements read; must stay until the next call.
    func allowReadingOnly(noting tables: TablesRead? = nil) {
        sqlite3_set_authorizer(
            handle,
            { noted, action, table, _, _, _ in
                switch action {
                case SQLITE_READ:
                    if let noted, let table {
                        Unmanaged<TablesRead>.fromOpaque(noted).takeUnretainedValue().names.insert(
                            String(cString: table))
                    }
                    return SQLITE_OK
                case SQLITE_SELECT, SQLITE_FUNCTION, SQLITE_RECURSIVE: return SQLITE_OK
                default: return SQLITE_DENY
                }
            }, tables.map { Unmanaged.passUnretained($0).toOpaque() })
    }

    /// Allows everything again.
    func allowAll() { sqlite3_set_authorizer(handle, nil, nil) }

    /// The tables that a statement reads, and its views with the tables behind them.
    final class TablesRead {
        fileprivate(set) var names: Set<String> = []
    }

    /// What a statement that may change something begins with.
    private static let changingWords: Set<String> = [
        "ALTER", "ANALYZE", "ATTACH", "BEGIN", "COMMIT", "CREATE", "DELETE", "DETACH", "DROP", "END", "INSERT",
        "PRAGMA",
        "REINDEX", "RELEASE", "REPLACE", "ROLLBACK", "SAVEPOINT", "UPDATE", "VACUUM",
    ]

    /// Prepares the one statement of a text written by a person; anything after it is an error.
    func prepareOnly(_ sql: String) throws(StoreError) -> Statement {
        let refusal = StoreError(.sql, path: path, "only a single SELECT is allowed here")
        // Refused by its first word, so that it does not matter whether what it would change exists.
        let start = sql.drop { $0.isWhitespace || $0 == ";" }
        if Self.changingWords.contains(start.prefix { $0.isLetter }.uppercased()) { throw refusal }
        var prepared: OpaquePointer?
        var rest = ""
        let code = sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            let code = sqlite3_prepare_v2(handle, text, -1, &prepared, &tail)
            rest = tail.map { String(cString: $0) } ?? ""
            return code
        }
        guard code == SQLITE_OK else {
            let failure = error()
            // A table of a module that cannot write is refused before the authorizer is asked.
            let isWrite = code & 0xFF == SQLITE_AUTH || failure.message.hasSuffix("may not be modified")
            throw isWrite ? refusal : failure
        }
        guard let prepared else { throw StoreError(.sql, path: path, "there is no statement; write SELECT …") }
        let statement = Statement(prepared, of: self)
        guard rest.allSatisfy({ $0.isWhitespace || $0 == ";" }) else {
            throw StoreError(
                .sql, path: path, "\(refusal.message); a second statement begins after the first ';'",
                sqlOffset: sql.utf8.count - rest.utf8.count)
        }
        guard sqlite3_stmt_readonly(prepared) != 0 else { throw refusal }
        return statement
    }
}

/// A prepared statement. Parameters count from 1 and columns from 0, as in SQLite.
final class Statement {
    private let handle: OpaquePointer
    private let connection: Connection
    // SQLite must copy: Swift's text and bytes live only during the call.
    static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    fileprivate init(_ handle: OpaquePointer, of connection: Connection) {
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(handle, index, value) }

    func bind(_ text: String, at index: Int32) {
        var text = text
        text.withUTF8 { bytes in
            // A nil base would bind NULL.
            guard let base = bytes.baseAddress, !bytes.isEmpty else {
                _ = sqlite3_bind_text(handle, index, "", 0, Self.transient)
                return
            }
            let chars = UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self)
            sqlite3_bind_text(handle, index, chars, Int32(bytes.count), Self.transient)
        }
    }

    func bind(_ bytes: [UInt8], at index: Int32) {
        bytes.withUnsafeBytes {
            _ = sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), Self.transient)
        }
    }

    /// Whether there is another row.
    func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let failure = connection.error()
            sqlite3_reset(handle)
            throw failure
        }
    }

    /// Runs a statement that gives no rows and makes it ready for the next.
    func run() throws(StoreError) {
        while try step() {}
        sqlite3_reset(handle)
    }

    func reset() { sqlite3_reset(handle) }

    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    func isInteger(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_INTEGER }

    func isText(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_TEXT }

    func text(_ column: Int) -> String {
        guard let start = sqlite3_column_text(handle, Int32(column)) else { return "" }
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, Int32(column))))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A copy of a blob with `padding` zero bytes behind it.
    func blob(_ column: Int, padding: Int) -> [UInt8] {
        let start = sqlite3_column_blob(handle, Int32(column))
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return [UInt8](unsafeUninitializedCapacity: count + padding) { buffer, filled in
            if let start, count > 0 {
                UnsafeMutableRawPointer(buffer.baseAddress!).copyMemory(from: start, byteCount: count)
            }
            for index in count..<count + padding { buffer[index] = 0 }
            filled = count + padding
        }
    }

    var columnNames: [String] {
        (0..<sqlite3_column_count(handle)).map { String(cString: sqlite3_column_name(handle, $0)) }
    }

    func value(_ column: Int) -> QueryValue {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(handle, Int32(column)))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(blob(column, padding: 0))
        default: .null
        }
    }
}
