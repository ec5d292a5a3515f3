import Retry

@testable import Collector

/// What `attempts` would be as a plain table of SQLite.
enum PlainTable {
    static func of(_ attempts: [Attempt]) throws -> Connection {
        let plain = try Connection(path: ":memory:", access: .create)
        try plain.execute(AttemptsTable.declaration)
        let marks = Array(repeating: "?", count: Column.allCases.count).joined(separator: ", ")
        let insert = try plain.prepare("INSERT INTO attempts VALUES (\(marks))")
        for one in attempts {
            func bind(_ value: Int64, _ column: Column) { insert.bind(value, at: Int32(column.rawValue)) }
            bind(one.startUs, .startUs)
            bind(one.durationUs, .durationUs)
            insert.bind(one.route, at: Int32(Column.route.rawValue))
            insert.bind(one.host, at: Int32(Column.host.rawValue))
            bind(Int64(bitPattern: one.request), .request)
            bind(Int64(one.attempt), .attempt)
            bind(one.waitUs, .waitUs)
            insert.bind(one.outcome.name, at: Int32(Column.outcome.rawValue))
            bind(Int64(one.status), .status)
            bind(one.isGRPC ? 1 : 0, .isGRPC)
            bind(one.timeoutUs, .timeoutUs)
            bind(one.retryAfterUs, .retryAfterUs)
            insert.bind(one.method, at: Int32(Column.method.rawValue))
            bind(one.hedge ? 1 : 0, .hedge)
            bind(Int64(one.ruleVersion), .ruleVersion)
            try insert.run()
        }
        return plain
    }

    static func answer(_ sql: String, on plain: Connection) throws -> (columns: [String], rows: [[QueryValue]]) {
        let statement = try plain.prepare(sql)
        var rows: [[QueryValue]] = []
        while try statement.step() { rows.append(statement.columnNames.indices.map { statement.value($0) }) }
        return (statement.columnNames, rows)
    }
}
