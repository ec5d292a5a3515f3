import Retry

/// The writing connection with what it remembers between transactions.
struct StoreWriter {
    let connection: Connection
    var names = Names()
    /// What the present transaction changes in the ledger.
    var ledger = LedgerChanges()
    private let insertRow: Statement
    private let insertSegment: Statement

    init(_ connection: Connection) throws(StoreError) {
        self.connection = connection
        try connection.execute("PRAGMA journal_mode = WAL")
        // FULL: a commit is on the disk when it returns, not only after the next checkpoint.
        try connection.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
        try StoreSchema.verify(on: connection)
        try StoreSchema.upgrade(on: connection)
        // Attempts are taken all the same: who asks the views is told.
        try? StoreDefinitions.renewViews(on: connection)
        let marks = Array(repeating: "?", count: Column.allCases.count + 1).joined(separator: ", ")
        insertRow = try connection.prepare("INSERT INTO tail (\(TailTable.columns), fingerprint) VALUES (\(marks))")
        insertSegment = try connection.prepare(
            """
            INSERT INTO segment (rows, first_start_us, last_start_us, min_route, max_route, success, error_status,
              rate_limited, timeout, connect_failure, reset, cancelled, zone_digest, data)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        // One state: between names and ledger another process may write.
        try connection.execute("BEGIN")
        defer { try? connection.execute("ROLLBACK") }
        try names.refresh(from: connection, ledger: Ledger.of(connection))
    }

    /// All of `body`, or nothing of it.
    mutating func transaction<Value>(
        _ body: (inout StoreWriter) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let before = names
        ledger = LedgerChanges()
        try connection.execute("BEGIN IMMEDIATE")
        defer { names.beStale() }
        do throws(StoreError) {
            let value = try body(&self)
            names.takeAdded(into: &ledger)
            try ledger.write(on: connection)
            try connection.execute("COMMIT")
            return value
        } catch {
            // Names that were added are not there after all.
            names = before
            insertRow.reset()
            insertSegment.reset()
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    // MARK: Tail

    mutating func addToTail(_ attempts: [Attempt]) throws(StoreError) {
        for attempt in attempts {
            let route = try names.code(of: attempt.route, .route, on: connection)
            let host = try names.code(of: attempt.host, .host, on: connection)
            let method = try names.code(of: attempt.method, .method, on: connection)
            let fingerprint = Fingerprint.of(
                attempt, route: names[.route].hashes[Int(route)], host: names[.host].hashes[Int(host)],
                method: names[.method].hashes[Int(method)])
            ledger.add(fingerprint, attempts: 1, to: .tail)
            bind(attempt, route: route, host: host, method: method)
            insertRow.bind(Int64(bitPattern: fingerprint), at: Int32(Column.allCases.count + 1))
            try insertRow.run()
        }
    }

    private func bind(_ attempt: Attempt, route: Int64, host: Int64, method: Int64) {
        func bind(_ value: Int64, _ column: Column) { insertRow.bind(value, at: Int32(column.rawValue)) }
        bind(attempt.startUs, .startUs)
        bind(attempt.durationUs, .durationUs)
        bind(route, .route)
        bind(host, .host)
        bind(Int64(bitPattern: attempt.request), .request)
        bind(Int64(attempt.attempt), .attempt)
        bind(attempt.waitUs, .waitUs)
        bind(Int64(attempt.outcome.rawValue), .outcome)
        bind(Int64(attempt.status), .status)
        bind(attempt.isGRPC ? 1 : 0, .isGRPC)
        bind(attempt.timeoutUs, .timeoutUs)
        bind(attempt.retryAfterUs, .retryAfterUs)
        bind(method, .method)
        bind(attempt.hedge ? 1 : 0, .hedge)
        bind(Int64(attempt.ruleVersion), .ruleVersion)
    }

    /// How many rows wait in the tail: row numbers run without gaps, for sealing empties the tail.
    func tailCount() throws(StoreError) -> Int {
        Int(try connection.integer("SELECT coalesce(max(id) - min(id) + 1, 0) FROM tail"))
    }

    // MARK: Segments

    /// Seals attempts that never saw the tail.
    mutating func addSegments(_ attempts: [Attempt]) throws(StoreError) {
        var start = 0
        while start < attempts.count {
            let slice = attempts[start..<min(start + Segment.rowLimit, attempts.count)]
            let codes = try slice.withUnsafeBufferPointer { (slice) throws(StoreError) -> [[Int64]] in
                try self.codes(of: slice)
            }
            let rows = slice.withUnsafeBufferPointer { Rows(sorting: $0, codes: codes) }
            try insert(sorted: rows)
            start += slice.count
        }
    }

    /// The codes of the attempts' names by kind; new names are added.
    private mutating func codes(of attempts: UnsafeBufferPointer<Attempt>) throws(StoreError) -> [[Int64]] {
        var codes = NameKind.allCases.map { _ in [Int64](repeating: 0, count: attempts.count) }
        // Few at a time, so that they stay in the nearest memory for all three; field by field, so that none is copied
        // with all of its strings.
        for start in stride(from: 0, to: attempts.count, by: 256) {
            let rows = start..<min(start + 256, attempts.count)
            try fill(&codes[NameKind.route.rawValue], rows, .route) { attempts[$0].route }
            try fill(&codes[NameKind.host.rawValue], rows, .host) { attempts[$0].host }
            try fill(&codes[NameKind.method.rawValue], rows, .method) { attempts[$0].method }
        }
        return codes
    }

    @inline(__always)
    private mutating func fill(
        _ codes: inout [Int64], _ rows: Range<Int>, _ kind: NameKind, _ name: (Int) -> String
    ) throws(StoreError) {
        var known = names[kind]
        for row in rows {
            if let code = known.code(of: name(row)) {
                codes[row] = code
                continue
            }
            // Given up first, or adding to the table would copy it.
            known = NameTable()
            codes[row] = try names.code(of: name(row), kind, on: connection)
            known = names[kind]
        }
    }

    /// Moves the whole tail into segments, in order of arrival; gives the number of segments made. A damaged row
    /// becomes a missing attempt: kept in the tail it would stop all sealing. So does one that the ledger knows of and
    /// that is not there.
    mutating func sealTail() throws(StoreError) -> Int {
        try names.refresh(from: connection, ledger: Ledger.of(connection))
        // Once and whole: where a page's keys are damaged, a second search could lead back to rows that are sealed.
        let select = try connection.prepare("SELECT \(TailTable.everything) FROM tail ORDER BY id")
        let (rows, _, damage) = try TailTable.read(select, names: names)
        let zone = ZoneMap(of: rows)
        var made = 0
        for start in stride(from: 0, to: rows.count, by: Segment.rowLimit) {
            let part = start..<min(start + Segment.rowLimit, rows.count)
            try insert(rows.inOrder(part.map { Int32($0) }))
            made += 1
        }
        for one in damage {
            // A damaged row's own time is not to be believed; that of its neighbours is, where there are any.
            let isAlone = rows.count == 0
            try addDropped(
                one.rows, fromUs: isAlone ? one.firstStartUs : zone.firstStartUs,
                toUs: isAlone ? one.lastStartUs : zone.lastStartUs, reason: "damaged in the tail: \(one.reason)")
        }
        try addMissing(besides: Int64(rows.count + damage.reduce(0) { $0 + $1.rows }), zone)
        try connection.execute("DELETE FROM tail")
        ledger.empty(.tail)
        return made
    }

    /// Rows of the tail that the ledger knows of, were not found, and become missing attempts.
    private mutating func addMissing(besides found: Int64, _ span: ZoneMap) throws(StoreError) {
        // What this very transaction has added is not in the ledger yet.
        guard let account = try Ledger(on: connection)[.tail] else { return }
        let missing = (account + ledger[.tail]).rows - found
        guard missing > 0 else { return }
        try addDropped(
            Int(clamping: missing), fromUs: span.firstStartUs, toUs: span.lastStartUs,
            reason: "lost from the tail: its pages are damaged")
    }

    mutating func addDropped(_ count: Int, fromUs: Int64, toUs: Int64, reason: String) throws(StoreError) {
        let insert = try connection.prepare(
            "INSERT INTO dropped (attempts, first_start_us, last_start_us, reason) VALUES (?, ?, ?, ?)")
        insert.bind(Int64(count), at: 1)
        insert.bind(min(fromUs, toUs), at: 2)
        insert.bind(max(fromUs, toUs), at: 3)
        insert.bind(reason, at: 4)
        try insert.run()
        let row = [connection.lastRowID, Int64(count), min(fromUs, toUs), max(fromUs, toUs)]
        ledger.add(Ledger.digest(integers: row, texts: [reason]), attempts: Int64(count), to: .dropped)
    }

    /// Sorts rows with codes of `names` and adds them as one segment.
    mutating func insert(_ rows: Rows) throws(StoreError) { try insert(sorted: rows.sortedForSegment()) }

    /// As `insert`, of rows that are sorted.
    mutating func insert(sorted rows: Rows) throws(StoreError) {
        try insert(SealedSegment(sorted: rows, places: try places(of: rows)))
    }

    /// The places of rows' hosts; new ones are added. `nil`: a route has too many.
    mutating func places(of rows: Rows) throws(StoreError) -> [Int64]? {
        let hostCount = names[.host].count
        return try names.routeHosts.places(of: rows, hostCount: hostCount, on: connection)
    }

    mutating func insert(_ sealed: SealedSegment) throws(StoreError) {
        let zone = sealed.zone
        let values =
            [Int64(zone.rows), zone.firstStartUs, zone.lastStartUs, zone.minRoute, zone.maxRoute] + zone.outcomes
            + [Int64(bitPattern: zone.checksum)]
        for (index, value) in values.enumerated() { insertSegment.bind(value, at: Int32(index + 1)) }
        insertSegment.bind(sealed.bytes, at: Int32(values.count + 1))
        try insertSegment.run()
        let digest = Ledger.segmentDigest(id: connection.lastRowID, zone: Int64(bitPattern: zone.checksum))
        ledger.add(digest, attempts: Int64(zone.rows), to: .segment)
    }

    /// The codes of names by kind; new ones are added.
    mutating func codes(of wanted: [[String]]) throws(StoreError) -> [[Int64]] {
        var codes = wanted.map { _ in [Int64]() }
        for kind in NameKind.allCases {
            for name in wanted[kind.rawValue] {
                codes[kind.rawValue].append(try names.code(of: name, kind, on: connection))
            }
        }
        return codes
    }
}
