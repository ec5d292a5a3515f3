import CSQLite

/// How a column of a block looks in SQL.
enum CellKind: UInt8 {
    case integer
    /// `Int64.min` stands for NULL.
    case optionalInteger
    /// A code of a name table; -1 stands for NULL.
    case route, host, method
    /// An outcome's raw value; -1 stands for NULL.
    case outcome
    /// The bits of a Double; `Int64.min` stands for NULL.
    case real

    var type: String {
        switch self {
        case .integer, .optionalInteger: "INTEGER"
        case .route, .host, .method, .outcome: "TEXT"
        case .real: "REAL"
        }
    }
}

/// A read-only virtual table (https://sqlite.org/vtab.html) whose rows come in blocks of columns.
///
/// Without xCreate it is there on every connection that knows the module, without a CREATE.
class BlockTable {
    let name: String
    let columns: [(name: String, kind: CellKind)]
    /// Columns that are arguments: `SELECT * FROM table(argument)`.
    let arguments: [String]
    let view: StoreView

    init(name: String, columns: [(name: String, kind: CellKind)], arguments: [String] = [], view: StoreView) {
        self.name = name
        self.columns = columns
        self.arguments = arguments
        self.view = view
    }

    /// Chooses what of a statement's conditions to take over.
    func plan(_ request: IndexRequest) -> Bool { true }

    /// The rows of a plan with its arguments.
    func rows(plan: Int32, arguments: PlanArguments) throws(StoreError) -> any BlockSource { NoRows() }

    /// What SQLite is told of the columns.
    var declaration: String { Self.declaration(name, columns, arguments: arguments) }

    static func declaration(
        _ name: String, _ columns: [(name: String, kind: CellKind)], arguments: [String] = []
    ) -> String {
        let parts = columns.map { "\($0.name) \($0.kind.type)" } + arguments.map { "\($0) HIDDEN" }
        return "CREATE TABLE \(name) (\(parts.joined(separator: ", ")))"
    }

    /// Makes the table known to its view's connection.
    ///
    /// - Parameter isKept: the connection keeps the table until it closes. Otherwise the caller keeps it for as long as
    ///   statements run there: a connection of ours is kept by its tables, so it must not keep them.
    func register(isKept: Bool) throws(StoreError) {
        let connection = view.reader.connection
        let context = (isKept ? Unmanaged.passRetained(self) : Unmanaged.passUnretained(self)).toOpaque()
        let code = sqlite3_create_module_v2(
            connection.handle, name, blockModule, context,
            isKept ? { $0.map { Unmanaged<BlockTable>.fromOpaque($0).release() } } : nil)
        guard code == SQLITE_OK else { throw connection.error() }
    }

    /// The texts behind a column of codes.
    fileprivate func texts(_ kind: CellKind) -> UnsafePointer<NameText>? {
        switch kind {
        case .route: view.texts.texts(.route)
        case .host: view.texts.texts(.host)
        case .method: view.texts.texts(.method)
        case .outcome: view.texts.outcomes
        case .integer, .optionalInteger, .real: nil
        }
    }
}

/// Nothing.
final class NoRows: BlockSource {
    func next() -> BlockWindow? { nil }
}

/// SQLite's view of the table; the C struct must stand first.
private struct VirtualTable {
    var base = sqlite3_vtab()
    var table: Unmanaged<BlockTable>
}

/// SQLite's view of a cursor; the C struct must stand first. What a row needs lies here, not in objects: a count of
/// references for every cell would cost more than the cell.
private struct VirtualCursor {
    var base = sqlite3_vtab_cursor()
    var table: Unmanaged<BlockTable>
    var source: (any BlockSource)?
    var block: ColumnBlock?
    var values: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>?
    var selection: UnsafePointer<Int32>?
    var position = 0
    var end = 0
    var kinds: UnsafeMutablePointer<CellKind>
    var texts: UnsafeMutablePointer<UnsafePointer<NameText>?>
    var width: Int
}

/// The functions that SQLite calls. Written once before the first use, never changed after.
nonisolated(unsafe) private let blockModule: UnsafePointer<sqlite3_module> = {
    var functions = sqlite3_module()
    functions.iVersion = 1
    functions.xConnect = connect
    functions.xBestIndex = { table, info in
        guard let info, let table = virtualTable(table) else { return SQLITE_ERROR }
        return table.pointee.table.takeUnretainedValue().plan(IndexRequest(info)) ? SQLITE_OK : SQLITE_CONSTRAINT
    }
    functions.xDisconnect = { pointer in
        virtualTable(pointer)?.deallocate()
        return SQLITE_OK
    }
    functions.xOpen = open
    functions.xClose = close
    functions.xFilter = filter
    functions.xNext = { pointer in
        guard let cursor = virtualCursor(pointer) else { return SQLITE_ERROR }
        cursor.pointee.position += 1
        return cursor.pointee.position < cursor.pointee.end ? SQLITE_OK : nextWindow(cursor)
    }
    functions.xEof = { pointer in
        guard let cursor = virtualCursor(pointer) else { return 1 }
        return cursor.pointee.position < cursor.pointee.end ? 0 : 1
    }
    functions.xColumn = column
    functions.xRowid = { pointer, result in
        guard let cursor = virtualCursor(pointer), let block = cursor.pointee.block,
            let row = cursor.pointee.selection?[cursor.pointee.position]
        else { return SQLITE_ERROR }
        result?.pointee = block.ownNumbers.map { $0[Int(row)] } ?? block.firstNumber + Int64(row)
        return SQLITE_OK
    }
    let pointer = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
    pointer.initialize(to: functions)
    return UnsafePointer(pointer)
}()

