import Glibc
import Retry
import TestSupport
import Testing

@testable import Collector

/// One byte of a store is changed, every one in turn: what is read afterwards is what was read before, or the store
/// says that something is wrong. A trap would end the test run.
///
/// `make test` takes a sample, `make crash` every byte.
@Suite(.serialized) struct FlippedByteTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory(inMemory: true) }

    /// A store with something of everything.
    private func fill(_ store: AttemptStore) throws {
        let attempts = Sample.attempts(330, seed: 81)
        // Of an hour long ago, which becomes history, and so does a note of missing attempts.
        var old = Sample.attempts(40, seed: 86, extremes: false)
        for index in old.indices { old[index].startUs = Int64(index) * 100_000_000 }
        try store.append(old + attempts[..<10])
        try store.recordDropped(count: 5, fromUs: 0, toUs: 0, reason: "long ago")
        _ = try store.prune(beforeUs: attempts[0].startUs)
        // Pruning has copied the log into the file: the next transaction shall not begin it over its old frames.
        try store.setting("PRAGMA wal_checkpoint(TRUNCATE)")
        try store.append(Array(attempts[10..<150]))
        try store.seal()
        try store.append(Array(attempts[150..<290]))
        try store.seal()
        try store.recordDropped(count: 3, fromUs: attempts[0].startUs, toUs: attempts[9].startUs, reason: "full")
        try store.recordDropped(count: 4, fromUs: attempts[90].startUs, toUs: attempts[99].startUs, reason: "closed")
        for version in 1...2 {
            try store.recordRuleSet(
                RuleSet(version: version, createdUs: 0, routes: [:]), yaml: "version: \(version)\n", who: "tune",
                why: "cheaper", atUs: 1)
        }
        try store.append(Array(attempts[290...]))
    }

    @Test(.timeLimit(.minutes(60))) func `no changed byte of a store gives another answer without a complaint`() throws
    {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try fill(store)
        store.close()
        #expect(try directory.names() == ["meantime.db"])
        let bytes = fileBytes(path)
        let truth = Answers(path: path)
        #expect(truth.complaints.isEmpty)
        var random = SeededGenerator(seed: 82)
        let (wrong, noticed) = flip(bytes, at: positions(in: bytes, &random), in: path, truth: [truth], &random)
        #expect(wrong.isEmpty)
        #expect(noticed > 100)
        #expect(Answers(path: path) == truth)
    }

    @Test(.timeLimit(.minutes(60))) func `no changed byte of a log in use gives another answer without a complaint`()
        throws
    {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try fill(store)
        let log = path + "-wal"
        let bytes = fileBytes(log)
        let truth = Answers(path: path)
        #expect(truth.complaints.isEmpty && bytes.count > 100_000)
        var random = SeededGenerator(seed: 83)
        let (wrong, noticed) = flip(
            bytes, at: positions(in: bytes, &random, share: 60), in: log, truth: [truth], &random)
        #expect(wrong.isEmpty)
        #expect(noticed > 100)
        store.close()
    }

    /// Of a log that a crash left, what was last cannot be told from what a power loss cut off: there the store may
    /// also be as it was one transaction before.
    @Test(.timeLimit(.minutes(60))) func `no changed byte of a log left by a crash loses more than its end`() throws {
        let living = directory.file("living.db")
        let store = try AttemptStore.open(path: living, mode: .readWrite)
        try fill(store)
        let sure = fileBytes(living + "-wal").count
        writeFile(fileBytes(living), to: path)
        writeFile(fileBytes(living + "-wal"), to: path + "-wal")
        let before = Answers(path: path)
        try store.append(Sample.attempts(10, seed: 84))
        let bytes = fileBytes(living + "-wal")
        writeFile(fileBytes(living), to: path)
        writeFile(bytes, to: path + "-wal")
        let truth = Answers(path: path)
        #expect(truth.complaints.isEmpty && before.complaints.isEmpty && truth != before)
        store.close()
        var random = SeededGenerator(seed: 85)
        var (wrong, noticed) = flip(
            bytes, at: positions(in: bytes, &random, share: 400).filter { $0 < sure - 8_216 || $0 >= sure },
            in: path + "-wal",
            truth: [truth, before], &random)
        // Only in the last transaction may the answer be the one before it.
        let early = positions(in: bytes, &random, share: 400).filter { $0 < sure - 8_216 }
        let more = flip(bytes, at: early, in: path + "-wal", truth: [truth], &random)
        wrong += more.wrong
        noticed += more.noticed
        #expect(wrong.isEmpty)
        #expect(noticed > 100)
    }

    /// Which bytes are changed: all; or the heads of all pages, and one in `share` of the others that are not 0.
    private func positions(in bytes: [UInt8], _ random: inout SeededGenerator, share: Int = 30) -> [Int] {
        if Thoroughness.isFull { return Array(bytes.indices) }
        return bytes.indices.filter { at in
            let isHead = at < 100 || (at % 8_192 < 24 && at % 5 == 0)
            return isHead || (Int.random(in: 0..<share, using: &random) == 0 && bytes[at] != 0)
        }
    }

    /// Changes each of the bytes by one bit, or all of its bits, and tells where the answers were neither of `truth`
    /// nor complained about.
    private func flip(
        _ bytes: [UInt8], at positions: [Int], in path: String, truth: [Answers], _ random: inout SeededGenerator
    ) -> (wrong: [String], noticed: Int) {
        let store = path.hasSuffix("-wal") ? String(path.dropLast(4)) : path
        let file = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        var wrong: [String] = []
        var noticed = 0
        for at in positions {
            let mask = at % 3 == 0 ? 0xFF : UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            var changed = bytes[at] ^ mask
            pwrite(file, &changed, 1, off_t(at))
            let answers = Answers(path: store)
            if !answers.complaints.isEmpty { noticed += 1 }
            if let complaint = answers.difference(from: truth) {
                wrong.append("byte \(at) ^ \(mask): \(complaint)")
            }
            changed = bytes[at]
            pwrite(file, &changed, 1, off_t(at))
        }
        return (wrong, noticed)
    }
}

