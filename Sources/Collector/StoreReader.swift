import Retry
import Synchronization

/// Which rows are wanted. The end is exclusive; `nil`: no bound.
struct RowFilter: Equatable, Sendable {
    var fromUs: Int64?
    var toUs: Int64?
    var routeCode: Int64?

    var lowUs: Int64 { fromUs ?? .min }

    func admits(startUs: Int64) -> Bool { startUs >= lowUs && toUs.map { startUs < $0 } ?? true }

    /// Whether rows of the zone can be wanted.
    func overlaps(_ zone: ZoneMap) -> Bool {
        zone.lastStartUs >= lowUs && toUs.map { zone.firstStartUs < $0 } ?? true
            && routeCode.map { zone.minRoute <= $0 && zone.maxRoute >= $0 } ?? true
    }
}

/// One read connection. Everything between `begin` and `end` sees one state of the store: rows that are sealed
/// meanwhile are neither lost nor seen twice.
final class StoreReader: Sendable {
    let connection: Connection
    let cache: SegmentCache
    private struct View {
        var ledger: Ledger?
    }

    /// The names that were read, and the ledger that they were held against.
    private struct Known {
        var names = Names()
        var ledger: Ledger?
    }

    private let known = Mutex(Known())
    /// The state between `begin` and `end`.
    private let view = Mutex<View?>(nil)
    /// What was read and found to be what the ledger says: good for as long as the ledger says the same.
    private let listed = Mutex<(account: LedgerAccount, entries: [SegmentEntry])?>(nil)
    private let waiting = Mutex<TailTable.Checked?>(nil)

    init(path: String, cache: SegmentCache) throws(StoreError) {
        switch ReadAccess.of(path: path) {
        case .ordinary: connection = try Connection(path: path, access: .readOnly)
        case .immutable: connection = try Connection(path: path, access: .immutable)
        case .refused: throw StoreError(.cannotOpen, path: path, ReadAccess.refusal)
        }
        self.cache = cache
        try connection.execute("PRAGMA query_only = ON")
    }

    /// A reader on a connection that somebody else opened.
    init(borrowing connection: Connection, cache: SegmentCache) {
        self.connection = connection
        self.cache = cache
    }

    /// The names as of the state that is being read.
    func names() throws(StoreError) -> Names {
        let ledger = try ledger()
        return try known.withLock { (known) throws(StoreError) in
            if let ledger, known.ledger.map(ledger.hasSameNames) ?? false { return known.names }
            try known.names.refresh(from: connection, ledger: ledger)
            known.ledger = ledger
            return known.names
        }
    }

    func begin() throws(StoreError) {
        try connection.execute("BEGIN")
        do throws(StoreError) {
            try beginHeld()
        } catch {
            // Who asks again must meet this fault, not a transaction that nobody ended.
            end()
            throw error
        }
    }

    /// As `begin`, where the caller keeps the state in place.
    func beginHeld() throws(StoreError) {
        // At once: later the connection may be allowed nothing but to read tables.
        let ledger = try Ledger.of(connection)
        view.withLock { $0 = View(ledger: ledger) }
    }

    /// What `beginHeld` began.
    func endHeld() { view.withLock { $0 = nil } }

    func end() {
        view.withLock { $0 = nil }
        try? connection.execute("ROLLBACK")
    }

    /// What the store says it holds in the state that is being read; `nil`: it is of version 1 and does not say.
    func ledger() throws(StoreError) -> Ledger? {
        if let view = view.withLock({ $0 }) { return view.ledger }
        // Outside of `begin` and `end` another state may be read next.
        return try Ledger.of(connection)
    }

    /// The segments that can hold wanted rows, oldest first. One that is damaged can hold any, for its zone is not to
    /// be believed; what the ledger knows of and is not there stands at the end, as such a one.
    func segments(_ filter: RowFilter) throws(StoreError) -> [SegmentEntry] {
        try everySegment().filter { !$0.isSound || filter.overlaps($0.zone) }
    }