@inline(__always)
private func virtualTable(_ pointer: UnsafeMutablePointer<sqlite3_vtab>?) -> UnsafeMutablePointer<VirtualTable>? {
    UnsafeMutableRawPointer(pointer)?.assumingMemoryBound(to: VirtualTable.self)
}

@inline(__always)
private func virtualCursor(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?
) -> UnsafeMutablePointer<VirtualCursor>? {
    UnsafeMutableRawPointer(pointer)?.assumingMemoryBound(to: VirtualCursor.self)
}

private func connect(
    _ connection: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _: Int32,
    _: UnsafePointer<UnsafePointer<CChar>?>?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
    _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    guard let context else { return SQLITE_ERROR }
    let table = Unmanaged<BlockTable>.fromOpaque(context)
    do throws(StoreError) {
        try StoreSchema.verify(on: table.takeUnretainedValue().view.reader.connection)
    } catch {
        message?.pointee = SQLiteText.copy("the main database \(error.message)")
        return SQLITE_ERROR
    }
    let code = sqlite3_declare_vtab(connection, table.takeUnretainedValue().declaration)
    guard code == SQLITE_OK else { return code }
    let made = UnsafeMutablePointer<VirtualTable>.allocate(capacity: 1)
    made.initialize(to: VirtualTable(table: table))
    result?.pointee = UnsafeMutableRawPointer(made).assumingMemoryBound(to: sqlite3_vtab.self)
    return SQLITE_OK
}

private func open(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
) -> Int32 {
    guard let pointer, let virtual = virtualTable(pointer) else { return SQLITE_ERROR }
    let table = virtual.pointee.table.takeUnretainedValue()
    do throws(StoreError) {
        try table.view.enter()
    } catch {
        return fail(pointer, error)
    }
    let width = table.columns.count
    let kinds = UnsafeMutablePointer<CellKind>.allocate(capacity: width)
    let texts = UnsafeMutablePointer<UnsafePointer<NameText>?>.allocate(capacity: width)
    for (index, column) in table.columns.enumerated() {
        (kinds + index).initialize(to: column.kind)
        (texts + index).initialize(to: table.texts(column.kind))
    }
    let cursor = UnsafeMutablePointer<VirtualCursor>.allocate(capacity: 1)
    cursor.initialize(to: VirtualCursor(table: virtual.pointee.table, kinds: kinds, texts: texts, width: width))
    result?.pointee = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
    return SQLITE_OK
}

private func close(_ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
    guard let cursor = virtualCursor(pointer) else { return SQLITE_OK }
    cursor.pointee.table.takeUnretainedValue().view.leave()
    cursor.pointee.kinds.deallocate()
    cursor.pointee.texts.deallocate()
    cursor.deinitialize(count: 1)
    cursor.deallocate()
    return SQLITE_OK
}

private func filter(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ plan: Int32, _: UnsafePointer<CChar>?, _ count: Int32,
    _ values: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    guard let cursor = virtualCursor(pointer) else { return SQLITE_ERROR }
    let table = cursor.pointee.table.takeUnretainedValue()
    do throws(StoreError) {
        cursor.pointee.source = try table.rows(plan: plan, arguments: PlanArguments(values, count: Int(count)))
    } catch {
        return fail(cursor.pointee.base.pVtab, error)
    }
    return nextWindow(cursor)
}

private func nextWindow(_ cursor: UnsafeMutablePointer<VirtualCursor>) -> Int32 {
    (cursor.pointee.position, cursor.pointee.end) = (0, 0)
    do throws(StoreError) {
        guard let window = try cursor.pointee.source?.next() else { return SQLITE_OK }
        cursor.pointee.block = window.block
        cursor.pointee.values = window.block.columns
        cursor.pointee.selection = UnsafePointer(window.block.selection)
        (cursor.pointee.position, cursor.pointee.end) = (window.positions.lowerBound, window.positions.upperBound)
        return SQLITE_OK
    } catch {
        return fail(cursor.pointee.base.pVtab, error)
    }
}

private func column(
    _ pointer: UnsafeMutablePointer<sqlite3_vtab_cursor>?, _ context: OpaquePointer?, _ index: Int32
) -> Int32 {
    guard let cursor = virtualCursor(pointer), Int(index) < cursor.pointee.width else { return SQLITE_OK }
    // A column that the plan did not count as used, or an argument.
    guard let values = cursor.pointee.values?[Int(index)], let selection = cursor.pointee.selection else {
        return SQLITE_ERROR
    }
    let value = values[Int(selection[cursor.pointee.position])]
    switch cursor.pointee.kinds[Int(index)] {
    case .integer: sqlite3_result_int64(context, value)
    case .optionalInteger: if value != .min { sqlite3_result_int64(context, value) }
    case .real: if value != .min { sqlite3_result_double(context, Double(bitPattern: UInt64(bitPattern: value))) }
    case .route, .host, .method, .outcome:
        guard value >= 0, let text = cursor.pointee.texts[Int(index)]?[Int(value)] else { return SQLITE_OK }
        // The text stays where it is for as long as the connection, so SQLite need not copy it.
        sqlite3_result_text(context, text.start, text.count, nil)
    }
    return SQLITE_OK
}

/// Makes an error the statement's.
private func fail(_ table: UnsafeMutablePointer<sqlite3_vtab>?, _ error: StoreError) -> Int32 {
    if let table {
        sqlite3_free(table.pointee.zErrMsg)
        table.pointee.zErrMsg = SQLiteText.copy(error.message)
    }
    return SQLITE_ERROR
}
