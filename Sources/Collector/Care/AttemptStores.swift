public import Retry

/// Several stores read as one: what proxies saw, each with a store of its own.
///
/// Routes of one name are one route, and its attempts come in order of start, whoever made them. The same request
/// number in two stores is two requests: the later store's gets a number that is free.
public struct AttemptStores: AttemptSource, Sendable {
    /// The stores, in the order in which they were given.
    public let stores: [AttemptStore]

    /// The stores as one source.
    ///
    /// - Throws: `StoreError` `conflict` where two of them are the same file: each attempt would count twice.
    public init(_ stores: [AttemptStore]) throws(StoreError) {
        precondition(!stores.isEmpty, "there must be a store to read")
        self.stores = stores
        var seen: [FileIdentity: String] = [:]
        for store in stores {
            guard let identity = FileIdentity(path: store.path) else { continue }
            if let first = seen[identity] {
                throw StoreError(
                    .conflict, path: store.path,
                    "is the same file as \(first): its attempts would count twice; name each store once")
            }
            seen[identity] = store.path
        }
    }

    /// How many attempts were pruned and are in the stores' history.
    public func prunedAttempts() throws(StoreError) -> Int {
        var sum = 0
        for store in stores {
            sum += try store.read { (reader) throws(StoreError) in
                try HistoryTable.attempts(on: reader.connection)
            }
        }
        return sum
    }

    /// The paths, for messages.
    public var paths: [String] { stores.map(\.path) }

    /// The routes seen by any store between two UNIX times in microseconds (`nil`: no bound; the end is exclusive), by
    /// name.
    public func routes(fromUs: Int64?, toUs: Int64?) throws -> [RouteSummary] {
        var found: [String: RouteSummary] = [:]
        for store in stores {
            for summary in try store.routes(fromUs: fromUs, toUs: toUs) {
                guard var sum = found[summary.route] else {
                    found[summary.route] = summary
                    continue
                }
                sum.attempts += summary.attempts
                sum.firstStartUs = min(sum.firstStartUs, summary.firstStartUs)
                sum.lastStartUs = max(sum.lastStartUs, summary.lastStartUs)
                found[summary.route] = sum
            }
        }
        return found.values.sorted { $0.route < $1.route }
    }

    /// One route's attempts that started in the range, sorted by start, then attempt number, then store.
    public func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws -> AttemptColumns {
        var parts: [AttemptColumns] = []
        for store in stores {
            let columns = try store.attempts(route: route, fromUs: fromUs, toUs: toUs)
            if columns.count > 0 { parts.append(columns) }
        }
        return Self.merged(&parts) ?? AttemptColumns(route: route)
    }

    /// As `attempts`, for many routes, in the given order: as many of them at a time as have a million attempts
    /// together, so that each store is read once for all of these.
    public func eachRoute(
        _ routes: [RouteSummary], fromUs: Int64?, toUs: Int64?, columns: ColumnSet,
        _ body: (AttemptColumns) throws -> Void
    ) throws {
        if stores.count == 1 {
            return try stores[0].eachRoute(routes, fromUs: fromUs, toUs: toUs, columns: columns, body)
        }
        // What the order and the telling apart of requests need.
        let columns = columns.union([.startUs, .attempt, .request])
        var rest = routes[...]
        while !rest.isEmpty {
            var (count, attempts) = (1, rest.first?.attempts ?? 0)
            for summary in rest.dropFirst() {
                attempts += summary.attempts
                if attempts > Self.attemptsAtOnce { break }
                count += 1
            }
            let group = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            var parts: [String: [AttemptColumns]] = [:]
            for store in stores {
                try store.eachRoute(group, fromUs: fromUs, toUs: toUs, columns: columns) { found in
                    parts[found.route, default: []].append(found)
                }
            }
            for summary in group {
                if let merged = Self.merged(&parts[summary.route, default: []]) { try body(merged) }
                parts[summary.route] = nil
            }
        }
    }

    private static let attemptsAtOnce = 1 << 20

    /// The parts of one route as one; `nil` when there is none.
    private static func merged(_ parts: inout [AttemptColumns]) -> AttemptColumns? {
        guard parts.count > 1 else { return parts.first }
        RequestNumbers.keepApart(&parts)
        return AttemptColumns(route: parts[0].route, merging: parts)
    }

    /// How many attempts are known to be missing from the range, in all stores.
    public func missingAttempts(fromUs: Int64?, toUs: Int64?) throws -> Int {
        try stores.reduce(0) { $0 + (try $1.missingAttempts(fromUs: fromUs, toUs: toUs)) }
    }

    /// What reading has found damaged so far, each with the path of its store.
    public var damage: [(path: String, damage: SegmentDamage)] {
        stores.flatMap { store in store.damage.map { (store.path, $0) } }
    }

    /// Lets go of all files.
    public func close() {
        for store in stores { store.close() }
    }
}
