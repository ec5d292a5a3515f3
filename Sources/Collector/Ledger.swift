/// What the store says it holds, part by part: how many rows, how many attempts, and the sum of the rows' digests.
///
/// Every row of a store carries a digest, so a changed row is known by itself. A row that is gone, or that is there
/// twice, is not: SQLite's pages have no checksum, and one wrong bit in a page's head can hide all of its rows. The
/// ledger is written in the transaction that changes the rows, and what is read is held against it.
struct Ledger: Equatable, Sendable {
    /// What is counted; a number never changes meaning.
    enum Part: Int64, CaseIterable, Sendable {
        case route = 1
        case host = 2
        case method = 3
        case tail = 4
        case segment = 5
        case dropped = 6
        case ruleSet = 7
        case routeHost = 8
        case history = 9
        case historyDropped = 10

        /// How messages call it.
        var name: String {
            switch self {
            case .route: "the names of routes"
            case .host: "the names of hosts"
            case .method: "the names of methods"
            case .tail: "the tail"
            case .segment: "the list of segments"
            case .dropped: "the list of drops"
            case .ruleSet: "the rule history"
            case .routeHost: "the places of hosts"
            case .history: "the history"
            case .historyDropped: "the history of drops"
            }
        }
    }

    static let table = """
        CREATE TABLE ledger (
          part INTEGER PRIMARY KEY, rows INTEGER NOT NULL, attempts INTEGER NOT NULL, sum INTEGER NOT NULL,
          digest INTEGER NOT NULL);
        """

    private var accounts: [Part: LedgerAccount] = [:]

    /// Reads the ledger; an account that is missing or damaged has no entry.
    init(on connection: Connection) throws(StoreError) {
        let statement = try connection.prepare("SELECT part, rows, attempts, sum, digest FROM main.ledger")
        while try statement.step() {
            guard let part = Part(rawValue: statement.integer(0)) else { continue }
            let account = LedgerAccount(
                rows: statement.integer(1), attempts: statement.integer(2),
                sum: UInt64(bitPattern: statement.integer(3)))
            if statement.integer(4) == account.digest(of: part) { accounts[part] = account }
        }
    }

    /// The ledger of a store; `nil`: it is of version 1, which had none.
    static func of(_ connection: Connection) throws(StoreError) -> Ledger? {
        try connection.integer("PRAGMA user_version") < 2 ? nil : Ledger(on: connection)
    }

    subscript(part: Part) -> LedgerAccount? { accounts[part] }

    /// Whether the names that were held against the other ledger are all that there are.
    func hasSameNames(as other: Ledger) -> Bool {
        [.route, .host, .method, .routeHost].allSatisfy { self[$0] != nil && self[$0] == other[$0] }
    }

    /// Why what was found is not what the ledger says, in one line; `nil` when it is.
    func objection(to found: LedgerAccount, _ part: Part) -> String? {
        guard let account = accounts[part] else { return "its line of the ledger is damaged" }
        if found.rows != account.rows {
            return "\(account.rows) rows were written, \(found.rows) can be read"
        }
        return found == account ? nil : "rows are not those that were written"
    }

    /// Fails unless what was found is what the ledger says.
    func require(_ found: LedgerAccount, _ part: Part, path: String) throws(StoreError) {
        if let objection = objection(to: found, part) {
            throw StoreError(.damaged, path: path, "\(part.name) cannot be trusted: \(objection)")
        }
    }
}

/// One line of the ledger.
struct LedgerAccount: Equatable, Sendable {
    var rows: Int64 = 0
    var attempts: Int64 = 0
    /// The sum of the rows' digests, modulo 2^64: the order of the rows does not matter, a row that is there twice
    /// does.
    var sum: UInt64 = 0

    mutating func add(_ digest: UInt64, attempts more: Int64 = 0) {
        rows &+= 1
        attempts &+= more
        sum &+= digest
    }

    mutating func remove(_ digest: UInt64, attempts fewer: Int64 = 0) {
        rows &-= 1
        attempts &-= fewer
        sum &-= digest
    }

    static func + (left: Self, right: Self) -> Self {
        Self(
            rows: left.rows &+ right.rows, attempts: left.attempts &+ right.attempts, sum: left.sum &+ right.sum)
    }

    static func - (left: Self, right: Self) -> Self {
        Self(
            rows: left.rows &- right.rows, attempts: left.attempts &- right.attempts, sum: left.sum &- right.sum)
    }

    func digest(of part: Ledger.Part) -> Int64 {
        Int64(
            bitPattern: XXH64.hash(words: [
                UInt64(bitPattern: part.rawValue), UInt64(bitPattern: rows), UInt64(bitPattern: attempts), sum,
            ]))
    }
}

/// What a transaction adds to the ledger and takes from it.
struct LedgerChanges {
    private var changes: [Ledger.Part: LedgerAccount] = [:]
    private var emptied: Set<Ledger.Part> = []

    mutating func add(_ digest: UInt64, attempts: Int64 = 0, to part: Ledger.Part) {
        changes[part, default: LedgerAccount()].add(digest, attempts: attempts)
    }

