/// What became of small segments.
public struct CompactReport: Equatable, Sendable {
    /// How many segments there were.
    public var segmentsBefore = 0
    /// How many there are.
    public var segmentsAfter = 0
    /// Attempts that were written anew.
    public var attempts = 0
    /// By how many bytes the file became shorter; below 0: longer.
    public var freedBytes: Int64 = 0
    /// Segments that could not be read and were left as they are.
    public var damage: [SegmentDamage] = []
}

/// Which segments are merged into one.
enum CompactionPlan {
    /// Neighbours in time whose rows fit into one segment, two or more together; a segment stands in one run at most.
    ///
    /// Filled first-come: a second plan over the result is empty.
    static func runs(
        of entries: [SegmentEntry], rowLimit: Int = Segment.rowLimit, minimum: Int = 2
    ) -> [[SegmentEntry]] {
        var found: [[SegmentEntry]] = []
        var run: [SegmentEntry] = []
        var rows = 0
        for entry in entries {
            if rows + entry.zone.rows > rowLimit {
                found.append(run)
                (run, rows) = ([], 0)
            }
            run.append(entry)
            rows += entry.zone.rows
        }
        return (found + [run]).filter { $0.count >= max(2, minimum) }
    }
}

extension AttemptStore {
    /// Below this many rows a segment is small: its head and its short columns weigh.
    static let smallSegmentRows = 16_384
    /// How many small segments a proxy lets gather before it merges them: each row is then written anew twice at most.
    static let smallSegmentsAtOnce = 8

    /// Merges neighbouring small segments into full ones, the oldest first, each merge in one transaction.
    ///
    /// Takes the memory of one full segment. Readers and other writers go on; what is merged is read back and compared
    /// before the old segments go.
    ///
    /// - Parameter progress: is told after each merge how many are done, of how many.
    @discardableResult
    public func compact(progress: (Int, Int) -> Void = { _, _ in }) throws(StoreError) -> CompactReport {
        let reader = try freshReader()
        let entries = try segmentEntries(reader)
        let beforeBytes = try Self.databaseBytes(reader.connection)
        var report = CompactReport(segmentsBefore: entries.count)
        report.damage = entries.filter { !$0.isSound }.map { $0.damage($0.fault) }
        let runs = CompactionPlan.runs(of: entries.filter(\.isSound))
        for (place, run) in runs.enumerated() {
            report.attempts += try merge(run, reader, &report.damage)
            progress(place + 1, runs.count)
        }
        note(report.damage)
        report.freedBytes = try giveBackPages(beforeBytes: beforeBytes)
        report.segmentsAfter = try segmentEntries(reader).count
        return report
    }

    /// What a proxy does now and then: merges one run of small segments, if enough of them have gathered.
    ///
    /// Costs a look at the zone maps, and at most the encoding of one segment. Free pages stay in the file: the next
    /// segments take them.
    ///
    /// - Returns: how many segments were merged.
    @discardableResult
    func tidy() throws(StoreError) -> Int {
        let reader = try freshReader()
        let small = try segmentEntries(reader).filter { $0.isSound && $0.zone.rows < Self.smallSegmentRows }
        var damage: [SegmentDamage] = []
        for run in CompactionPlan.runs(of: small, minimum: Self.smallSegmentsAtOnce) {
            if try merge(run, reader, &damage) > 0 { return run.count }
        }
        return 0
    }

    /// All segments by start.
    func segmentEntries(_ reader: StoreReader) throws(StoreError) -> [SegmentEntry] {
        try reader.begin()
        defer { reader.end() }
        return try reader.segments(RowFilter())
    }

    /// Merges one run; gives the number of rows, 0 when nothing was merged.
    private func merge(
        _ run: [SegmentEntry], _ reader: StoreReader, _ damage: inout [SegmentDamage]
    ) throws(StoreError) -> Int {
        let (rows, ids) = try read(run, reader, &damage)
        guard ids.count > 1 else { return 0 }
        let isDone = try write { (writer) throws(StoreError) in try writer.replace(ids, with: rows) }
        return isDone ? rows.count : 0
    }

    /// The rows of several segments, sorted as in one, and the numbers of those that could be read.
    private func read(
        _ run: [SegmentEntry], _ reader: StoreReader, _ damage: inout [SegmentDamage]
    ) throws(StoreError) -> (Rows, [Int64]) {
        var columns = Rows().columns
        var ids: [Int64] = []
        try reader.begin()
        defer { reader.end() }
        let names = try reader.names()
        // As readers meet them, so that attempts that tie keep their order.
        for entry in run {
            switch try reader.everyRow(of: entry, names: names) {
            case .failure(let error):
                // Gone is not damaged: another process merged or pruned it.
                if try reader.has(entry) { damage.append(entry.damage(error.reason)) }
            case .success(let rows):
                for index in columns.indices { columns[index] += rows.columns[index] }
                ids.append(entry.id)
            }
        }
        return (Rows(columns: columns, count: columns[0].count).sortedForSegment(), ids)
    }
}

extension StoreReader {
    /// Whether a segment is still there; what stands for segments that are not listed is.
    func has(_ entry: SegmentEntry) throws(StoreError) -> Bool {
        if entry.id < 0 { return true }
        return try connection.integer("SELECT count(*) FROM segment WHERE id = \(entry.id)") > 0
    }
}
