import CSQLite
import Retry
import Synchronization

/// The read-only virtual table `attempts`: segments and tail as plain SQL rows, with push-down of the range of
/// `start_us`, of equality with a route, and of the columns in use (https://sqlite.org/vtab.html).
///
/// What cannot be read is left out of the rows and collected in `damage`.
final class AttemptsTable: Sendable {
    fileprivate let reader: StoreReader
    private let found = Mutex<[SegmentDamage]>([])

    /// Makes the table known to a reader's connection. Keep it for as long as statements run there.
    init(on reader: StoreReader) throws(StoreError) {
        self.reader = reader
        // Not retained: the table keeps the connection, so the connection must not keep the table.
        let code = sqlite3_create_module_v2(
            reader.connection.handle, "attempts", module, Unmanaged.passUnretained(self).toOpaque(), nil)
        guard code == SQLITE_OK else { throw reader.connection.error() }
        // SQLite makes the table at its first use, by a CREATE TABLE that `allowReadingOnly` would refuse later.
        _ = try reader.connection.prepare("SELECT 1 FROM attempts")
    }

    /// What the statements so far could not read; each part once.
    var damage: [SegmentDamage] { found.withLock { $0 } }

    fileprivate func note(_ damage: [SegmentDamage]) {
        found.withLock { found in
            for one in damage where !found.contains(one) { found.append(one) }
        }
    }

    static var declaration: String {
        let columns = Column.allCases.map { column in
            [.route, .host, .method, .outcome].contains(column) ? "\(column.name) TEXT" : "\(column.name) INTEGER"
        }
        return "CREATE TABLE attempts (\(columns.joined(separator: ", ")))"
    }
}

/// What `xBestIndex` tells `xFilter` in one number: the columns in use, one bit each, and which bounds are given.
private struct Plan {
    static let low: Int32 = 1 << 16
    static let high: Int32 = 1 << 17
    static let exact: Int32 = 1 << 18
    static let route: Int32 = 1 << 19
    /// The bound itself is outside.
    static let lowIsStrict: Int32 = 1 << 20
    static let highIsStrict: Int32 = 1 << 21
}

/// SQLite's view of the table; the C struct must stand first.
private struct VirtualTable {
    var base = sqlite3_vtab()
    var table: Unmanaged<AttemptsTable>
}

/// SQLite's view of a cursor; the C struct must stand first.
private struct VirtualCursor {
    var base = sqlite3_vtab_cursor()
    var walk: Unmanaged<AttemptsWalk>
}

/// One pass over the rows.
private final class AttemptsWalk {
    let table: AttemptsTable
    var cursor: ChunkCursor?
    var chunk: Chunk?
    private var run = 0
    private(set) var row = 0

    init(table: AttemptsTable) { self.table = table }

    func start(_ filter: RowFilter, columns: ColumnSet) throws(StoreError) {
        cursor = try ChunkCursor(table.reader, filter: filter, columns: columns)
        try nextChunk()
    }

    func startEmpty() {
        cursor = nil
        chunk = nil
    }

    func advance() throws(StoreError) {
        guard let chunk else { return }
        row += 1
        if row < chunk.runs[run].rows.upperBound { return }
        run += 1
        if run < chunk.runs.count {
            row = chunk.runs[run].rows.lowerBound
        } else {
            try nextChunk()
        }
    }

    private func nextChunk() throws(StoreError) {
        chunk = try cursor?.nextChunk()
        if let cursor { table.note(cursor.damage) }
        run = 0
        row = chunk?.runs.first?.rows.lowerBound ?? 0
    }
}

