import Retry
import Synchronization

/// Which rows are wanted. The end is exclusive; `nil`: no bound.
struct RowFilter: Equatable, Sendable {
    var fromUs: Int64?
    var toUs: Int64?
    var routeCode: Int64?

    var lowUs: Int64 { fromUs ?? .min }

    func admits(startUs: Int64) -> Bool { startUs >= lowUs && toUs.map { startUs < $0 } ?? true }
}

/// One read connection. Everything between `begin` and `end` sees one state of the store: rows that are sealed
/// meanwhile are neither lost nor seen twice.
final class StoreReader: Sendable {
    let connection: Connection
    private let cache: SegmentCache
    private let known = Mutex(Names())

    init(path: String, cache: SegmentCache) throws(StoreError) {
        switch ReadAccess.of(path: path) {
        case .ordinary: connection = try Connection(path: path, access: .readOnly)
        case .immutable: connection = try Connection(path: path, access: .immutable)
        case .refused: throw StoreError(.cannotOpen, path: path, ReadAccess.refusal)
        }
        self.cache = cache
        try connection.execute("PRAGMA query_only = ON")
    }

    /// The names as of the state that is being read.
    func names() throws(StoreError) -> Names {
        try known.withLock { (names) throws(StoreError) in
            try names.refresh(from: connection)
            return names
        }
    }

    func begin() throws(StoreError) { try connection.execute("BEGIN") }

    func end() { try? connection.execute("ROLLBACK") }

    /// The segments that can hold wanted rows, oldest first.
    func segments(_ filter: RowFilter) throws(StoreError) -> [SegmentEntry] {
        var conditions = ["last_start_us >= ?1", "(?2 IS NULL OR first_start_us < ?2)"]
        if filter.routeCode != nil { conditions.append("min_route <= ?3 AND max_route >= ?3") }
        let statement = try connection.prepare(
            """
            SELECT id, zone_digest, rows, first_start_us, last_start_us, min_route, max_route, success, error_status,
              rate_limited, timeout, connect_failure, reset, cancelled
            FROM segment WHERE \(conditions.joined(separator: " AND ")) ORDER BY first_start_us, id
            """)
        statement.bind(filter.lowUs, at: 1)
        if let toUs = filter.toUs { statement.bind(toUs, at: 2) }
        if let code = filter.routeCode { statement.bind(code, at: 3) }
        var found: [SegmentEntry] = []
        while try statement.step() {
            let zone = ZoneMap(
                rows: Int(statement.integer(2)), firstStartUs: statement.integer(3), lastStartUs: statement.integer(4),
                minRoute: statement.integer(5), maxRoute: statement.integer(6),
                outcomes: (7..<14).map { statement.integer($0) })
            let digest = UInt64(bitPattern: statement.integer(1))
            found.append(SegmentEntry(id: statement.integer(0), zone: zone, isSound: digest == zone.checksum))
        }
        return found
    }

    /// A segment with every byte checked, or what is wrong with it.
    func load(_ entry: SegmentEntry) throws(StoreError) -> Result<Segment, DecodingError> {
        guard entry.isSound else { return .failure(DecodingError(reason: "checksum of the zone map")) }
        if let kept = cache.segment(entry.id) { return .success(kept) }
        let statement = try connection.prepare("SELECT data FROM segment WHERE id = ?")
        statement.bind(entry.id, at: 1)
        guard try statement.step() else { return .failure(DecodingError(reason: "its row is gone")) }
        let bytes = statement.blob(0, padding: Segment.padding)
        do throws(DecodingError) {
            let segment = try Segment(padded: bytes, zone: entry.zone)
            cache.keep(segment, id: entry.id)
            return .success(segment)
        } catch {
            return .failure(error)
        }
    }

    /// The wanted rows of the tail and their ids, sorted as in a segment.
    func tail(
        _ filter: RowFilter, names: Names
    ) throws(StoreError) -> (rows: Rows, ids: [Int64], damage: [SegmentDamage]) {
        var condition = "start_us >= ?1 AND (?2 IS NULL OR start_us < ?2)"
        if filter.routeCode != nil { condition += " AND route = ?3" }
        let statement = try connection.prepare("SELECT \(TailTable.everything) FROM tail WHERE \(condition)")
        statement.bind(filter.lowUs, at: 1)
        if let toUs = filter.toUs { statement.bind(toUs, at: 2) }
        if let code = filter.routeCode { statement.bind(code, at: 3) }
        let (rows, ids, damage) = try TailTable.read(statement, names: names)
        let order = rows.segmentOrder()
        return (rows.inOrder(order), order.map { ids[Int($0)] }, damage)
    }
}
