public import Retry

/// Loads the attempts of some routes with one pass over the store.
struct RouteLoad {
    /// How many bytes of attempts are loaded at once, unless a single route has more.
    static let bytesAtOnce = 128 << 20

    private var builders: [Int64: ColumnsBuilder] = [:]
    private let columns: [Column]
    private var rows = Rows()

    /// - Parameters:
    ///   - routes: the codes of the routes and how many attempts to expect of each.
    ///   - columns: what to load; starts and attempt numbers, which order the rows, always are.
    init(_ routes: [(code: Int64, attempts: Int)], columns: ColumnSet, names: Names) {
        let wanted = columns.union([.startUs, .attempt])
        self.columns = Column.allCases.filter { $0 != .route && wanted.contains($0) }
        for (code, attempts) in routes {
            var builder = ColumnsBuilder(route: names[.route].names[Int(code)])
            builder.reserve(attempts, columns: wanted)
            builders[code] = builder
        }
    }

    /// Reads everything; gives what could not be read.
    mutating func run(_ plan: ScanPlan) throws(StoreError) -> [SegmentDamage] {
        let feed = ChunkFeed(plan, columns: columns)
        while let chunk = feed.next() {
            do throws(DecodingError) {
                try add(chunk, names: plan.names)
            } catch {
                feed.found(chunk.damage(error))
            }
        }
        return try feed.end()
    }

    /// The route's attempts, sorted; they are handed over and not kept.
    mutating func take(_ route: Int64) -> AttemptColumns? { builders.removeValue(forKey: route)?.sorted() }

    /// All of a chunk's wanted rows, or none of them if any cannot be decoded.
    private mutating func add(_ chunk: ScanChunk, names: Names) throws(DecodingError) {
        let runs = chunk.runs.filter { builders[$0.route] != nil }
        guard let first = runs.first, let last = runs.last else { return }
        let extent = first.rows.lowerBound..<last.rows.upperBound
        for column in columns { try chunk.read(column, extent, into: &rows[column]) }
        for run in runs {
            let low = run.rows.lowerBound - extent.lowerBound
            builders[run.route]?.append(rows, low..<low + run.rows.count, names: names)
        }
    }
}

extension AttemptStore {
    /// One route's attempts that started in the range, sorted by start, then attempt number, as `attempts`; columns
    /// that were not chosen are empty, but for starts and attempt numbers.
    ///
    /// A damaged segment is left out, noted in `damage` and counted by `missingAttempts`.
    public func attempts(
        route: String, fromUs: Int64?, toUs: Int64?, columns: ColumnSet
    ) throws(StoreError) -> AttemptColumns {
        guard let plan = try openPlan(SummaryScope(route: route, fromUs: fromUs, toUs: toUs)),
            let code = plan.filter.routeCode
        else { return AttemptColumns(route: route) }
        defer { giveBack(plan.reader) }
        // Counted first, so that no column has to grow: growing takes twice the memory.
        let (counted, _) = try RouteCount.run(plan, threads: 1)
        var load = RouteLoad([(code, counted.first?.attempts ?? 0)], columns: columns, names: plan.names)
        note(try load.run(plan))
        return load.take(code) ?? AttemptColumns(route: route)
    }

    /// Calls `body` with the attempts of each route, in the given order. Routes with few attempts are loaded together,
    /// up to 128 MiB at a time, so that a store of many routes is not read once for each.
    public func eachRoute(
        _ routes: [RouteSummary], fromUs: Int64?, toUs: Int64?, columns: ColumnSet,
        _ body: (AttemptColumns) throws -> Void
    ) throws {
        let most = max(1, RouteLoad.bytesAtOnce / columns.union([.startUs, .attempt]).rowBytes)
        var first = 0
        while first < routes.count {
            var last = first + 1
            var rows = routes[first].attempts
            while last < routes.count, rows + routes[last].attempts <= most {
                rows += routes[last].attempts
                last += 1
            }
            try loadRoutes(routes[first..<last], fromUs, toUs, columns, body)
            first = last
        }
    }

    private func loadRoutes(
        _ routes: ArraySlice<RouteSummary>, _ fromUs: Int64?, _ toUs: Int64?, _ columns: ColumnSet,
        _ body: (AttemptColumns) throws -> Void
    ) throws {
        let only = routes.count == 1 ? routes.first?.route : nil
        guard let plan = try openPlan(SummaryScope(route: only, fromUs: fromUs, toUs: toUs)) else { return }
        let table = plan.names[.route]
        let known = routes.compactMap { one in table.code(of: one.route).map { (code: $0, attempts: one.attempts) } }
        var load = RouteLoad(known, columns: columns, names: plan.names)
        let damage = Result { () throws(StoreError) in try load.run(plan) }
        // Given back first: what is called may take its time.
        giveBack(plan.reader)
        note(try damage.get())
        for (code, _) in known {
            if let attempts = load.take(code), attempts.count > 0 { try body(attempts) }
        }
    }
}

extension ColumnSet {
    /// Bytes that a row of these columns takes in `AttemptColumns`.
    var rowBytes: Int {
        Column.allCases.reduce(0) { sum, column in
            guard contains(column) else { return sum }
            switch column {
            case .route: return sum
            case .outcome, .isGRPC, .hedge: return sum + 1
            case .host, .attempt, .status, .method, .ruleVersion: return sum + 4
            case .startUs, .durationUs, .request, .waitUs, .timeoutUs, .retryAfterUs: return sum + 8
            }
        }
    }
}
