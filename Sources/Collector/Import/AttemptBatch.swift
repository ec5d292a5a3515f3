import Retry

/// Attempts on their way to the target, as columns; names are codes of `names`, which only this import knows.
struct AttemptBatch {
    /// The names of all batches of the import.
    private(set) var names = Names()
    private(set) var count = 0

    private let limit: Int
    private var columns: [[Int64]] = []
    /// Codes of `names` by scanner, kind and the scanner's own code.
    private var codes: [Int: [[Int64]]] = [:]

    /// - Parameter limit: most attempts of a batch.
    init(limit: Int) { self.limit = max(1, limit) }

    var isFull: Bool { count == limit }

    /// Learns the names that are new in a chunk: to be called once for each, in the order of the lines, before `add`.
    mutating func learn(_ chunk: LineChunk) {
        if chunk.names.isEmpty { return }
        var maps = codes.removeValue(forKey: chunk.scanner) ?? NameKind.allCases.map { _ in [] }
        for kind in NameKind.allCases {
            for name in chunk.names[kind.rawValue] {
                let known = names[kind].code(of: name)
                maps[kind.rawValue].append(known ?? Int64(names[kind].count))
                if known == nil { names[kind].add(name) }
            }
        }
        codes[chunk.scanner] = maps
    }

    /// Adds attempts of a chunk from one of them on, as many as there is room for; gives their number.
    mutating func add(_ chunk: LineChunk, from first: Int) -> Int {
        let added = min(chunk.rows - first, limit - count)
        if added == 0 { return 0 }
        reserve(count + added)
        chunk.words.withUnsafeBufferPointer { words in
            guard let start = words.baseAddress else { return }
            let from = start + first * Column.allCases.count
            for column in Column.allCases {
                let map = NameKind(of: column).flatMap { codes[chunk.scanner]?[$0.rawValue] }
                columns[column.index].withUnsafeMutableBufferPointer { out in
                    guard let to = out.baseAddress else { return }
                    Self.copy(from + column.index, to + count, added, map)
                }
            }
        }
        count += added
        return added
    }

    /// One column of rows, its codes translated by `map`.
    private static func copy(
        _ from: UnsafePointer<Int64>, _ to: UnsafeMutablePointer<Int64>, _ count: Int, _ map: [Int64]?
    ) {
        let width = Column.allCases.count
        guard let map else {
            for row in 0..<count { to[row] = from[row * width] }
            return
        }
        for row in 0..<count { to[row] = map[Int(from[row * width])] }
    }

    /// Makes every column at least so long; what is beyond `count` is of no meaning.
    private mutating func reserve(_ wanted: Int) {
        if columns.isEmpty { columns = Column.allCases.map { _ in [] } }
        for index in columns.indices where columns[index].count < wanted {
            let length = min(limit, max(wanted, 2 * columns[index].count))
            columns[index].reserveCapacity(length)
            columns[index] += repeatElement(0, count: length - columns[index].count)
        }
    }

    /// The attempts so far, which leave the batch.
    mutating func take() -> Rows {
        for index in columns.indices { columns[index].removeLast(columns[index].count - count) }
        defer { (columns, count) = ([], 0) }
        return Rows(columns: columns, count: count)
    }

}

extension NameKind {
    /// The kind of name that a column keeps as a code.
    init?(of column: Column) {
        switch column {
        case .route: self = .route
        case .host: self = .host
        case .method: self = .method
        default: return nil
        }
    }

    /// The column of codes of these names.
    var column: Column {
        switch self {
        case .route: .route
        case .host: .host
        case .method: .method
        }
    }
}

extension Rows {
    /// A row as an attempt. Its codes must be of `names`.
    func attempt(_ row: Int, names: Names) -> Attempt {
        func name(_ kind: NameKind) -> String { names[kind].names[Int(self[kind.column][row])] }
        return Attempt(
            startUs: self[.startUs][row], durationUs: self[.durationUs][row], route: name(.route), host: name(.host),
            request: UInt64(bitPattern: self[.request][row]), attempt: Int(self[.attempt][row]),
            waitUs: self[.waitUs][row], outcome: Outcome.allCases[Int(self[.outcome][row])],
            status: Int(self[.status][row]), isGRPC: self[.isGRPC][row] != 0, timeoutUs: self[.timeoutUs][row],
            retryAfterUs: self[.retryAfterUs][row], method: name(.method), hedge: self[.hedge][row] != 0,
            ruleVersion: Int(self[.ruleVersion][row]))
    }

}
