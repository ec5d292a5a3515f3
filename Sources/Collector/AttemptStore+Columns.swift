import Retry

/// A segment that is ready to be written.
struct SealedSegment: Sendable {
    var zone: ZoneMap
    var bytes: [UInt8]

    /// Sorts and encodes rows, of which there is at least one. Most of the work of a segment; it needs no store.
    ///
    /// - Parameter places: each row's host as its place among its route's hosts, from `AttemptStore.places`.
    init(_ rows: Rows, places: [Int64]?) {
        let order = rows.segmentOrder()
        self.init(
            sorted: rows.inOrder(order), places: places.map { places in order.map { places[Int($0)] } })
    }

    /// Encodes rows that are sorted for a segment.
    init(sorted rows: Rows, places: [Int64]?) {
        zone = ZoneMap(of: rows)
        bytes = Segment.encode(rows, zone: zone, places: places)
    }
}

extension AttemptStore {
    /// What is worth a segment of its own: below this its head outweighs what its columns save.
    static let minimumSegmentRows = 1_024

    /// The stretches of time in which segments and tail say that they have attempts. `nil`: not all of them can be
    /// believed.
    public func occupiedTimes() throws(StoreError) -> [ClosedRange<Int64>]? {
        try read { (reader) throws(StoreError) in
            var times: [ClosedRange<Int64>] = []
            for entry in try reader.segments(RowFilter()) {
                guard entry.isSound, entry.zone.firstStartUs <= entry.zone.lastStartUs else { return nil }
                times.append(entry.zone.firstStartUs...entry.zone.lastStartUs)
            }
            let tail = try reader.tail(names: try reader.names())
            if !tail.damage.isEmpty { return nil }
            if let first = tail.rows[.startUs].min(), let last = tail.rows[.startUs].max() {
                times.append(first...last)
            }
            return times
        }
    }

    /// The codes of names in this store, by kind; those that are new are added, in a transaction of their own: a code
    /// that no row uses does no harm, so rows can be encoded before they are written.
    func codes(of names: [[String]]) throws(StoreError) -> [[Int64]] {
        try write { (writer) throws(StoreError) in try writer.codes(of: names) }
    }

    /// The place of every row's host among the hosts of its route; new ones are added, as codes are. `nil`: a route has
    /// too many hosts for places. Codes must be of this store.
    func places(of rows: Rows) throws(StoreError) -> [Int64]? {
        try write { (writer) throws(StoreError) in try writer.places(of: rows) }
    }

    /// Keeps a segment whose codes and places are of this store: it is on disk when the call returns, or an error was
    /// thrown.
    func append(_ sealed: SealedSegment) throws(StoreError) {
        try write { (writer) throws(StoreError) in try writer.insert(sealed) }
    }
}
