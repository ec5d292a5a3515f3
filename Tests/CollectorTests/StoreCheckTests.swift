import Retry
import TestSupport
import Testing

@testable import Collector

/// The check of everything, and what the store says of itself.
@Suite struct StoreCheckTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    /// A store with something in every part.
    private func makeStore() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let all = Sample.attempts(4_000, seed: 21)
        try store.append(Array(all.prefix(1_500)))
        try store.seal()
        try store.append(Array(all[1_500..<3_000]))
        try store.seal()
        try store.append(Array(all.suffix(1_000)))
        try store.recordDropped(count: 5, fromUs: all[0].startUs, toUs: all[9].startUs, reason: "full")
        let rules = RuleSet(version: 1, createdUs: 0, routes: [:])
        try store.recordRuleSet(rules, yaml: rules.yaml(), who: "a", why: "b", atUs: 7)
        var old = Sample.attempts(300, seed: 22, extremes: false)
        for index in old.indices { old[index].startUs -= 50 * HourKey.hourUs }
        try store.append(old)
        try store.recordDropped(count: 6, fromUs: old[0].startUs, toUs: old[0].startUs, reason: "old")
        _ = try store.prune(beforeUs: all[0].startUs)
        try store.append(Array(all.suffix(100)))
        store.close()
    }

    private func damage(_ sql: String) throws {
        let other = try Connection(path: path, access: .readWrite)
        try other.execute(sql)
    }

    private func check() throws -> StoreCheck {
        try AttemptStore.open(path: path, mode: .readOnly).checkEverything()
    }

    @Test func `a sound store is sound, and everything in it was counted`() throws {
        try makeStore()
        let check = try check()
        #expect(check.isSound, "\(check.findings)")
        #expect(check.segments == 3 && check.segmentAttempts == 4_000 && check.tailAttempts == 100)
        #expect(check.ruleSets == 1 && check.dropped == 5 && check.summaries > 0 && check.names > 5)
        #expect(check.format == StoreSchema.version)
    }

    private static func schema(_ sql: String) -> String {
        "PRAGMA writable_schema = ON; \(sql); PRAGMA writable_schema = RESET"
    }

    /// What is changed in each part, and where the check must see it.
    static let damages: [(String, StoreCheck.Part)] = [
        ("UPDATE route SET name = name || 'x' WHERE code = 1", .names),
        ("UPDATE host SET digest = digest + 1 WHERE code = 0", .names),
        ("UPDATE route_host SET host = host + 1 WHERE id = 1", .names),
        ("DELETE FROM route_host WHERE id = (SELECT max(id) FROM route_host)", .names),
        ("UPDATE ledger SET digest = digest + 1 WHERE part = 1", .names),
        ("DELETE FROM ledger WHERE part = 5", .segment),
        ("DELETE FROM ledger WHERE part = 8", .names),
        (schema("UPDATE sqlite_schema SET sql = replace(sql, 'h.attempts', 'h.retries') WHERE name LIKE 'hi%'"), .file),
        ("DROP VIEW history_dropped", .file),
        ("UPDATE segment SET rows = rows + 1 WHERE id = 1", .segment),
        ("UPDATE segment SET first_start_us = first_start_us - 1 WHERE id = 1", .segment),
        ("UPDATE segment SET success = success + 1, cancelled = cancelled - 1 WHERE id = 2", .segment),
        ("UPDATE segment SET data = zeroblob(length(data)) WHERE id = 2", .segment),
        ("UPDATE segment SET data = substr(data, 1, length(data) - 1) || x'A5' WHERE id = 1", .segment),
        ("DELETE FROM segment WHERE id = 1", .segment),
        ("UPDATE tail SET duration_us = duration_us + 1 WHERE id = 5", .tail),
        ("DELETE FROM tail WHERE id = 5", .tail),
        ("UPDATE dropped SET attempts = attempts + 1", .dropped),
        ("DELETE FROM dropped", .dropped),
        ("UPDATE hour_summary SET attempts = attempts + 1", .history),
        ("UPDATE hour_summary SET latency = replace(latency, ':1', ':2')", .history),
        ("UPDATE hour_summary SET route = route + 100", .history),
        ("DELETE FROM hour_summary", .history),
        ("UPDATE hour_dropped SET attempts = 60", .history),
        ("DELETE FROM hour_dropped", .history),
        ("UPDATE rule_set SET yaml = yaml || 'x: 1'", .rules),
        ("DELETE FROM rule_set", .rules),
    ]

    @Test(arguments: damages) func `damage is found where it is`(sql: String, part: StoreCheck.Part) throws {
        try makeStore()
        try damage(sql)
        let check = try check()
        #expect(check.findings.contains { $0.part == part }, "\(sql): \(check.findings)")
    }

    @Test func `a damaged segment is named with its rows and its time`() throws {
        try makeStore()
        try damage("UPDATE segment SET data = substr(data, 1, length(data) - 1) || x'A5' WHERE id = 1")
        let all = Sample.attempts(4_000, seed: 21)
        let finding = try #require(try check().findings.first)
        #expect(finding.segment == 1 && finding.attempts == 1_500 && finding.reason.contains("checksum"))
        #expect(finding.firstStartUs == all[0].startUs && finding.lastStartUs == all[1_499].startUs)
    }

    @Test func `pages that SQLite itself finds wrong are findings`() throws {
        try makeStore()
        // An index that does not have what the table has.
        try damage(
            """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'dropped')
              WHERE name = 'segment_by_start'
            """)
        #expect(try check().findings.contains { $0.part == .file })
    }

    @Test func `the store says what it holds and where its bytes go`() throws {
        try makeStore()
        let info = try AttemptStore.open(path: path, mode: .readOnly).info()
        let all = Sample.attempts(4_000, seed: 21)
        #expect(
            info.segments == 3 && info.segmentAttempts == 4_000 && info.tailAttempts == 100 && info.attempts == 4_100)
        #expect(info.firstStartUs == all[0].startUs && info.lastStartUs == all[3_999].startUs)
        #expect(info.droppedAttempts == 5 && info.ruleSets == 1 && info.historyAttempts == 300)
        #expect(info.columns.map(\.name) == Column.allCases.map(\.name))
        #expect(info.columns.allSatisfy { $0.bytes > 0 && $0.encodings.values.reduce(0, +) == 3 })
        #expect(info.fileBytes == Int64(fileBytes(path).count))
        let stored = try Connection(path: path, access: .readOnly).integer("SELECT sum(length(data)) FROM segment")
        #expect(Int64(info.headBytes + info.columns.reduce(0) { $0 + $1.bytes }) == stored)
        #expect(info.smallSegments == 3 && info.damage.isEmpty)
    }

    @Test func `an empty store is sound and says so`() throws {
        try AttemptStore.open(path: path, mode: .readWrite).close()
        #expect(try check().isSound)
        let info = try AttemptStore.open(path: path, mode: .readOnly).info()
        #expect(info.attempts == 0 && info.firstStartUs == nil && info.segments == 0)
    }
}
