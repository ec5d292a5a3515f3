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

    func damage(_ reason: String) -> SegmentDamage {
        SegmentDamage(
            segment: id, rows: max(zone.rows, 0), firstStartUs: zone.firstStartUs, lastStartUs: zone.lastStartUs,
            reason: reason)
    }
}
