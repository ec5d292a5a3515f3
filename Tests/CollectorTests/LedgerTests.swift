import Retry
import Testing

@testable import Collector

/// The ledger says what is there, whatever was done; and what is not as it says is damage.
@Suite struct LedgerTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    /// A store with something of everything: two segments, a tail, a drop, two rule sets.
    private func filledStore() throws -> AttemptStore {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 300)
        let attempts = Sample.attempts(700, seed: 41)
        for start in stride(from: 0, to: attempts.count, by: 100) {
            try store.append(Array(attempts[start..<start + 100]))
        }
        try store.recordDropped(count: 7, fromUs: 10, toUs: 20, reason: "the disk was full")
        for version in 1...2 {
            try store.recordRuleSet(
                RuleSet(version: version, createdUs: 0, routes: [:]), yaml: "version: \(version)\n", who: "a", why: "b",
                atUs: 5)
        }
        return store
    }

    private func requireExact(_ connection: Connection) throws {
        let ledger = try Ledger(on: connection)
        for part in Ledger.Part.allCases {
            #expect(try ledger[part] == Ledger.account(of: part, on: connection), "\(part)")
        }
    }

    @Test func `whatever is appended, sealed, dropped or rolled back, the ledger says what is there`() throws {
        let store = try filledStore()
        let connection = try Connection(path: path, access: .readWrite)
        try requireExact(connection)
        #expect(try Ledger(on: connection)[.segment]?.rows == 2)
        #expect(try Ledger(on: connection)[.tail]?.rows == 100)
        #expect(
            try Ledger(on: connection)[.dropped]
                == LedgerAccount(
                    rows: 1, attempts: 7, sum: Ledger.digest(integers: [1, 7, 10, 20], texts: ["the disk was full"])))
        try store.limitPages(1)
        #expect(throws: StoreError.self) { try store.append(Sample.attempts(2_000, seed: 42, routes: 50)) }
        try requireExact(connection)
        try store.limitPages(1 << 30)
        try store.seal()
        try requireExact(connection)
        #expect(try Ledger(on: connection)[.tail] == LedgerAccount())
        try store.append(Sample.attempts(2_000, seed: 42, routes: 50))
        try requireExact(connection)
        #expect(try Ledger(on: connection)[.route]?.rows == 50)
    }

    @Test func `a row that is not there is damage in every read, of whatever range`() throws {
        let all = try filledStore().scan { _ in }.rows
        let connection = try Connection(path: path, access: .readWrite)
        try connection.execute("DELETE FROM tail WHERE id = (SELECT max(id) FROM tail)")
        var store = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try store.check().map(\.rows) == [1])
        #expect(try store.scan { _ in } == ScanReport(rows: all - 1, damage: store.damage))
        #expect(try store.scan(fromUs: 0, toUs: 1) { _ in }.damage.map(\.segment) == [0])
        #expect(try store.missingAttempts(fromUs: 0, toUs: 1) == 1)
        try connection.execute("DELETE FROM segment WHERE id = 2")
        store = try AttemptStore.open(path: path, mode: .readOnly)
        let damage = try store.check()
        #expect(damage.map(\.segment) == [-1, 0] && damage.map(\.rows) == [300, 1])
        #expect(
            damage.first?.description == "the list of segments is damaged (300 attempts missing): "
                + "2 rows were written, 1 can be read")
        #expect(throws: StoreError.self) { try store.fingerprints(fromUs: 0, toUs: 1) }
    }

    @Test func `a tail row that was lost becomes a missing attempt when the tail is sealed`() throws {
        let store = try filledStore()
        let connection = try Connection(path: path, access: .readWrite)
        try connection.execute("DELETE FROM tail WHERE id IN (SELECT id FROM tail LIMIT 3)")
        try store.seal()
        #expect(try store.check().isEmpty)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 10)
        try requireExact(connection)
    }

    @Test(arguments: ["dropped", "rule_set", "route", "host", "method"])
    func `a name, a drop or a rule set that is gone is an error`(table: String) throws {
        let store = try filledStore()
        try Connection(path: path, access: .readWrite).execute(
            "DELETE FROM \(table) WHERE rowid = (SELECT max(rowid) FROM \(table))")
        store.close()
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        let calls: [() throws -> Void] = [
            { _ = try reader.missingAttempts(fromUs: nil, toUs: nil) }, { _ = try reader.ruleHistory() },
            { try reader.scan { _ in } },
        ]
        let refusals = calls.map { call in
            do {
                try call()
                return false
            } catch {
                return (error as? StoreError)?.code == .damaged
            }
        }
        #expect(refusals == [table != "rule_set", table == "rule_set", !["rule_set", "dropped"].contains(table)])
    }

    @Test func `a damaged line of the ledger is told until it is counted anew, and writing goes on`() throws {
        let store = try filledStore()
        let connection = try Connection(path: path, access: .readWrite)
        let all = try store.scan { _ in }.rows
        try connection.execute("UPDATE ledger SET rows = rows - 1 WHERE part = 5")
        let more = Sample.attempts(900, seed: 43)
        try store.append(more)
        let damage = try store.check()
        #expect(damage.map(\.segment) == [-1])
        #expect(damage[0].reason == "its line of the ledger is damaged")
        #expect(try store.scan { _ in }.rows == all + 900)
        try Ledger.count([.segment], on: connection)
        #expect(try store.check().isEmpty)
    }

    @Test func `a store of version 1 is read as it is, and gets its ledger when it is written`() throws {
        let rows = try filledStore().scan { _ in }.rows
        do {
            let connection = try Connection(path: path, access: .readWrite)
            try connection.execute("DROP TABLE ledger; PRAGMA user_version = 1")
        }
        #expect(try AttemptStore.open(path: path, mode: .readOnly).scan { _ in } == ScanReport(rows: rows, damage: []))
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try requireExact(Connection(path: path, access: .readOnly))
        #expect(try store.check().isEmpty && store.scan { _ in }.rows == rows)
    }
}