/// The functions that SQLite calls. Written once before the first use, never changed after.
nonisolated(unsafe) private let module: UnsafePointer<sqlite3_module> = {
    var functions = sqlite3_module()
    functions.iVersion = 1
    // Without xCreate the table is there on every connection, without a CREATE.
    functions.xConnect = connect
    functions.xBestIndex = bestIndex
    functions.xDisconnect = { pointer in
        UnsafeMutableRawPointer(pointer)?.assumingMemoryBound(to: VirtualTable.self).deallocate()
        return SQLITE_OK
    }
    functions.xOpen = open
    functions.xClose = { pointer in
        guard let cursor = UnsafeMutableRawPointer(pointer)?.assumingMemoryBound(to: VirtualCursor.self) else {
            return SQLITE_OK
        }
        cursor.pointee.walk.release()
        cursor.deallocate()
        return SQLITE_OK
    }
    functions.xFilter = filter
    functions.xNext = { pointer in attempt(pointer) { (walk) throws(StoreError) in try walk.advance() } }
    functions.xEof = { pointer in walk(of: pointer)?.chunk == nil ? 1 : 0 }
    functions.xColumn = column
    functions.xRowid = { pointer, result in
        guard let walk = walk(of: pointer), let chunk = walk.chunk else { return SQLITE_ERROR }
        result?.pointee = chunk.number(of: walk.row)
        return SQLITE_OK
    }
    let pointer = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
    pointer.initialize(to: functions)
    return UnsafePointer(pointer)
}()

private func connect(
    _ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _: Int32,
    _: UnsafePointer<UnsafePointer<CChar>?>?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
    _: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    guard let context else { return SQLITE_ERROR }
    let code = sqlite3_declare_vtab(connection, AttemptsTable.declaration)
    guard code == SQLITE_OK else { return code }
    let table = UnsafeMutablePointer<VirtualTable>.allocate(capacity: 1)
    table.initialize(to: VirtualTable(table: .fromOpaque(context)))
    result?.pointee = UnsafeMutableRawPointer(table).assumingMemoryBound(to: sqlite3_vtab.self)
    return SQLITE_OK
}

private func bestIndex(
    _: UnsafeMutablePointer<sqlite3_vtab>?, _ info: UnsafeMutablePointer<sqlite3_index_info>?
) -> Int32 {
    guard let info else { return SQLITE_ERROR }
    var taken: [Int32: Int] = [:]
    for index in 0..<Int(info.pointee.nConstraint) {
        let constraint = info.pointee.aConstraint[index]
        guard constraint.usable != 0 else { continue }
        let bound: Int32?
        switch (Int(constraint.iColumn), Int32(constraint.op)) {
        case (Column.startUs.index, SQLITE_INDEX_CONSTRAINT_GT), (Column.startUs.index, SQLITE_INDEX_CONSTRAINT_GE):
            bound = Plan.low
        case (Column.startUs.index, SQLITE_INDEX_CONSTRAINT_LT), (Column.startUs.index, SQLITE_INDEX_CONSTRAINT_LE):
            bound = Plan.high
        case (Column.startUs.index, SQLITE_INDEX_CONSTRAINT_EQ): bound = Plan.exact
        case (Column.route.index, SQLITE_INDEX_CONSTRAINT_EQ):
            let collation = sqlite3_vtab_collation(info, Int32(index)).map { String(cString: $0) }
            bound = collation == "BINARY" ? Plan.route : nil
        default: bound = nil
        }
        if let bound, taken[bound] == nil { taken[bound] = index }
    }
    // Arguments go to xFilter in this order. SQLite checks every condition again, so bounds may be generous.
    var argument: Int32 = 0
    var rows = 1e7
    for bound in [Plan.low, Plan.high, Plan.exact, Plan.route] {
        guard let index = taken[bound] else { continue }
        argument += 1
        info.pointee.aConstraintUsage[index].argvIndex = argument
        info.pointee.idxNum |= bound
        switch Int32(info.pointee.aConstraint[index].op) {
        case SQLITE_INDEX_CONSTRAINT_GT: info.pointee.idxNum |= Plan.lowIsStrict
        case SQLITE_INDEX_CONSTRAINT_LT: info.pointee.idxNum |= Plan.highIsStrict
        default: break
        }
        rows /= bound == Plan.exact ? 1e5 : bound == Plan.route ? 100 : 4
    }
    let used = info.pointee.colUsed & UInt64(ColumnSet.all.rawValue)
    info.pointee.idxNum |= Int32(used)
    info.pointee.estimatedRows = Int64(rows)
    info.pointee.estimatedCost = rows * Double(1 + used.nonzeroBitCount)
    return SQLITE_OK
}

