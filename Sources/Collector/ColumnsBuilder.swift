import Retry

/// Turns stored rows of one route into the columns that the analyzer walks over, with name lists of their own.
struct ColumnsBuilder {
    private(set) var columns: AttemptColumns
    private var hosts: [Int32] = []
    private var methods: [Int32] = []

    init(route: String) { columns = AttemptColumns(route: route) }

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
        columns.outcome += slice(rows, .outcome, range).lazy.map { Self.outcomes[Int($0)] }
        columns.hedge += slice(rows, .hedge, range).lazy.map { $0 != 0 }
        columns.isGRPC += slice(rows, .isGRPC, range).lazy.map { $0 != 0 }
        Self.recode(
            slice(rows, .host, range), names[.host], &hosts, into: &columns.host, names: &columns.hostNames)
        Self.recode(
            slice(rows, .method, range), names[.method], &methods, into: &columns.method, names: &columns.methodNames)
    }

    /// The columns, sorted by (start, attempt); rows that are equal in both keep their order.
    func sorted() -> AttemptColumns {
        let columns = self.columns
        guard columns.startUs.count == columns.attempt.count else { return columns }
        func follows(_ right: Int, _ left: Int) -> Bool {
            (columns.startUs[left], columns.attempt[left]) <= (columns.startUs[right], columns.attempt[right])
        }
        if columns.startUs.indices.dropFirst().allSatisfy({ follows($0, $0 - 1) }) { return columns }
        var order = Array(columns.startUs.indices)
        order.sort { left, right in
            (columns.startUs[left], columns.attempt[left], left) < (
                columns.startUs[right], columns.attempt[right], right
            )
        }
        var result = AttemptColumns(route: columns.route)
        result.hostNames = columns.hostNames
        result.methodNames = columns.methodNames
        result.startUs = order.map { columns.startUs[$0] }
        result.durationUs = order.map { columns.durationUs[$0] }
        result.host = order.map { columns.host[$0] }
        result.request = order.map { columns.request[$0] }
        result.attempt = order.map { columns.attempt[$0] }
        result.waitUs = order.map { columns.waitUs[$0] }
        result.outcome = order.map { columns.outcome[$0] }
        result.status = order.map { columns.status[$0] }
        result.timeoutUs = order.map { columns.timeoutUs[$0] }
        result.retryAfterUs = order.map { columns.retryAfterUs[$0] }
        result.method = order.map { columns.method[$0] }
        result.hedge = order.map { columns.hedge[$0] }
        result.ruleVersion = order.map { columns.ruleVersion[$0] }
        result.isGRPC = order.map { columns.isGRPC[$0] }
        return result
    }

    private static let outcomes = Outcome.allCases.sorted { $0.rawValue < $1.rawValue }

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
