public import Retry

extension AttemptStore {
    /// The routes seen between two UNIX times in microseconds (`nil`: no bound; the end is exclusive), by name.
    ///
    /// A damaged segment is left out, noted in `damage` and counted by `missingAttempts`.
    public func routes(fromUs: Int64?, toUs: Int64?) throws(StoreError) -> [RouteSummary] {
        guard let plan = try openPlan(SummaryScope(fromUs: fromUs, toUs: toUs)) else { return [] }
        defer { giveBack(plan.reader) }
        let (routes, damage) = try RouteCount.run(plan, threads: Crew.cores)
        note(damage)
        return routes
    }

    /// One route's attempts that started in the range, sorted by start, then attempt number. Unknown routes have none.
    ///
    /// A damaged segment is left out, noted in `damage` and counted by `missingAttempts`.
    public func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws(StoreError) -> AttemptColumns {
        try attempts(route: route, fromUs: fromUs, toUs: toUs, columns: .all)
    }

    /// Walks over attempts, one route of one segment at a time, with the memory of one segment.
    ///
    /// Rows of a chunk belong to one route and are sorted by start; chunks come in no promised order.
    ///
    /// - Parameters:
    ///   - fromUs: the earliest start wanted, UNIX microseconds; `nil`: no bound.
    ///   - toUs: the first start not wanted.
    ///   - route: only this route; `nil`: all.
    ///   - columns: what to decode; other columns of the chunks are empty. Starts always come.
    ///   - body: is given each chunk; what it throws ends the scan. It must not keep the store from closing.
    /// - Returns: how many rows were given, and what could not be read.
    @discardableResult
    public func scan(
        fromUs: Int64? = nil, toUs: Int64? = nil, route: String? = nil, columns: ColumnSet = .all,
        _ body: (AttemptColumns) throws -> Void
    ) throws -> ScanReport {
        let reader = try borrowReader()
        defer { giveBack(reader) }
        var filter = RowFilter(fromUs: fromUs, toUs: toUs)
        guard try restrict(&filter, to: route, reader) else { return ScanReport(rows: 0, damage: []) }
        var cursor = try ChunkCursor(reader, filter: filter, columns: columns)
        defer { note(cursor.damage) }
        var rows = 0
        while let chunk = try cursor.nextChunk() {
            for run in chunk.runs {
                var builder = ColumnsBuilder(route: cursor.names[.route].names[Int(run.route)])
                builder.append(chunk.rows, run.rows, names: cursor.names)
                rows += run.rows.count
                try body(builder.columns)
            }
        }
        return ScanReport(rows: rows, damage: cursor.damage)
    }

    /// The import keys (`Attempt.importKeys`) of the stored attempts that started in the range, each with how many
    /// attempts have it.
    ///
    /// Takes about 100 bytes an attempt: ask for ranges of some million attempts at most. An empty range costs nothing.
    /// Its rows must all be readable: with a damaged segment in the range nobody can say what is there already.
    ///
    /// - Parameters:
    ///   - fromUs: the earliest start, UNIX microseconds.
    ///   - toUs: the first start not asked for.
    public func fingerprints(fromUs: Int64, toUs: Int64) throws(StoreError) -> [UInt64: Int] {
        var found: [UInt64: Int] = [:]
        let damage = try walk(RowFilter(fromUs: fromUs, toUs: toUs), columns: ImportKey.columns) { chunk, names in
            for row in chunk.runs.lazy.flatMap(\.rows) {
                found[ImportKey.identity(row: row, in: chunk.rows, names: names), default: 0] += 1
                found[ImportKey.request(UInt64(bitPattern: chunk.rows[.request][row])), default: 0] += 1
            }
        }
        if let first = damage.first { throw StoreError(.damaged, path: path, "\(first)") }
        return found
    }

    /// How many attempts are known to be missing from the range: dropped, or unreadable.
    ///
    /// Whatever overlaps the range counts whole, for the rows themselves are gone. Every segment of the range is read
    /// and checked, once for as long as it stays in memory.
    public func missingAttempts(fromUs: Int64?, toUs: Int64?) throws(StoreError) -> Int {
        try read { (reader) throws(StoreError) in
            let filter = RowFilter(fromUs: fromUs, toUs: toUs)
            var missing = try reader.dropped(filter)
            for one in try reader.check(filter) {
                note([one])
                missing += one.rows
            }
            return missing
        }
    }

    /// Reads and checks everything, and names what is damaged.
    public func check() throws(StoreError) -> [SegmentDamage] {
        try read { (reader) throws(StoreError) in
            let damage = try reader.check(RowFilter())
            note(damage)
            return damage
        }
    }

    /// Gives every chunk of one state of the store to `body`; what could not be read is noted and returned.
    @discardableResult
    func walk(
        _ filter: RowFilter, columns: ColumnSet, _ body: (Chunk, Names) -> Void
    ) throws(StoreError) -> [SegmentDamage] {
        try read { (reader) throws(StoreError) in
            var cursor = try ChunkCursor(reader, filter: filter, columns: columns)
            defer { note(cursor.damage) }
            while let chunk = try cursor.nextChunk() { body(chunk, cursor.names) }
            return cursor.damage
        }
    }

    /// Puts a route's code into the filter; `false`: the store has never seen that route.
    private func restrict(_ filter: inout RowFilter, to route: String?, _ reader: StoreReader) throws(StoreError)
        -> Bool
    {
        guard let route else { return true }
        filter.routeCode = try reader.names()[.route].code(of: route)
        return filter.routeCode != nil
    }
}
