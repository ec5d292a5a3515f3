import Retry

@testable import Collector

/// A store that is asked several things.
final class AskedStore {
    let store: AttemptStore
    /// Whether each statement gets a connection of its own, as `AttemptStore.query` has it, or one serves for all.
    private let isOneByOne: Bool
    private var session: QuerySession?
    /// What came with the answer; `nil`: nothing can come with such a one, and the store's list tells.
    private var told: [SegmentDamage]?

    init(path: String, isOneByOne: Bool) throws {
        self.isOneByOne = isOneByOne
        store = try AttemptStore.open(path: path, mode: .readOnly)
    }

    deinit { store.close() }

    /// The answer, and what could not be read for it, if nothing was found damaged before.
    func answer(_ question: StoreQuestion) throws -> (value: any Equatable, damage: [SegmentDamage]) {
        told = nil
        let value = try question.answer(self)
        return (value, told ?? store.damage)
    }

    /// The rows of a statement's answer.
    func query(_ sql: String) throws -> [[QueryValue]] {
        if isOneByOne {
            let result = try store.query(sql)
            told = result.damage
            return result.rows
        }
        let session = try session ?? QuerySession(path: store.path, cache: store.cache)
        self.session = session
        return try run(sql, on: session)
    }

    /// As `query`, with so little memory that walks by route come back to the segments and keep what they found in a
    /// temporary file.
    func queryInParts(_ sql: String) throws -> [[QueryValue]] {
        let session = try QuerySession(path: store.path, cache: store.cache)
        session.tables.view.mostValues = 90
        return try run(sql, on: session)
    }

    private func run(_ sql: String, on session: QuerySession) throws -> [[QueryValue]] {
        var rows: [[QueryValue]] = []
        _ = try session.run(sql) {
            rows.append($0)
            return true
        }
        told = session.damage
        return rows
    }

    /// The chunks of a scan, in an order of our own.
    func scan(fromUs: Int64, toUs: Int64) throws -> [AttemptColumns] {
        var chunks: [AttemptColumns] = []
        told = try store.scan(fromUs: fromUs, toUs: toUs) { chunks.append($0) }.damage
        return chunks.sorted { ($0.route, $0.startUs[0], $0.count) < ($1.route, $1.startUs[0], $1.count) }
    }

    /// What the store holds, without what the file system and SQLite say of the file: that is not of its data.
    func info() throws -> StoreInfo {
        var info = try store.info()
        (info.fileBytes, info.walBytes, info.freeBytes) = (0, 0, 0)
        return info
    }
}

/// One of the things that a store can be asked.
struct StoreQuestion: Sendable {
    let name: String
    let answer: @Sendable (AskedStore) throws -> any Equatable
    /// The answer's rows, where damage may only leave some of them out; `nil`: it is not made of rows.
    let rows: (@Sendable (any Equatable) -> [AnyHashable])?

    init(
        _ name: String, rows: (@Sendable (any Equatable) -> [AnyHashable])? = nil,
        _ answer: @escaping @Sendable (AskedStore) throws -> any Equatable
    ) {
        (self.name, self.rows, self.answer) = (name, rows, answer)
    }

    /// Everything that a reader of a store can ask, but for the check of everything and the sizes of its files.
    static let all = reads + summaries + queries + lists + inParts

