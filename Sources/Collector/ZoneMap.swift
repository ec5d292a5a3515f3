import Retry

/// What is known of a segment without opening it; kept in SQL columns, so that pruning is a `WHERE`.
struct ZoneMap: Equatable, Sendable {
    var rows: Int
    var firstStartUs: Int64
    var lastStartUs: Int64
    var minRoute: Int64
    var maxRoute: Int64
    /// How many rows ended in each outcome, by raw value.
    var outcomes: [Int64]

    /// The zone of rows, of which there is at least one.
    init(of rows: Rows) {
        self.rows = rows.count
        firstStartUs = rows[.startUs].min() ?? 0
        lastStartUs = rows[.startUs].max() ?? 0
        minRoute = rows[.route].min() ?? 0
        maxRoute = rows[.route].max() ?? 0
        outcomes = Array(repeating: 0, count: Outcome.allCases.count)
        for raw in rows[.outcome] { outcomes[Int(raw)] += 1 }
    }

    init(
        rows: Int, firstStartUs: Int64, lastStartUs: Int64, minRoute: Int64, maxRoute: Int64, outcomes: [Int64]
    ) {
        self.rows = rows
        self.firstStartUs = firstStartUs
        self.lastStartUs = lastStartUs
        self.minRoute = minRoute
        self.maxRoute = maxRoute
        self.outcomes = outcomes
    }

    /// The time that two zones cover; only the rows and the times are put together.
    func spanning(_ other: ZoneMap) -> ZoneMap {
        var both = self
        both.rows += other.rows
        both.firstStartUs = min(firstStartUs, other.firstStartUs)
        both.lastStartUs = max(lastStartUs, other.lastStartUs)
        return both
    }

    /// The digest kept beside the zone, so that a damaged one is not believed.
    var checksum: UInt64 {
        let words = [Int64(rows), firstStartUs, lastStartUs, minRoute, maxRoute] + outcomes
        return XXH64.hash(words: words.map { UInt64(bitPattern: $0) })
    }
}

/// A segment as the SQL row beside its blob tells of it.
struct SegmentEntry: Equatable, Sendable {
    var id: Int64
    var zone: ZoneMap
    /// Whether the zone's digest fits; if not, its numbers are not to be believed.
    var isSound: Bool
    /// What is wrong with an entry that is not sound.
    var fault = "checksum of the zone map"

    /// Entries that are not what the ledger says, with what is missing among them: as one of the damaged, if that says
    /// it all, or else as an entry for segments that are not listed.
    static func explained(_ found: [SegmentEntry], account: LedgerAccount?, fault: String) -> [SegmentEntry] {
        let sound = found.filter(\.isSound)
        let missing = (account?.attempts ?? 0) - sound.reduce(0) { $0 + Int64($1.zone.rows) }
        var entries = found
        if sound.count < found.count, let account, account.rows == found.count {
            // How many rows a damaged entry had, its zone cannot say; if it is the only one, the ledger can.
            if sound.count == found.count - 1, let index = found.firstIndex(where: { !$0.isSound }) {
                entries[index].zone.rows = Int(clamping: missing)
            }
            return entries
        }
        let times = sound.map(\.zone)
        let gone = ZoneMap(
            rows: Int(clamping: max(0, missing)), firstStartUs: times.map(\.firstStartUs).min() ?? 0,
            lastStartUs: times.map(\.lastStartUs).max() ?? 0, minRoute: 0, maxRoute: 0,
            outcomes: Array(repeating: 0, count: Outcome.allCases.count))
        entries.append(SegmentEntry(id: -1, zone: gone, isSound: false, fault: fault))
        return entries
    }

    func damage(_ reason: String) -> SegmentDamage {
        SegmentDamage(
            segment: id, rows: max(zone.rows, 0), firstStartUs: zone.firstStartUs, lastStartUs: zone.lastStartUs,
            reason: reason)
    }
}
