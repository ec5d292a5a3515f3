import Retry

/// Turns stored rows of one route into the columns that the analyzer walks over, with name lists of their own.
struct ColumnsBuilder {
    private(set) var columns: AttemptColumns
    private var hosts: [Int32] = []
    private var methods: [Int32] = []

    init(route: String) { columns = AttemptColumns(route: route) }

    /// Makes room for so many rows of the chosen columns.
    mutating func reserve(_ count: Int, columns chosen: ColumnSet) {
        func has(_ column: Column) -> Bool { chosen.contains(column) }
        if has(.startUs) { columns.startUs.reserveCapacity(count) }
        if has(.durationUs) { columns.durationUs.reserveCapacity(count) }
        if has(.waitUs) { columns.waitUs.reserveCapacity(count) }
        if has(.timeoutUs) { columns.timeoutUs.reserveCapacity(count) }
        if has(.retryAfterUs) { columns.retryAfterUs.reserveCapacity(count) }
        if has(.request) { columns.request.reserveCapacity(count) }
        if has(.attempt) { columns.attempt.reserveCapacity(count) }
        if has(.status) { columns.status.reserveCapacity(count) }
        if has(.ruleVersion) { columns.ruleVersion.reserveCapacity(count) }
        if has(.outcome) { columns.outcome.reserveCapacity(count) }
        if has(.hedge) { columns.hedge.reserveCapacity(count) }
        if has(.isGRPC) { columns.isGRPC.reserveCapacity(count) }
        if has(.host) { columns.host.reserveCapacity(count) }
        if has(.method) { columns.method.reserveCapacity(count) }
    }

    /// Appends rows whose codes and outcomes are known to be valid; columns that were not read stay empty.
    mutating func append(_ rows: Rows, _ range: Range<Int>, names: Names) {
        columns.startUs += rows[.startUs][range]
        columns.durationUs += slice(rows, .durationUs, range)
        columns.waitUs += slice(rows, .waitUs, range)
        columns.timeoutUs += slice(rows, .timeoutUs, range)
        columns.retryAfterUs += slice(rows, .retryAfterUs, range)
        columns.request += slice(rows, .request, range).lazy.map { UInt64(bitPattern: $0) }
        columns.attempt += slice(rows, .attempt, range).lazy.map { Int32(clamping: $0) }
        columns.status += slice(rows, .status, range).lazy.map { Int32(clamping: $0) }
        columns.ruleVersion += slice(rows, .ruleVersion, range).lazy.map { Int32(clamping: $0) }
        columns.outcome += slice(rows, .outcome, range).lazy.map { Outcome.allCases[Int($0)] }
        columns.hedge += slice(rows, .hedge, range).lazy.map { $0 != 0 }
        columns.isGRPC += slice(rows, .isGRPC, range).lazy.map { $0 != 0 }
        Self.recode(
            slice(rows, .host, range), names[.host], &hosts, into: &columns.host, names: &columns.hostNames)
        Self.recode(
            slice(rows, .method, range), names[.method], &methods, into: &columns.method, names: &columns.methodNames)
    }

    /// The columns, sorted by (start, attempt); rows that are equal in both keep their order.
    ///
    /// One column after the other is put in order, so that not all are there twice.
    consuming func sorted() -> AttemptColumns {
        guard let order = Self.order(columns) else { return columns }
        func arrange<Value>(_ column: inout [Value]) {
            if !column.isEmpty { column = order.map { column[Int($0)] } }
        }
        arrange(&columns.startUs)
        arrange(&columns.attempt)
        arrange(&columns.durationUs)
        arrange(&columns.host)
        arrange(&columns.request)
        arrange(&columns.waitUs)
        arrange(&columns.outcome)
        arrange(&columns.status)
        arrange(&columns.timeoutUs)
        arrange(&columns.retryAfterUs)
        arrange(&columns.method)
        arrange(&columns.hedge)
        arrange(&columns.ruleVersion)
        arrange(&columns.isGRPC)
        return columns
    }

    /// The rows by (start, attempt); `nil` when they are in that order.
    private static func order(_ columns: AttemptColumns) -> [Int32]? {
        guard columns.startUs.count == columns.attempt.count else { return nil }
        return columns.startUs.withUnsafeBufferPointer { start in
            columns.attempt.withUnsafeBufferPointer { attempt in
                let isSorted = start.indices.dropFirst().allSatisfy { row in
                    (start[row - 1], attempt[row - 1]) <= (start[row], attempt[row])
                }
                return isSorted ? nil : RowOrder.byStart(start, attempt: attempt)
            }
        }
    }

    private func slice(_ rows: Rows, _ column: Column, _ range: Range<Int>) -> ArraySlice<Int64> {
        rows[column].isEmpty ? [] : rows[column][range]
    }

    /// Store-wide codes to this route's own: names are numbered in the order in which they appear.
    private static func recode(
        _ codes: ArraySlice<Int64>, _ table: NameTable, _ map: inout [Int32], into out: inout [Int32],
        names: inout [String]
    ) {
        if codes.isEmpty { return }
        if map.count < table.count { map += repeatElement(-1, count: table.count - map.count) }
        out.reserveCapacity(out.count + codes.count)
        for code in codes {
            if map[Int(code)] < 0 {
                map[Int(code)] = Int32(names.count)
                names.append(table.names[Int(code)])
            }
            out.append(map[Int(code)])
        }
    }
}
