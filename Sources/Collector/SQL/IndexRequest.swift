import CSQLite

/// Text in memory that SQLite frees.
enum SQLiteText {
    static func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let bytes = Array(text.utf8)
        guard let place = sqlite3_malloc(Int32(bytes.count + 1)) else { return nil }
        bytes.withUnsafeBytes { if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) } }
        let chars = place.assumingMemoryBound(to: CChar.self)
        chars[bytes.count] = 0
        return chars
    }
}

/// What SQLite asks of a table when it plans a statement, and the answer.
struct IndexRequest {
    private let info: UnsafeMutablePointer<sqlite3_index_info>
    private var arguments: Int32 = 0

    enum Comparison { case equal, oneOf, notEqual, less, lessOrEqual, greater, greaterOrEqual }

    struct Condition {
        var index: Int
        var column: Int
        var comparison: Comparison
        /// What it is compared with, where that is known already.
        var value: SQLArgument?
    }

    init(_ info: UnsafeMutablePointer<sqlite3_index_info>) { self.info = info }

    /// Whether this SQLite gives the functions for lists and plans (since 3.38).
    static let hasLists = sqlite3_libversion_number() >= 3_038_000

    /// The conditions that can be used, with text compared byte by byte.
    func conditions() -> [Condition] {
        (0..<Int(info.pointee.nConstraint)).compactMap { index in
            let constraint = info.pointee.aConstraint[index]
            guard constraint.usable != 0 else { return nil }
            var comparison: Comparison
            switch Int32(constraint.op) {
            case SQLITE_INDEX_CONSTRAINT_EQ: comparison = .equal
            case SQLITE_INDEX_CONSTRAINT_NE: comparison = .notEqual
            case SQLITE_INDEX_CONSTRAINT_LT: comparison = .less
            case SQLITE_INDEX_CONSTRAINT_LE: comparison = .lessOrEqual
            case SQLITE_INDEX_CONSTRAINT_GT: comparison = .greater
            case SQLITE_INDEX_CONSTRAINT_GE: comparison = .greaterOrEqual
            default: return nil
            }
            guard let collation = sqlite3_vtab_collation(info, Int32(index)), String(cString: collation) == "BINARY"
            else { return nil }
            if comparison == .equal, Self.hasLists, sqlite3_vtab_in(info, Int32(index), -1) != 0 { comparison = .oneOf }
            var value: OpaquePointer?
            let isKnown =
                Self.hasLists && comparison != .oneOf
                && sqlite3_vtab_rhs_value(info, Int32(index), &value) == SQLITE_OK
            return Condition(
                index: index, column: Int(constraint.iColumn), comparison: comparison,
                value: isKnown ? value.map(SQLArgument.init) : nil)
        }
    }

    /// Whether a column from this one on is to equal what is not known in the order of the join that is asked about.
    func lacksValue(from column: Int) -> Bool {
        (0..<Int(info.pointee.nConstraint)).contains { index in
            let constraint = info.pointee.aConstraint[index]
            return constraint.usable == 0 && Int(constraint.iColumn) >= column
                && Int32(constraint.op) == SQLITE_INDEX_CONSTRAINT_EQ
        }
    }

    /// Takes a condition over: its value is the next argument.
    ///
    /// - Parameters:
    ///   - isFinal: SQLite need not check it again.
    ///   - isList: the values of IN come all at once; otherwise one in each pass.
    mutating func take(_ condition: Condition, isFinal: Bool = false, isList: Bool = true) {
        arguments += 1
        info.pointee.aConstraintUsage[condition.index].argvIndex = arguments
        info.pointee.aConstraintUsage[condition.index].omit = isFinal ? 1 : 0
        if condition.comparison == .oneOf, isList { _ = sqlite3_vtab_in(info, Int32(condition.index), 1) }
    }

    /// The order asked for: columns, each with whether it descends.
    var order: [(column: Int, descends: Bool)] {
        (0..<Int(info.pointee.nOrderBy)).map {
            (Int(info.pointee.aOrderBy[$0].iColumn), info.pointee.aOrderBy[$0].desc != 0)
        }
    }

    /// One bit for each of the first columns that the statement uses.
    var usedColumns: UInt64 { info.pointee.colUsed }

    /// Gives the answer.
    ///
    /// - Parameter words: what `EXPLAIN QUERY PLAN` shows.
    func answer(plan: Int32, words: String, rows: Double, cost: Double, isOrdered: Bool = false) {
        info.pointee.idxNum = plan
        info.pointee.idxStr = SQLiteText.copy(words)
        info.pointee.needToFreeIdxStr = 1
        info.pointee.estimatedRows = Int64(max(1, min(rows, 1e15)))
        info.pointee.estimatedCost = cost
        info.pointee.orderByConsumed = isOrdered ? 1 : 0
    }
}

/// A value that SQLite hands over.
struct SQLArgument {
    private let value: OpaquePointer

    init(_ value: OpaquePointer) { self.value = value }

    var isNull: Bool { sqlite3_value_type(value) == SQLITE_NULL }

    /// The value, if it is a whole number as it stands.
    var integer: Int64? { sqlite3_value_type(value) == SQLITE_INTEGER ? sqlite3_value_int64(value) : nil }

    /// The value, if it is a number as it stands.
    var number: Double? {
        [SQLITE_INTEGER, SQLITE_FLOAT].contains(sqlite3_value_type(value)) ? sqlite3_value_double(value) : nil
    }

    /// The value, if it is text as it stands.
    var text: String? {
        guard sqlite3_value_type(value) == SQLITE_TEXT, let start = sqlite3_value_text(value) else { return nil }
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What `read` makes of the value, or of each member of an IN list that is not NULL; `nil` when it cannot make
    /// something of each.
    func oneOf<Value>(_ read: (SQLArgument) -> Value?) -> [Value]? {
        guard IndexRequest.hasLists else { return read(self).map { [$0] } }
        var found: [Value] = []
        var member: OpaquePointer?
        var code = sqlite3_vtab_in_first(value, &member)
        if code != SQLITE_OK && code != SQLITE_DONE { return read(self).map { [$0] } }
        // A member is good only until the next is asked for.
        while code == SQLITE_OK, let one = member.map(SQLArgument.init) {
            if !one.isNull {
                guard let value = read(one) else { return nil }
                found.append(value)
            }
            code = sqlite3_vtab_in_next(value, &member)
        }
        return code == SQLITE_DONE ? found : nil
    }
}

/// The values of the conditions that a plan took over, in the order in which it took them.
struct PlanArguments {
    private let values: UnsafeMutablePointer<OpaquePointer?>?
    private let count: Int
    private var at = 0

    init(_ values: UnsafeMutablePointer<OpaquePointer?>?, count: Int) {
        self.values = values
        self.count = count
    }

    mutating func next() -> SQLArgument? {
        guard at < count, let value = values?[at] else { return nil }
        at += 1
        return SQLArgument(value)
    }
}
