import Retry

@testable import Collector

/// A store that is asked several things.
final class AskedStore {
    let store: AttemptStore
    /// Whether each statement gets a connection of its own, as `AttemptStore.query` has it, or one serves for all.
    private let isOneByOne: Bool
    private var session: QuerySession?

    init(path: String, isOneByOne: Bool) throws {
        self.isOneByOne = isOneByOne
        store = try AttemptStore.open(path: path, mode: .readOnly)
    }

    deinit { store.close() }

    /// The rows of a statement's answer; nothing may be damaged.
    func query(_ sql: String) throws -> [[QueryValue]] {
        var rows: [[QueryValue]] = []
        let damage: [SegmentDamage]
        if isOneByOne {
            let result = try store.query(sql)
            (rows, damage) = (result.rows, result.damage)
        } else {
            let session = try session ?? QuerySession(path: store.path, cache: store.cache)
            self.session = session
            _ = try session.run(sql) {
                rows.append($0)
                return true
            }
            damage = session.damage
        }
        if let first = damage.first { throw StoreError(.damaged, path: store.path, "\(first)") }
        return rows
    }
}

/// One of the things that a store can be asked.
struct StoreQuestion: Sendable {
    let name: String
    let answer: @Sendable (AskedStore) throws -> any Equatable

    init(_ name: String, _ answer: @escaping @Sendable (AskedStore) throws -> any Equatable) {
        self.name = name
        self.answer = answer
    }

    /// Everything.
    static let all = reads + summaries + queries

    private static let reads = [
        StoreQuestion("routes") { try $0.store.routes(fromUs: nil, toUs: nil) },
        StoreQuestion("route-0") { try $0.store.attempts(route: "route-0", fromUs: nil, toUs: nil) },
        StoreQuestion("route-3") { try $0.store.attempts(route: "route-3", fromUs: nil, toUs: nil) },
        StoreQuestion("no route") { try $0.store.attempts(route: "no route", fromUs: nil, toUs: nil) },
        StoreQuestion("scan") { asked in
            var chunks: [AttemptColumns] = []
            try asked.store.scan(fromUs: 1_790_000_000_050_000, toUs: 1_790_000_000_250_000) { chunks.append($0) }
            return chunks.sorted { ($0.route, $0.startUs[0], $0.count) < ($1.route, $1.startUs[0], $1.count) }
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
        "SELECT code FROM host WHERE name = '10.0.1.1:80'",
        "SELECT (SELECT min(first_start_us) FROM segment), max(last_start_us), sum(rows), sum(timeout) FROM segment",
        "SELECT part, rows, attempts FROM ledger ORDER BY 1",
        "SELECT version, who, why, length(yaml) FROM rule_set ORDER BY 1",
        "SELECT count(*), sum(start_us), sum(wait_us) FROM tail",
        "SELECT count(*), min(start_us), max(host) FROM attempts WHERE start_us BETWEEN 1790000000100000 AND 1790000000200000",
    ].map { sql in StoreQuestion(sql) { try $0.query(sql) } }
}

/// What a store answers.
struct StoreAnswers {
    /// By number of the question; one that was refused, or whose answer came with a report of damage, has none.
    private var values: [Int: any Equatable] = [:]
    private(set) var complaints: [String] = []
    /// Whether the store could be opened.
    private(set) var isOpened = false

    /// Asks a store that is opened for it.
    ///
    /// - Parameters:
    ///   - path: the store.
    ///   - questions: numbers of questions, in the order in which they are asked.
    ///   - isOneByOne: whether statements have connections of their own.
    init(path: String, questions: [Int] = Array(StoreQuestion.all.indices), isOneByOne: Bool = true) {
        do {
            let asked = try AskedStore(path: path, isOneByOne: isOneByOne)
            isOpened = true
            for number in questions {
                do {
                    let value = try StoreQuestion.all[number].answer(asked)
                    if let damage = asked.store.damage.first {
                        complaints.append("\(damage)")
                    } else {
                        values[number] = value
                    }
                } catch {
                    complaints.append("\(error)")
                }
            }
        } catch {
            complaints.append("\(error)")
        }
    }

    /// How these answers differ from every one of the true ones; `nil`: there is one of which they say nothing else.
    func difference(from truth: [StoreAnswers]) -> String? {
        var first: (number: Int, wanted: StoreAnswers)?
        for one in truth {
            let wrong = values.first { number, value in
                guard let wanted = one.values[number] else { return true }
                return !Self.isSame(value, wanted)
            }
            guard let wrong else { return nil }
            first = first ?? (wrong.key, one)
        }
        return first.map { number, wanted in
            let (found, right) = (values[number].map { "\($0)" } ?? "", wanted.values[number].map { "\($0)" } ?? "")
            return "\(StoreQuestion.all[number].name): \(Self.contrast(found, right))"
        }
    }

    private static func isSame<Value: Equatable>(_ one: Value, _ other: any Equatable) -> Bool {
        other as? Value == one
    }

    /// The two from shortly before where they part.
    private static func contrast(_ found: String, _ wanted: String) -> String {
        let same = max(0, zip(found, wanted).prefix { $0 == $1 }.count - 40)
        return "…\(found.dropFirst(same).prefix(160)) instead of …\(wanted.dropFirst(same).prefix(160))"
    }
}
