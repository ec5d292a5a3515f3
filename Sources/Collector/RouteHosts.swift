/// The hosts of each route by place 0, 1, 2, ..., shared by all segments of a store: a segment keeps a host as its
/// place, which takes two bits where a route has four hosts. A place never changes meaning.
struct RouteHosts: Equatable, Sendable {
    /// Beyond this many hosts a route gets no more places; segments keep the hosts' codes then.
    static let limit = 4_096

    /// Host codes by route code and place.
    private(set) var hosts: [[Int64]] = []
    /// What the ledger must say of these places.
    private var account = LedgerAccount()
    /// Places that the present transaction has added: the ledger does not know of them yet.
    private var added = LedgerAccount()

    static let table = """
        CREATE TABLE IF NOT EXISTS route_host (
          id INTEGER PRIMARY KEY, route INTEGER NOT NULL, place INTEGER NOT NULL, host INTEGER NOT NULL,
          digest INTEGER NOT NULL);
        """

    /// How many places there are in all.
    var count: Int { Int(account.rows) }

    subscript(route: Int64) -> [Int64] {
        route >= 0 && route < Int64(hosts.count) ? hosts[Int(route)] : []
    }

    /// Gives a host the next place of a route.
    mutating func add(_ host: Int64, route: Int64) {
        let digest = Self.digest(id: Int64(count), route: route, place: Int64(self[route].count), host: host)
        while hosts.count <= Int(route) { hosts.append([]) }
        hosts[Int(route)].append(host)
        account.add(UInt64(bitPattern: digest))
    }

    /// What the present transaction has added; it has added nothing then.
    mutating func takeAdded() -> LedgerAccount {
        defer { added = LedgerAccount() }
        return added
    }

    /// Reads the places that were added since the last look, and holds what is there against the ledger.
    mutating func refresh(from connection: Connection, ledger: Ledger?) throws(StoreError) {
        // A store of the first format has neither, and may be given both meanwhile by a writer.
        if ledger == nil, try !isThere(on: connection) { return }
        let statement = try connection.prepare(
            "SELECT id, route, place, host, digest FROM main.route_host WHERE id >= ? ORDER BY id")
        statement.bind(Int64(count), at: 1)
        while try statement.step() {
            let (id, route, place) = (statement.integer(0), statement.integer(1), statement.integer(2))
            let host = statement.integer(3)
            guard id == Int64(count), 0..<1 << 32 ~= route, 0..<1 << 32 ~= host, place == Int64(self[route].count),
                statement.integer(4) == Self.digest(id: id, route: route, place: place, host: host)
            else {
                throw StoreError(
                    .damaged, path: connection.path,
                    "place \(id) of table route_host is damaged, so hosts cannot be told apart by it")
            }
            add(host, route: route)
        }
        try ledger?.require(account - added, .routeHost, path: connection.path)
    }

    private func isThere(on connection: Connection) throws(StoreError) -> Bool {
        try connection.integer("SELECT count(*) FROM main.sqlite_schema WHERE name = 'route_host'") == 1
    }

    /// The place of every row's host, for rows sorted by route; new hosts are given places in the store. Only within a
    /// write transaction. `nil`: a route has too many hosts.
    mutating func places(of rows: Rows, hostCount: Int, on connection: Connection) throws(StoreError) -> [Int64]? {
        var isFresh = false
        var insert: Statement?
        let (route, host) = (rows[.route], rows[.host])
        var places = [Int64](repeating: 0, count: rows.count)
        var known = [Int64](repeating: -1, count: hostCount)
        var start = 0
        while start < route.count {
            let code = route[start]
            mark(code, in: &known)
            var row = start
            while row < route.count, route[row] == code {
                let one = Int(host[row])
                if known[one] < 0, !isFresh {
                    // Another writer may have added it.
                    try refresh(from: connection, ledger: Ledger.of(connection))
                    isFresh = true
                    mark(code, in: &known)
                }
                if known[one] < 0 {
                    guard self[code].count < Self.limit else { return nil }
                    if insert == nil { insert = try connection.prepare(Self.insertion) }
                    if let insert { known[one] = try add(host[row], route: code, insert) }
                }
                places[row] = known[one]
                row += 1
            }
            for host in self[code] { known[Int(host)] = -1 }
            start = row
        }
        return places
    }

    /// Notes the places of a route's hosts by their codes.
    private func mark(_ route: Int64, in known: inout [Int64]) {
        for (place, host) in self[route].enumerated() {
            // The names may have been read a moment before the places.
            if host >= Int64(known.count) { known += repeatElement(-1, count: Int(host) + 1 - known.count) }
            known[Int(host)] = Int64(place)
        }
    }

    private static let insertion = "INSERT INTO route_host (id, route, place, host, digest) VALUES (?, ?, ?, ?, ?)"

    private mutating func add(_ host: Int64, route: Int64, _ insert: Statement) throws(StoreError) -> Int64 {
        let (id, place) = (Int64(count), Int64(self[route].count))
        let values = [id, route, place, host, Self.digest(id: id, route: route, place: place, host: host)]
        for (index, value) in values.enumerated() { insert.bind(value, at: Int32(index + 1)) }
        try insert.run()
        add(host, route: route)
        added.add(UInt64(bitPattern: values[4]))
        return place
    }

    private static func digest(id: Int64, route: Int64, place: Int64, host: Int64) -> Int64 {
        Int64(bitPattern: XXH64.hash(words: [id, route, place, host].map { UInt64(bitPattern: $0) }))
    }
}