/// What a store answers to all that it can be asked.
private struct Answers: Equatable {
    /// The answers by question; a question that was refused, or that came with a report of damage, has none.
    private var values: [String: String] = [:]
    private(set) var complaints: [String: String] = [:]

    init(path: String) {
        do {
            let store = try AttemptStore.open(path: path, mode: .readOnly)
            defer { store.close() }
            ask("routes", store) { try "\(store.routes(fromUs: nil, toUs: nil))" }
            for route in ["route-0", "route-3", "no route"] {
                ask(route, store) { Self.digest(try store.attempts(route: route, fromUs: nil, toUs: nil)) }
            }
            ask("scan", store) {
                var digests: [String] = []
                try store.scan(fromUs: 1_790_000_000_050_000, toUs: 1_790_000_000_250_000) {
                    digests.append("\($0.route): \(Self.digest($0))")
                }
                return "\(digests.sorted())"
            }
            ask("keys", store) {
                let keys = try store.fingerprints(fromUs: .min, toUs: .max)
                return "\(keys.count) \(keys.reduce(0) { $0 &+ $1.key &* UInt64($1.value) })"
            }
            askForSummaries(store)
            ask("missing", store) {
                "\(try store.missingAttempts(fromUs: nil, toUs: nil)) \(try store.missingAttempts(fromUs: 0, toUs: 1))"
            }
            ask("history", store) { "\(try store.ruleHistory()) \(try store.nextRuleVersion())" }
            for sql in Self.queries {
                ask(sql, store) {
                    let result = try store.query(sql)
                    if let damage = result.damage.first { throw StoreError(.damaged, path: path, "\(damage)") }
                    return "\(result.rows)"
                }
            }
        } catch {
            complaints["opening"] = "\(error)"
        }
    }

    private mutating func askForSummaries(_ store: AttemptStore) {
        let scope = SummaryScope()
        ask("latency", store) {
            try store.latencyHistograms(scope, threads: 1).map { route in
                let outcomes = route.histograms.sorted { $0.key.rawValue < $1.key.rawValue }
                return "\(route.route) \(outcomes.map { "\($0.key): \($0.value)" })"
            }.joined(separator: " ")
        }
        ask("quantiles", store) {
            "\(try store.latencyQuantiles([0.5, 0.99], outcomes: [.success, .timeout], scope, threads: 1))"
        }
        ask("recovery", store) {
            var found: [String: Int] = [:]
            try store.recoveryIntervals(scope, threads: 1) { found[$0.route, default: 0] += $0.failures.count }
            return "\(found.sorted { $0.key < $1.key })"
        }
        ask("probes", store) {
            var found: [String: Int64] = [:]
            try store.hostProbes(scope, threads: 1) { probes in
                found[probes.route] = probes.endUs.reduce(found[probes.route] ?? 0, &+)
            }
            return "\(found.sorted { $0.key < $1.key })"
        }
    }

    private static let queries = [
        "SELECT route, outcome, count(*), sum(request % 1000) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT * FROM history ORDER BY 1, 2, 3, 4",
        "SELECT hour_us, from_us, below_us, sum(attempts) FROM history_latency GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        "SELECT * FROM history_dropped ORDER BY 1, 2, 3",
        "SELECT name FROM route", "SELECT code FROM host WHERE name = '10.0.1.1:80'",
        "SELECT min(first_start_us), max(last_start_us) FROM segment",
        "SELECT part, rows, attempts FROM ledger ORDER BY 1",
        "SELECT version, who, why, length(yaml) FROM rule_set ORDER BY 1",
        "SELECT count(*), sum(start_us), sum(wait_us) FROM tail",
        "SELECT sum(rows), sum(timeout) FROM segment",
        "SELECT count(*), min(start_us), max(host) FROM attempts WHERE start_us BETWEEN 1790000000100000 AND 1790000000200000",
    ]

    private mutating func ask(_ question: String, _ store: AttemptStore, _ answer: () throws -> String) {
        do {
            let value = try answer()
            if let damage = store.damage.first { complaints[question] = "\(damage)" } else { values[question] = value }
        } catch {
            complaints[question] = "\(error)"
        }
    }

    private static func digest(_ columns: AttemptColumns) -> String {
        let words = columns.request.indices.reduce(UInt64(columns.count)) { $0 &* 31 &+ columns[$1].fingerprint }
        return "\(columns.count) \(words)"
    }

    /// How these answers differ from every one of the true ones; `nil`: there is one of which they say nothing else.
    func difference(from truth: [Answers]) -> String? {
        var first: String?
        for one in truth {
            guard let wrong = values.first(where: { one.values[$0.key] != $0.value }) else { return nil }
            first = first ?? "\(wrong.key): \(Self.contrast(wrong.value, one.values[wrong.key] ?? ""))"
        }
        return first
    }

    /// The two from shortly before where they part.
    private static func contrast(_ found: String, _ wanted: String) -> String {
        let same = max(0, zip(found, wanted).prefix { $0 == $1 }.count - 40)
        return "…\(found.dropFirst(same).prefix(160)) instead of …\(wanted.dropFirst(same).prefix(160))"
    }
}
