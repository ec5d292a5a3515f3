import Glibc
import Retry

/// What a store holds and where its bytes go.
public struct StoreInfo: Equatable, Sendable {
    /// One column of the segments.
    public struct ColumnUse: Equatable, Sendable {
        /// The column's name.
        public var name: String
        /// Its bytes in all segments.
        public var bytes = 0
        /// How many segments keep it in which encoding.
        public var encodings: [String: Int] = [:]
    }

    /// The store format.
    public var format: Int64 = 0
    /// The file, without its write-ahead log.
    public var fileBytes: Int64 = 0
    /// The write-ahead log; 0 when there is none.
    public var walBytes: Int64 = 0
    /// Pages that hold nothing, in bytes: new rows take them first.
    public var freeBytes: Int64 = 0
    /// How many segments can be read.
    public var segments = 0
    /// How many of them are small enough to be worth merging.
    public var smallSegments = 0
    /// Attempts in segments that can be read.
    public var segmentAttempts = 0
    /// Attempts in the tail.
    public var tailAttempts = 0
    /// The earliest start, UNIX microseconds; `nil` in an empty store.
    public var firstStartUs: Int64?
    /// The latest start.
    public var lastStartUs: Int64?
    /// Attempts that are known to be missing, without those in `damage`.
    public var droppedAttempts = 0
    /// Names of routes.
    public var routes = 0
    /// Names of hosts.
    public var hosts = 0
    /// Names of methods.
    public var methods = 0
    /// Versions of the rules on record.
    public var ruleSets = 0
    /// The columns, in the order of the record.
    public var columns: [ColumnUse] = []
    /// Headers, directories and checksums of all segments.
    public var headBytes = 0
    /// Attempts that were pruned and are in the history.
    public var historyAttempts = 0
    /// Summaries that the history consists of.
    public var summaries = 0
    /// What was found damaged on the way; `checkEverything` looks at more.
    public var damage: [SegmentDamage] = []

    /// Attempts that can be read.
    public var attempts: Int { segmentAttempts + tailAttempts }
}

extension AttemptStore {
    /// What the store holds and where its bytes go. Reads every segment once, with the memory of one.
    /// Rules, history or drops that are not what was written are an error, for nobody could count them.
    ///
    /// - Parameter progress: is told how many segments are done, of how many.
    public func info(progress: (Int, Int) -> Void = { _, _ in }) throws(StoreError) -> StoreInfo {
        let reader = try freshReader()
        try reader.begin()
        defer { reader.end() }
        var info = try counts(reader)
        info.droppedAttempts = try reader.dropped(RowFilter())
        let names = try reader.names()
        (info.routes, info.hosts, info.methods) = (names[.route].count, names[.host].count, names[.method].count)
        info.columns = Column.allCases.map { StoreInfo.ColumnUse(name: $0.name) }
        let entries = try reader.segments(RowFilter())
        for (place, entry) in entries.enumerated() {
            switch try reader.load(entry) {
            case .success(let segment):
                do throws(DecodingError) {
                    try segment.verify()
                    info.add(segment, entry.zone)
                } catch {
                    info.damage.append(entry.damage(error.reason))
                }
            case .failure(let error): info.damage.append(entry.damage(error.reason))
            }
            progress(place + 1, entries.count)
        }
        let (rows, _, damage) = try reader.tail(names: names)
        info.tailAttempts = rows.count
        info.damage += damage
        if let first = rows[.startUs].min(), let last = rows[.startUs].max() { info.cover(first, last) }
        note(info.damage)
        return info
    }

    private func counts(_ reader: StoreReader) throws(StoreError) -> StoreInfo {
        let connection = reader.connection
        var info = StoreInfo()
        info.format = try connection.integer("PRAGMA user_version")
        var status = stat()
        if stat(path, &status) == 0 { info.fileBytes = Int64(status.st_size) }
        if stat(path + "-wal", &status) == 0 { info.walBytes = Int64(status.st_size) }
        info.freeBytes =
            try connection.integer("PRAGMA freelist_count") * (try connection.integer("PRAGMA page_size"))
        info.ruleSets = try reader.ruleSets().count
        if try HistoryTable.exists(on: connection) {
            try reader.require(table: "hour_summary")
            info.summaries = Int(try connection.integer("SELECT count(*) FROM hour_summary"))
            info.historyAttempts = try HistoryTable.attempts(on: connection)
        }
        return info
    }
}

extension StoreInfo {
    mutating func add(_ segment: Segment, _ zone: ZoneMap) {
        segments += 1
        segmentAttempts += segment.rows
        if segment.rows < AttemptStore.smallSegmentRows { smallSegments += 1 }
        cover(zone.firstStartUs, zone.lastStartUs)
        var inColumns = 0
        for column in Column.allCases {
            let (encoding, bytes) = segment.layout(of: column)
            columns[column.index].bytes += bytes
            columns[column.index].encodings["\(encoding)", default: 0] += 1
            inColumns += bytes
        }
        headBytes += segment.size - inColumns
    }

    mutating func cover(_ firstUs: Int64, _ lastUs: Int64) {
        firstStartUs = min(firstStartUs ?? firstUs, firstUs)
        lastStartUs = max(lastStartUs ?? lastUs, lastUs)
    }
}