    mutating func add(_ account: LedgerAccount, to part: Ledger.Part) {
        if account != LedgerAccount() { changes[part] = self[part] + account }
    }

    subscript(part: Ledger.Part) -> LedgerAccount { changes[part] ?? LedgerAccount() }

    mutating func remove(_ digest: UInt64, attempts: Int64 = 0, from part: Ledger.Part) {
        changes[part, default: LedgerAccount()].remove(digest, attempts: attempts)
    }

    /// The part has no rows any more, whatever the ledger said of them.
    mutating func empty(_ part: Ledger.Part) {
        changes[part] = nil
        emptied.insert(part)
    }

    /// Writes the changes, within the transaction that they are of.
    func write(on connection: Connection) throws(StoreError) {
        for part in Set(changes.keys).union(emptied) {
            let change = changes[part] ?? LedgerAccount()
            guard !emptied.contains(part) else {
                try Self.put(change, digest: change.digest(of: part), part, on: connection)
                continue
            }
            let select = try connection.prepare("SELECT rows, attempts, sum, digest FROM ledger WHERE part = ?")
            select.bind(part.rawValue, at: 1)
            // A line that is gone stays gone: it would say that there is less than there is.
            guard try select.step() else { continue }
            let before = LedgerAccount(
                rows: select.integer(0), attempts: select.integer(1), sum: UInt64(bitPattern: select.integer(2)))
            // What was wrong before stays wrong: writing goes on, and no write makes damage look sound.
            let fault = select.integer(3) ^ before.digest(of: part)
            select.reset()
            let after = before + change
            try Self.put(after, digest: after.digest(of: part) ^ fault, part, on: connection)
        }
    }

    private static func put(
        _ account: LedgerAccount, digest: Int64, _ part: Ledger.Part, on connection: Connection
    ) throws(StoreError) {
        let insert = try connection.prepare(
            "INSERT OR REPLACE INTO ledger (part, rows, attempts, sum, digest) VALUES (?, ?, ?, ?, ?)")
        let values = [part.rawValue, account.rows, account.attempts, Int64(bitPattern: account.sum), digest]
        for (index, value) in values.enumerated() { insert.bind(value, at: Int32(index + 1)) }
        try insert.run()
    }
}

extension Ledger {
    /// Writes down what is there now, as what shall be there: for a store that is new or had no ledger, and after what
    /// is damaged was given up and counted as missing.
    static func count(_ parts: [Part] = Part.allCases, on connection: Connection) throws(StoreError) {
        var changes = LedgerChanges()
        for part in parts {
            changes.empty(part)
            changes.add(try account(of: part, on: connection), to: part)
        }
        try changes.write(on: connection)
    }

    /// What a part holds, by its rows' own digests.
    static func account(of part: Part, on connection: Connection) throws(StoreError) -> LedgerAccount {
        let statement = try connection.prepare(query(part))
        var account = LedgerAccount()
        while try statement.step() {
            switch part {
            case .route, .host, .method, .routeHost: account.add(UInt64(bitPattern: statement.integer(0)))
            case .tail: account.add(UInt64(bitPattern: statement.integer(0)), attempts: 1)
            case .segment:
                account.add(
                    segmentDigest(id: statement.integer(0), zone: statement.integer(1)),
                    attempts: statement.integer(2))
            case .dropped: account.add(droppedDigest(statement), attempts: statement.integer(1))
            case .ruleSet: account.add(ruleSetDigest(statement))
            case .history, .historyDropped:
                account.add(UInt64(bitPattern: statement.integer(0)), attempts: statement.integer(1))
            }
        }
        return account
    }

    /// The columns that a row's digest is made of.
    static func query(_ part: Part) -> String {
        switch part {
        case .route, .host, .method: "SELECT digest FROM main.\(part)"
        case .routeHost: "SELECT digest FROM main.route_host"
        case .tail: "SELECT fingerprint FROM main.tail"
        case .segment: "SELECT id, zone_digest, rows FROM main.segment"
        case .dropped: "SELECT id, attempts, first_start_us, last_start_us, reason FROM main.dropped"
        case .ruleSet: "SELECT version, at_us, who, why, yaml FROM main.rule_set"
        case .history: "SELECT digest, attempts FROM main.hour_summary"
        case .historyDropped: "SELECT digest, attempts FROM main.hour_dropped"
        }
    }

    static func segmentDigest(id: Int64, zone: Int64) -> UInt64 {
        XXH64.hash(words: [UInt64(bitPattern: id), UInt64(bitPattern: zone)])
    }

    /// Of a row as `query` asks for it.
    static func droppedDigest(_ row: Statement) -> UInt64 {
        digest(integers: (0..<4).map { row.integer($0) }, texts: [row.text(4)])
    }

    /// Of a row as `query` asks for it.
    static func ruleSetDigest(_ row: Statement) -> UInt64 {
        digest(integers: (0..<2).map { row.integer($0) }, texts: (2..<5).map { row.text($0) })
    }

    static func digest(integers: [Int64], texts: [String]) -> UInt64 {
        XXH64.hash(words: integers.map { UInt64(bitPattern: $0) } + texts.map { XXH64.hash($0) })
    }
}
