import Collector
import Glibc
import Retry

/// The store as a command wants it: there already or not, for reading or for writing.
enum StoreFile {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// For reports, queries and dry runs.
    static func openReading(_ path: String) throws(StoreError) -> AttemptStore {
        try require(path)
        return try AttemptStore.open(path: path, mode: .readOnly)
    }

    /// Several as one source, for those that read them all.
    static func openReading(_ paths: [String]) throws(StoreError) -> AttemptStores {
        var stores: [AttemptStore] = []
        for path in paths { stores.append(try openReading(path)) }
        return try AttemptStores(stores)
    }

    /// As `openReading`, with a store in front that is open already.
    static func openReading(_ paths: [String], after first: AttemptStore) throws(StoreError) -> AttemptStores {
        var stores = [first]
        for path in paths { stores.append(try openReading(path)) }
        return try AttemptStores(stores)
    }

    /// Names what was left out of a result, with the store that it is in.
    static func tellDamage(of source: AttemptStores) {
        for (path, damage) in source.damage { Exit.complain("\(path): \(damage)") }
    }

    /// For imports and whatever is recorded; makes the store unless it must exist.
    static func openWriting(_ path: String, mustExist: Bool = false) throws(StoreError) -> AttemptStore {
        if mustExist { try require(path) }
        return try AttemptStore.open(path: path, mode: .readWrite)
    }

    /// Takes back a store that this process made and never used.
    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    }

    /// Why nothing was found: nothing at all, not this route, or not since then.
    static func nothingFound(in source: AttemptStores, route: String?, fromUs: Int64?) throws -> Failure {
        let path = source.paths.joined(separator: ", ")
        let all = try source.routes(fromUs: nil, toUs: nil)
        guard let newest = all.map(\.lastStartUs).max() else { return try nothingAtAll(in: source, path) }
        if let route, !all.contains(where: { $0.route == route }) {
            return Failure(path, "no attempt on route '\(route)'; \(nearest(to: route, among: all.map(\.route)))")
        }
        let last = all.first { $0.route == route }?.lastStartUs ?? newest
        let since = fromUs.map { " since \(seconds($0))" } ?? ""
        return Failure(path, "no attempts\(since); the newest is of \(seconds(last))")
    }

    private static func nothingAtAll(in source: AttemptStores, _ path: String) throws -> Failure {
        if let (path, damage) = source.damage.first {
            return Failure(path, "no attempt can be read: \(damage); see 'meantime store check --store \(path)'")
        }
        let pruned = try source.prunedAttempts()
        if pruned > 0 {
            return Failure(
                path,
                "no attempt is left: \(NumberText.grouped(pruned)) were pruned; see 'SELECT * FROM history' in 'meantime query'"
            )
        }
        let verb = source.paths.count == 1 ? "holds" : "hold"
        return Failure(path, "\(verb) no attempts yet; import a log or let a proxy run for a while")
    }

    /// The routes that a misspelt name may have meant, or all when they are few.
    private static func nearest(to route: String, among names: [String]) -> String {
        let shown = names.sorted { left, right in
            let (a, b) = (SubcommandTypo.distance(left, route), SubcommandTypo.distance(right, route))
            return (a, left) < (b, right)
        }.prefix(5)
        let rest = names.count - shown.count
        return "seen: \(shown.joined(separator: ", "))" + (rest > 0 ? " and \(NumberText.grouped(rest)) more" : "")
    }

    private static func seconds(_ us: Int64) -> String { Timestamp.format(us - us % 1_000_000) }

    private static func require(_ path: String) throws(StoreError) {
        if exists(path) { return }
        throw StoreError(
            .notFound, path: path,
            "no store there; make one with 'meantime import --store \(path) --format envoy access.log'"
                + " or by running 'meantime proxy', or name another with --store")
    }
}
