import Retry

/// Attempts as columns of integers; route, host and method are codes of the store's name tables.
///
/// The shape in which rows go into and come out of tail and segments. A column that was not asked for is empty.
struct Rows: Equatable, Sendable {
    var columns: [[Int64]] = Array(repeating: [], count: Column.allCases.count)
    private(set) var count = 0

    init() {}

    init(columns: [[Int64]], count: Int) {
        self.columns = columns
        self.count = count
    }

    subscript(column: Column) -> [Int64] {
        _read { yield columns[column.index] }
        _modify { yield &columns[column.index] }
    }

    mutating func reserve(_ capacity: Int) {
        for index in columns.indices { columns[index].reserveCapacity(capacity) }
    }

    /// Appends an attempt whose names are already coded.
    mutating func append(_ attempt: Attempt, route: Int64, host: Int64, method: Int64) {
        self[.startUs].append(attempt.startUs)
        self[.durationUs].append(attempt.durationUs)
        self[.route].append(route)
        self[.host].append(host)
        self[.request].append(Int64(bitPattern: attempt.request))
        self[.attempt].append(Int64(attempt.attempt))
        self[.waitUs].append(attempt.waitUs)
        self[.outcome].append(Int64(attempt.outcome.rawValue))
        self[.status].append(Int64(attempt.status))
        self[.isGRPC].append(attempt.isGRPC ? 1 : 0)
        self[.timeoutUs].append(attempt.timeoutUs)
        self[.retryAfterUs].append(attempt.retryAfterUs)
        self[.method].append(method)
        self[.hedge].append(attempt.hedge ? 1 : 0)
        self[.ruleVersion].append(Int64(attempt.ruleVersion))
        count += 1
    }

    /// Appends a row that comes cell by cell, in column order.
    mutating func append(cell: (Int) -> Int64) {
        for index in columns.indices { columns[index].append(cell(index)) }
        count += 1
    }

    mutating func removeLast() {
        for index in columns.indices { columns[index].removeLast() }
        count -= 1
    }

    /// Whether a row's codes are known and its enumerations in range; columns that were not read pass.
    func isValid(_ row: Int, names: Names) -> Bool {
        func within(_ column: Column, _ count: Int) -> Bool {
            self[column].isEmpty || (self[column][row] >= 0 && self[column][row] < Int64(count))
        }
        return within(.route, names[.route].count) && within(.host, names[.host].count)
            && within(.method, names[.method].count) && within(.outcome, Outcome.allCases.count)
            && within(.isGRPC, 2) && within(.hedge, 2)
    }

    /// The first column whose codes are unknown or whose enumeration is out of range.
    func invalidColumn(names: Names) -> Column? {
        let limits: [(Column, Int)] = [
            (.route, names[.route].count), (.host, names[.host].count), (.method, names[.method].count),
            (.outcome, Outcome.allCases.count), (.isGRPC, 2), (.hedge, 2),
        ]
        return limits.first { column, limit in
            self[column].contains { $0 < 0 || $0 >= Int64(limit) }
        }?.0
    }

    /// The same rows sorted by (route, start, attempt); ties keep their order of arrival.
    func sortedForSegment() -> Rows { inOrder(segmentOrder()) }

    /// The rows with those numbers, in that order.
    func inOrder(_ order: [Int32]) -> Rows {
        Rows(columns: columns.map { column in order.map { column[Int($0)] } }, count: order.count)
    }

    /// The numbers of the rows sorted as in a segment.
    func segmentOrder() -> [Int32] {
        self[.route].withUnsafeBufferPointer { route in
            self[.startUs].withUnsafeBufferPointer { startUs in
                self[.attempt].withUnsafeBufferPointer { attempt in
                    RowOrder.forSegment(route: route, startUs: startUs, attempt: attempt)
                }
            }
        }
    }

    /// Where each route's rows end, in rows sorted by route.
    var runEnds: [Int32] {
        let route = self[.route]
        var ends: [Int32] = []
        for row in route.indices where row + 1 == route.count || route[row + 1] != route[row] {
            ends.append(Int32(row + 1))
        }
        return ends
    }
}