    private func everySegment() throws(StoreError) -> [SegmentEntry] {
        let ledger = try ledger()
        if let account = ledger?[.segment], let kept = listed.withLock({ $0?.account == account ? $0?.entries : nil }) {
            return kept
        }
        // Always the whole list, which is short: a part of it cannot be held against the ledger.
        let statement = try connection.prepare(
            """
            SELECT id, zone_digest, rows, first_start_us, last_start_us, min_route, max_route, success, error_status,
              rate_limited, timeout, connect_failure, reset, cancelled
            FROM main.segment NOT INDEXED
            """)
        var found: [SegmentEntry] = []
        var account = LedgerAccount()
        while try statement.step() {
            let zone = ZoneMap(
                rows: Int(statement.integer(2)), firstStartUs: statement.integer(3), lastStartUs: statement.integer(4),
                minRoute: statement.integer(5), maxRoute: statement.integer(6),
                outcomes: (7..<14).map { statement.integer($0) })
            let (id, digest) = (statement.integer(0), statement.integer(1))
            account.add(Ledger.segmentDigest(id: id, zone: digest), attempts: statement.integer(2))
            found.append(SegmentEntry(id: id, zone: zone, isSound: UInt64(bitPattern: digest) == zone.checksum))
        }
        found.sort { ($0.zone.firstStartUs, $0.id) < ($1.zone.firstStartUs, $1.id) }
        guard let ledger else { return found }
        if let fault = ledger.objection(to: account, .segment) {
            return SegmentEntry.explained(found, account: ledger[.segment], fault: fault)
        }
        let entries = found
        listed.withLock { $0 = (account, entries) }
        return entries
    }

    /// A segment whose header was checked, or what is wrong with it; its columns are checked as they are read.
    func load(_ entry: SegmentEntry) throws(StoreError) -> Result<Segment, DecodingError> {
        guard entry.isSound else { return .failure(DecodingError(reason: entry.fault)) }
        if let kept = cache.segment(entry.id) { return .success(kept) }
        let statement = try connection.prepare("SELECT data FROM main.segment WHERE id = ?")
        statement.bind(entry.id, at: 1)
        guard try statement.step() else { return .failure(DecodingError(reason: "its row is gone")) }
        let bytes = statement.blob(0, padding: Segment.padding)
        let hosts = try names().routeHosts
        do throws(DecodingError) {
            let segment = try Segment(padded: bytes, zone: entry.zone, hosts: hosts)
            cache.keep(segment, id: entry.id)
            return .success(segment)
        } catch {
            return .failure(error)
        }
    }

    /// The rows of the tail and their ids, sorted as in a segment: all of them, for a part cannot be held against the
    /// ledger, and a row's own time is not to be believed before it was checked.
    func tail(names: Names) throws(StoreError) -> (rows: Rows, ids: [Int64], damage: [SegmentDamage]) {
        let ledger = try ledger()
        if let account = ledger?[.tail], let kept = waiting.withLock({ $0?.account == account ? $0 : nil }) {
            return (kept.rows, kept.ids, [])
        }
        let statement = try connection.prepare("SELECT \(TailTable.everything) FROM main.tail")
        let (unsorted, ids, found) = try TailTable.read(statement, names: names)
        let order = unsorted.segmentOrder()
        let tail = TailTable.Checked(
            account: TailTable.account(of: unsorted, names: names), rows: unsorted.inOrder(order),
            ids: order.map { ids[Int($0)] })
        let damage = ledger.map { TailTable.damage(found, tail, ledger: $0) } ?? found
        if damage.isEmpty, ledger != nil { waiting.withLock { $0 = tail } }
        return (tail.rows, tail.ids, damage)
    }
}

extension StoreReader {
    /// How many attempts never arrived, of all drops that overlap the filter's time.
    func dropped(_ filter: RowFilter) throws(StoreError) -> Int {
        let statement = try connection.prepare(Ledger.query(.dropped))
        var account = LedgerAccount()
        var attempts = 0
        while try statement.step() {
            account.add(Ledger.droppedDigest(statement), attempts: statement.integer(1))
            let isWanted =
                statement.integer(3) >= filter.lowUs && filter.toUs.map { statement.integer(2) < $0 } ?? true
            if isWanted { attempts = attempts.addingReportingOverflow(Int(statement.integer(1))).partialValue }
        }
        try ledger()?.require(account, .dropped, path: connection.path)
        return attempts
    }

    /// The versions of the rules, oldest first.
    func ruleSets() throws(StoreError) -> [RuleSetRecord] {
        let statement = try connection.prepare(Ledger.query(.ruleSet))
        var account = LedgerAccount()
        var found: [RuleSetRecord] = []
        while try statement.step() {
            account.add(Ledger.ruleSetDigest(statement))
            found.append(
                RuleSetRecord(
                    version: Int(statement.integer(0)), atUs: statement.integer(1), who: statement.text(2),
                    why: statement.text(3), yaml: statement.text(4)))
        }
        try ledger()?.require(account, .ruleSet, path: connection.path)
        return found.sorted { $0.version < $1.version }
    }
}
