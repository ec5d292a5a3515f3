public import Retry
import Glibc
import Synchronization

/// The store: one SQLite file with a row-oriented tail for fresh attempts and columnar, checksummed segments for the
/// rest.
///
/// Calls are synchronous and safe from any thread. One connection writes; readers have their own and never block it, in
/// this process or another. `docs/segment.md` describes the file.
public final class AttemptStore: AttemptSource, Sendable {
    /// What the store is opened for.
    public enum Mode: Sendable {
        /// Reads and writes; makes the store when there is none.
        case readWrite
        /// Reads only; the store must exist.
        case readOnly
    }

    /// Tail rows after which `append` seals by itself.
    public static let defaultSealAfterRows = 65_536

    /// The file.
    public let path: String
    let sealAfterRows: Int
    let cache = SegmentCache(limit: 32 << 20)
    private let writer: Mutex<StoreWriter?>
    private let idle = Mutex<[StoreReader]>([])
    private let seen = Mutex<[Int64: SegmentDamage]>([:])
    private let registration: OpenStores.Registration

    private init(
        path: String, sealAfterRows: Int, writer: sending StoreWriter?, _ registration: OpenStores.Registration
    ) {
        self.path = path
        self.registration = registration
        self.sealAfterRows = max(1, sealAfterRows)
        self.writer = Mutex(writer)
    }

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - path: the file; its directory must exist.
    ///   - mode: `.readWrite` makes the store when there is none.
    ///   - sealAfterRows: how many rows wait in the tail before `append` seals them; 1 ... 131,072 is sensible.
    /// - Throws: `StoreError` when there is nothing to open, or when the file is not SQLite, another application's, a
    ///   newer Meantime's, or cannot be written. Nothing is changed on disk then.
    public static func open(
        path: String, mode: Mode, sealAfterRows: Int = AttemptStore.defaultSealAfterRows
    ) throws(StoreError) -> AttemptStore {
        let turn = mode == .readOnly ? -1 : takeTurn(path: path)
        defer { if turn >= 0 { Glibc.close(turn) } }
        let make: (() throws(StoreError) -> Void)? =
            mode == .readOnly ? nil : { () throws(StoreError) in try create(path: path) }
        let registration = try OpenStores.register(
            path: path, inspect: { () throws(StoreError) in try StoreSchema.inspect(path: path) }, make: make)
        guard let registration else {
            throw StoreError(.notFound, path: path, "there is no store; a proxy or `meantime import` makes one")
        }
        guard mode == .readWrite else {
            let store = AttemptStore(path: path, sealAfterRows: sealAfterRows, writer: nil, registration)
            try store.read { (reader) throws(StoreError) in try StoreSchema.verify(on: reader.connection) }
            return store
        }
        return AttemptStore(
            path: path, sealAfterRows: sealAfterRows, writer: try openWriter(path: path), registration)
    }

    private static func openWriter(path: String) throws(StoreError) -> StoreWriter {
        guard access(path, W_OK) == 0 else {
            throw StoreError(.cannotOpen, path: path, "cannot be written: \(SystemError.last())")
        }
        return try StoreWriter(Connection(path: path, access: .readWrite))
    }

    private static func create(path: String) throws(StoreError) {
        let directory = ReadAccess.directory(of: path)
        guard access(directory, F_OK) == 0 else {
            throw StoreError(.cannotOpen, path: path, "cannot be made: there is no directory \(directory)")
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw StoreError(.cannotOpen, path: path, "cannot be made: directory \(directory) cannot be written")
        }
        let isNew = access(path, F_OK) != 0
        do throws(StoreError) {
            try StoreSchema.create(on: Connection(path: path, access: .create))
        } catch {
            var status = stat()
            // A file that this call made and could not fill is no store; leave the disk as it was.
            if isNew, stat(path, &status) == 0, status.st_size == 0 { unlink(path) }
            throw error
        }
    }

    private static let longestTurnMs: Int32 = 5_000
    private static let waitMs: Int32 = 10

    /// Several that make the same store at once would each hold what another waits for, and SQLite refuses one of them
    /// without waiting, also where it begins the log: so they come one after the other.
    ///
    /// By a lock on the directory, for a descriptor of the store must not be closed while a connection holds locks on
    /// it. Without one, where the directory cannot be read or somebody else keeps it locked (a cron line under
    /// flock(1)) for longer than SQLite waits for a lock, all is as SQLite has it.
    ///
    /// - Returns: what holds the lock until it is closed; below 0: nothing does.
    private static func takeTurn(path: String) -> Int32 {
        let turn = Glibc.open(ReadAccess.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard turn >= 0 else { return turn }
        for _ in 0..<(longestTurnMs / waitMs) {
            if flock(turn, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK && errno != EINTR { break }
            poll(nil, 0, waitMs)
        }
        return turn
    }

    /// Lets go of the file; writing afterwards is an error. What was acknowledged is durable without it.
    public func close() {
        // The last connection to close removes the log, if it may write.
        idle.withLock { $0.removeAll() }
        writer.withLock { $0 = nil }
        registration.end()
    }

    /// Bounds the file's size in SQLite pages, as a full disk would. For tests of one.
    func limitPages(_ pages: Int) throws(StoreError) {
        try setting("PRAGMA max_page_count = \(pages)")
    }

    /// How long a write waits for another process's. For tests of what happens then.
    func setBusyTimeout(ms: Int) throws(StoreError) {
        try setting("PRAGMA busy_timeout = \(ms)")
    }

    func setting(_ sql: String) throws(StoreError) {
        try writer.withLock { (writer) throws(StoreError) in
            _ = try writer?.connection.integer(sql)
        }
    }

    // MARK: One transaction

    /// Runs `body` in one write transaction: all of it is kept, or nothing.
    func write<Value: Sendable>(
        _ body: @Sendable (inout StoreWriter) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try writer.withLock { (writer) throws(StoreError) in
            guard writer != nil else {
                throw StoreError(.readOnly, path: path, "the store is open for reading only, or closed")
            }
            return try writer!.transaction(body)
        }
    }

    /// Runs `body` on one state of the store.
    func read<Value>(_ body: (StoreReader) throws(StoreError) -> Value) throws(StoreError) -> Value {
        let reader = try borrowReader()
        defer { giveBack(reader) }
        return try body(reader)
    }

    /// A reader that sees one state of the store until it is given back.
    func borrowReader() throws(StoreError) -> StoreReader {
        let reader: StoreReader
        if let kept = idle.withLock({ $0.popLast() }) {
            reader = kept
        } else {
            reader = try StoreReader(path: path, cache: cache)
        }
        try reader.begin()
        return reader
    }

    func giveBack(_ reader: StoreReader) {
        reader.end()
        idle.withLock { readers in
            if readers.count < 4 { readers.append(reader) }
        }
    }

    // MARK: Damage

    /// What reading has found damaged so far: by segment, the tail first. Empty when all that was read was sound.
    public var damage: [SegmentDamage] {
        seen.withLock { $0.values.sorted { $0.segment < $1.segment } }
    }

    func note(_ damage: [SegmentDamage]) {
        guard !damage.isEmpty else { return }
        seen.withLock { seen in
            for one in damage { seen[one.segment] = one }
        }
    }
}
