import TestSupport
import Testing

@testable import Collector

/// The definitions of a store's tables and views, held against those that were made.
@Suite struct StoreDefinitionsTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws {
        directory = try TemporaryDirectory()
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(20, seed: 61))
        store.close()
    }

    private func change(_ sql: String) throws {
        let connection = try Connection(path: path, access: .readWrite)
        try connection.execute("PRAGMA writable_schema = ON; \(sql); PRAGMA writable_schema = RESET")
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [AttemptStore.Mode.readOnly, .readWrite])
    func `a table that is defined otherwise is refused`(mode: AttemptStore.Mode) throws {
        try change("UPDATE sqlite_schema SET sql = replace(sql, 'wait_us', 'wait_ms') WHERE name = 'tail'")
        let refusal = refusal { _ = try AttemptStore.open(path: path, mode: mode) }
        #expect(refusal?.contains("table tail is not defined as it was made") == true, "\(refusal ?? "")")
    }

    @Test func `a table that is gone is named`() throws {
        try change("DROP INDEX segment_by_start")
        let refusal = refusal { _ = try AttemptStore.open(path: path, mode: .readOnly) }
        #expect(refusal?.contains("index segment_by_start is gone") == true, "\(refusal ?? "")")
    }

    @Test func `a changed view is told to who asks, and made anew by the next writer`() throws {
        try change("UPDATE sqlite_schema SET sql = replace(sql, 'h.retries', 'h.hedges ') WHERE name = 'history'")
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        let refusal = refusal { _ = try reader.query("SELECT * FROM history") }
        #expect(refusal?.contains("view history is not defined as it was made") == true, "\(refusal ?? "")")
        #expect(try reader.checkEverything().findings.map(\.part) == [.file])
        #expect(try reader.scan { _ in }.rows == 20)
        reader.close()
        let writer = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try writer.query("SELECT * FROM history").rows.isEmpty)
        #expect(try writer.checkEverything().isSound)
    }

    @Test func `what others have added is theirs`() throws {
        try change("CREATE TABLE mine (a); CREATE VIEW my_view AS SELECT * FROM mine")
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try store.checkEverything().isSound && store.query("SELECT * FROM my_view").rows.isEmpty)
    }

    @Test func `a damaged row of the tail stops no query of the tables that leave it out`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try Connection(path: path, access: .readWrite).execute("UPDATE tail SET wait_us = wait_us + 1 WHERE id = 3")
        for sql in ["SELECT count(*) FROM attempts", "SELECT sum(attempts) FROM failures_by_route"] {
            let answer = try store.query(sql)
            #expect(answer.rows == [[.integer(19)]] && answer.damage.count == 1, "\(sql)")
        }
        // Nor does a view that they do not read.
        try change("UPDATE sqlite_schema SET sql = replace(sql, 'h.retries', 'h.hedges ') WHERE name = 'history'")
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(try reader.query("SELECT count(*) FROM attempts").rows == [[.integer(19)]])
    }

    @Test func `plain tables are held against the ledger before a statement reads them`() throws {
        for (damage, question) in [
            ("UPDATE dropped SET attempts = 9", "SELECT sum(attempts) FROM dropped"),
            ("UPDATE tail SET wait_us = wait_us + 1 WHERE id = 3", "SELECT sum(wait_us) FROM tail"),
            ("DELETE FROM route WHERE code = 0", "SELECT count(*) FROM route"),
            // For a digest of numbers this is 0.
            ("UPDATE tail SET retry_after_us = x'' WHERE id = 3", "SELECT min(retry_after_us) FROM tail"),
        ] {
            let copy = directory.file("copy.db")
            writeFile(fileBytes(path), to: copy)
            let store = try AttemptStore.open(path: copy, mode: .readWrite)
            try store.recordDropped(count: 3, fromUs: 0, toUs: 0, reason: "full")
            #expect(refusal { _ = try store.query(question) } == nil)
            try Connection(path: copy, access: .readWrite).execute(damage)
            #expect(refusal { _ = try store.query(question) } != nil, "\(question)")
            store.close()
        }
    }
}
