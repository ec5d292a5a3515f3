/// The words that rows keep as numbers.
enum NameKind: Int, CaseIterable, Sendable {
    case route
    case host
    case method

    /// The SQL table of its names.
    var table: String {
        switch self {
        case .route: "route"
        case .host: "host"
        case .method: "method"
        }
    }

    /// Its line of the ledger.
    var part: Ledger.Part {
        switch self {
        case .route: .route
        case .host: .host
        case .method: .method
        }
    }
}

/// Names of one kind by code, shared by all segments of a store. Codes are 0, 1, 2, ... and never change meaning.
struct NameTable: Equatable, Sendable {
    private(set) var names: [String] = []
    /// Digest of each name, for fingerprints.
    private(set) var hashes: [UInt64] = []
    /// What the ledger must say of these names.
    private(set) var account = LedgerAccount()
    /// What names are found by: quicker than a digest, and good for nothing else.
    private var keys: [UInt64] = []
    /// Open addressing by key at a load of at most a half; a slot holds 1 + a code, 0 when free.
    private var slots = [Int32](repeating: 0, count: 64)

    var count: Int { names.count }

    func code(of name: String) -> Int64? {
        let key = Self.key(of: name)
        var slot = Int(truncatingIfNeeded: key) & (slots.count - 1)
        while slots[slot] != 0 {
            let code = Int(slots[slot]) - 1
            if keys[code] == key, names[code] == name { return Int64(code) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    mutating func add(_ name: String) {
        account.add(UInt64(bitPattern: Names.digest(name, code: Int64(names.count))))
        names.append(name)
        hashes.append(XXH64.hash(name))
        keys.append(Self.key(of: name))
        if 2 * names.count > slots.count {
            slots = Array(repeating: 0, count: 2 * slots.count)
            for code in names.indices { occupy(code) }
        } else {
            occupy(names.count - 1)
        }
    }

    private static func key(of name: String) -> UInt64 {
        var name = name
        return name.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            var key = UInt64(raw.count)
            var at = 0
            while at + 8 <= raw.count {
                key = mix(key, raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                at += 8
            }
            if at < raw.count {
                var rest: UInt64 = 0
                // The last eight bytes again, or the few that there are.
                if raw.count >= 8 {
                    rest = raw.loadUnaligned(fromByteOffset: raw.count - 8, as: UInt64.self)
                } else {
                    for byte in raw { rest = rest << 8 | UInt64(byte) }
                }
                key = mix(key, rest)
            }
            return key
        }
    }

    private static func mix(_ key: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (key ^ word) &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ mixed >> 32
    }

    private mutating func occupy(_ code: Int) {
        var slot = Int(truncatingIfNeeded: keys[code]) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(code + 1)
    }
}

/// The three name tables and the hosts of each route, as far as this process has read them.
struct Names: Equatable, Sendable {
    var tables = Array(repeating: NameTable(), count: NameKind.allCases.count)
    var routeHosts = RouteHosts()
    /// Whether the present write transaction has looked for names that others added: it keeps these away till its end.
    private var isFresh = false
    /// Names that the present transaction has added: the ledger does not know of them yet.
    private var added = Array(repeating: LedgerAccount(), count: NameKind.allCases.count)

    subscript(kind: NameKind) -> NameTable {
        _read { yield tables[kind.rawValue] }
        _modify { yield &tables[kind.rawValue] }
    }

    /// A write transaction begins or ends.
    mutating func beStale() { isFresh = false }

    /// Moves what was added into a transaction's changes.
    mutating func takeAdded(into changes: inout LedgerChanges) {
        for kind in NameKind.allCases {
            changes.add(added[kind.rawValue], to: kind.part)
            added[kind.rawValue] = LedgerAccount()
        }
        changes.add(routeHosts.takeAdded(), to: .routeHost)
    }

    /// Reads the names that were added since the last look, and holds what is there against the ledger.
    mutating func refresh(from connection: Connection, ledger: Ledger?) throws(StoreError) {
        for kind in NameKind.allCases {
            let statement = try connection.prepare(
                "SELECT code, name, digest FROM main.\(kind.table) WHERE code >= ? ORDER BY code")
            statement.bind(Int64(self[kind].count), at: 1)
            while try statement.step() {
                let (code, name) = (statement.integer(0), statement.text(1))
                guard code == Int64(self[kind].count), statement.integer(2) == Self.digest(name, code: code) else {
                    throw StoreError(
                        .damaged, path: connection.path,
                        "name \(code) of table \(kind.table) is damaged, so rows cannot be told apart by it")
                }
                self[kind].add(name)
            }
            try ledger?.require(self[kind].account - added[kind.rawValue], kind.part, path: connection.path)
        }
        try routeHosts.refresh(from: connection, ledger: ledger)
    }

    /// The code of a name; a new name is added. Only within a write transaction.
    mutating func code(of name: String, _ kind: NameKind, on connection: Connection) throws(StoreError) -> Int64 {
        if let known = self[kind].code(of: name) { return known }
        // Another writer may have added it.
        if !isFresh {
            try refresh(from: connection, ledger: Ledger.of(connection))
            isFresh = true
        }
        if let known = self[kind].code(of: name) { return known }
        let code = Int64(self[kind].count)
        let insert = try connection.prepare("INSERT INTO \(kind.table) (code, name, digest) VALUES (?, ?, ?)")
        insert.bind(code, at: 1)
        insert.bind(name, at: 2)
        insert.bind(Self.digest(name, code: code), at: 3)
        try insert.run()
        added[kind.rawValue].add(UInt64(bitPattern: Self.digest(name, code: code)))
        self[kind].add(name)
        return code
    }

    static func digest(_ name: String, code: Int64) -> Int64 {
        Int64(bitPattern: XXH64.hash(name, seed: UInt64(bitPattern: code)))
    }
}
