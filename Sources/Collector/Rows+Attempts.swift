import Retry

extension Rows {
    /// Attempts as rows sorted for a segment, with the codes of their names beside them.
    ///
    /// - Parameter codes: by kind of name, one a row.
    init(sorting attempts: UnsafeBufferPointer<Attempt>, codes: [[Int64]]) {
        let count = attempts.count
        let numbers = Column.allCases.count
        let space = UnsafeMutablePointer<Int64>.allocate(capacity: numbers * max(1, count))
        defer { space.deallocate() }
        func column(_ column: Column) -> UnsafeMutablePointer<Int64> { space + column.index * count }
        Self.fill(space, attempts)
        for kind in NameKind.allCases {
            codes[kind.rawValue].withUnsafeBufferPointer {
                if let from = $0.baseAddress { column(kind.column).update(from: from, count: count) }
            }
        }
        let order = RowOrder.forSegment(
            route: UnsafeBufferPointer(start: column(.route), count: count),
            startUs: UnsafeBufferPointer(start: column(.startUs), count: count),
            attempt: UnsafeBufferPointer(start: column(.attempt), count: count))
        self.init(
            columns: Column.allCases.map { Self.gather(UnsafeBufferPointer(start: column($0), count: count), order) },
            count: count)
    }

    /// All columns but the names, one behind the other. One pass: attempts are large and lie in memory but once.
    private static func fill(_ space: UnsafeMutablePointer<Int64>, _ attempts: UnsafeBufferPointer<Attempt>) {
        let count = attempts.count
        func column(_ column: Column) -> UnsafeMutablePointer<Int64> { space + column.index * count }
        let (startUs, durationUs, request) = (column(.startUs), column(.durationUs), column(.request))
        let (attempt, waitUs, outcome, status) = (column(.attempt), column(.waitUs), column(.outcome), column(.status))
        let (isGRPC, timeoutUs, retryAfterUs) = (column(.isGRPC), column(.timeoutUs), column(.retryAfterUs))
        let (hedge, ruleVersion) = (column(.hedge), column(.ruleVersion))
        for index in 0..<count {
            startUs[index] = attempts[index].startUs
            durationUs[index] = attempts[index].durationUs
            request[index] = Int64(bitPattern: attempts[index].request)
            attempt[index] = Int64(attempts[index].attempt)
            waitUs[index] = attempts[index].waitUs
            outcome[index] = Int64(attempts[index].outcome.rawValue)
            status[index] = Int64(attempts[index].status)
            isGRPC[index] = attempts[index].isGRPC ? 1 : 0
            timeoutUs[index] = attempts[index].timeoutUs
            retryAfterUs[index] = attempts[index].retryAfterUs
            hedge[index] = attempts[index].hedge ? 1 : 0
            ruleVersion[index] = Int64(attempts[index].ruleVersion)
        }
    }

    private static func gather(_ column: UnsafeBufferPointer<Int64>, _ order: [Int32]) -> [Int64] {
        guard let first = column.first else { return [] }
        if column.allSatisfy({ $0 == first }) { return Array(repeating: first, count: column.count) }
        return [Int64](unsafeUninitializedCapacity: column.count) { out, filled in
            for index in 0..<order.count { out[index] = column[Int(order[index])] }
            filled = order.count
        }
    }
}