    private static let reads = [
        StoreQuestion("routes") { try $0.store.routes(fromUs: nil, toUs: nil) },
        StoreQuestion("route-0", rows: attempts(of:)) {
            try $0.store.attempts(route: "route-0", fromUs: nil, toUs: nil)
        },
        StoreQuestion("route-3", rows: attempts(of:)) {
            try $0.store.attempts(route: "route-3", fromUs: nil, toUs: nil)
        },
        StoreQuestion("no route") { try $0.store.attempts(route: "no route", fromUs: nil, toUs: nil) },
        StoreQuestion("each route", rows: attempts(of:)) { asked in
            var found: [AttemptColumns] = []
            let routes = ["route-2", "route-0", "route-1"].map {
                RouteSummary(route: $0, attempts: 50, firstStartUs: 0, lastStartUs: 0)
            }
            try asked.store.eachRoute(routes, fromUs: nil, toUs: nil, columns: .all) { found.append($0) }
            return found
        },
        StoreQuestion("scan", rows: attempts(of:)) {
            try $0.scan(fromUs: 1_790_000_000_050_000, toUs: 1_790_000_000_250_000)
        },
        StoreQuestion("info") { try $0.info() },
        StoreQuestion("times") { asked in
            guard let times = try asked.store.occupiedTimes() else {
                throw StoreError(.damaged, path: asked.store.path, "not all times can be believed")
            }
            return times
        },
        StoreQuestion("keys") { try $0.store.fingerprints(fromUs: .min, toUs: .max) },
        StoreQuestion("missing") {
            [try $0.store.missingAttempts(fromUs: nil, toUs: nil), try $0.store.missingAttempts(fromUs: 0, toUs: 1)]
        },
        StoreQuestion("rules") { try $0.store.ruleHistory() },
        StoreQuestion("next version") { try $0.store.nextRuleVersion() },
    ]

    private static let summaries = [
        StoreQuestion("latency") { try $0.store.latencyHistograms(SummaryScope(), threads: 1) },
        StoreQuestion("quantiles") {
            try $0.store.latencyQuantiles([0.5, 0.99], outcomes: [.success, .timeout], SummaryScope(), threads: 1)
        },
        StoreQuestion("recovery") { asked in
            var found: [RouteRecoveries] = []
            try asked.store.recoveryIntervals(SummaryScope(), threads: 1) { found.append($0) }
            return found
        },
        StoreQuestion("probes") { asked in
            var found: [RouteProbes] = []
            try asked.store.hostProbes(SummaryScope(), threads: 1) { found.append($0) }
            return found
        },
    ]

    private static let queries = [
        "SELECT route, outcome, count(*), sum(request % 1000) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT * FROM history ORDER BY 1, 2, 3, 4",
        "SELECT hour_us, from_us, below_us, sum(attempts) FROM history_latency GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        "SELECT * FROM history_dropped ORDER BY 1, 2, 3",
        "SELECT count(*) FROM method WHERE name = 'GET'", "SELECT name FROM route",
        "SELECT count(*) FROM route_host", "SELECT attempts, first_start_us, last_start_us, reason FROM dropped",
        "SELECT code FROM host WHERE name = '10.0.1.1:80'",
        "SELECT (SELECT min(first_start_us) FROM segment), max(last_start_us), sum(rows), sum(timeout) FROM segment",
        "SELECT part, rows, attempts FROM ledger ORDER BY 1",
        "SELECT version, who, why, length(yaml) FROM rule_set ORDER BY 1",
        "SELECT count(*), sum(start_us), sum(wait_us) FROM tail",
        "SELECT count(*), min(start_us), max(host) FROM attempts WHERE start_us BETWEEN 1790000000100000 AND 1790000000200000",
        "SELECT * FROM outages", "SELECT * FROM failures_by_route", "SELECT * FROM requests",
    ].map { sql in StoreQuestion(sql) { try $0.query(sql) } }

    private static let lists = ["SELECT * FROM attempts ORDER BY start_us"].map { sql in
        StoreQuestion(sql, rows: cells(of:)) { try $0.query(sql) }
    }

    private static let inParts = [
        "SELECT * FROM requests", "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2",
    ]
    .map { sql in StoreQuestion("in parts: \(sql)") { try $0.queryInParts(sql) } }

    @Sendable private static func attempts(of answer: any Equatable) -> [AnyHashable] {
        let all = answer as? [AttemptColumns] ?? (answer as? AttemptColumns).map { [$0] } ?? []
        return all.flatMap { one in (0..<one.count).map { AnyHashable(one[$0]) } }
    }

    @Sendable private static func cells(of answer: any Equatable) -> [AnyHashable] {
        (answer as? [[QueryValue]] ?? []).map { AnyHashable($0) }
    }
}