private func open(
    _ table: UnsafeMutablePointer<sqlite3_vtab>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
) -> Int32 {
    guard let table = UnsafeMutableRawPointer(table)?.assumingMemoryBound(to: VirtualTable.self) else {
        return SQLITE_ERROR
    }
    let walk = AttemptsWalk(table: table.pointee.table.takeUnretainedValue())
    let cursor = UnsafeMutablePointer<VirtualCursor>.allocate(capacity: 1)
    cursor.initialize(to: VirtualCursor(walk: .passRetained(walk)))
    result?.pointee = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
    return SQLITE_OK
}

private func filter(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ plan: Int32, _: UnsafePointer<CChar>?, _: Int32,
    _ arguments: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    attempt(pointer) { (walk) throws(StoreError) in
        var filter = RowFilter()
        var at = 0
        func argument(_ bound: Int32) -> OpaquePointer? {
            guard plan & bound != 0, let value = arguments?[at] else { return nil }
            at += 1
            return value
        }
        // Only whole numbers narrow the walk; for anything else SQLite's own check decides.
        func whole(_ value: OpaquePointer) -> Int64? {
            sqlite3_value_type(value) == SQLITE_INTEGER ? sqlite3_value_int64(value) : nil
        }
        if let value = argument(Plan.low).flatMap(whole) {
            filter.fromUs = plan & Plan.lowIsStrict != 0 && value < .max ? value + 1 : value
        }
        if let value = argument(Plan.high).flatMap(whole) {
            if plan & Plan.highIsStrict != 0 { filter.toUs = value } else if value < .max { filter.toUs = value + 1 }
        }
        if let value = argument(Plan.exact).flatMap(whole), value < .max {
            filter.fromUs = max(filter.fromUs ?? .min, value)
            filter.toUs = min(filter.toUs ?? .max, value + 1)
        }
        if let value = argument(Plan.route), sqlite3_value_type(value) == SQLITE_TEXT,
            let text = sqlite3_value_text(value)
        {
            let bytes = UnsafeBufferPointer(start: text, count: Int(sqlite3_value_bytes(value)))
            let name = String(decoding: bytes, as: UTF8.self)
            guard let code = try walk.table.reader.names()[.route].code(of: name) else { return walk.startEmpty() }
            filter.routeCode = code
        }
        try walk.start(filter, columns: ColumnSet(rawValue: UInt32(plan) & ColumnSet.all.rawValue))
    }
}

private func column(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ context: OpaquePointer?, _ index: Int32
) -> Int32 {
    guard let walk = walk(of: pointer), let chunk = walk.chunk, let names = walk.cursor?.names,
        let column = Column(rawValue: UInt8(clamping: index + 1)), walk.row < chunk.rows[column].count
    else { return SQLITE_ERROR }
    let value = chunk.rows[column][walk.row]
    switch column {
    case .route: give(names[.route].names[Int(value)], to: context)
    case .host: give(names[.host].names[Int(value)], to: context)
    case .method: give(names[.method].names[Int(value)], to: context)
    case .outcome: give(Outcome(rawValue: UInt8(clamping: value))?.name ?? "", to: context)
    default: sqlite3_result_int64(context, value)
    }
    return SQLITE_OK
}

private func give(_ text: String, to context: OpaquePointer?) {
    var text = text
    text.withUTF8 { bytes in
        // A nil base would give NULL.
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            return sqlite3_result_text(context, "", 0, Statement.transient)
        }
        sqlite3_result_text(
            context, UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self), Int32(bytes.count), Statement.transient
        )
    }
}

private func walk(of pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> AttemptsWalk? {
    UnsafeMutableRawPointer(pointer)?.assumingMemoryBound(to: VirtualCursor.self).pointee.walk.takeUnretainedValue()
}

/// Runs a step of a walk; its error becomes the statement's.
private func attempt(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ body: (AttemptsWalk) throws(StoreError) -> Void
) -> Int32 {
    guard let walk = walk(of: pointer) else { return SQLITE_ERROR }
    do throws(StoreError) {
        try body(walk)
        return SQLITE_OK
    } catch {
        let bytes = Array(error.message.utf8CString)
        if let copy = sqlite3_malloc(Int32(bytes.count)), let table = pointer?.pointee.pVtab {
            bytes.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
            sqlite3_free(table.pointee.zErrMsg)
            table.pointee.zErrMsg = copy.assumingMemoryBound(to: CChar.self)
        }
        return SQLITE_ERROR
    }
}
