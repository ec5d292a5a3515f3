import TestSupport
import Testing

@testable import Collector

@Suite struct QueryRefusalTests {
    @Test(arguments: [
        "DROP TABLE attempts", "DROP TABLE nowhere", "drop table tail;", "DELETE FROM attempts", "DELETE FROM tail",
        " ;\n delete from nowhere", "INSERT INTO attempts VALUES (1)", "UPDATE tail SET status = 1", "VACUUM",
        "PRAGMA query_only = OFF", "PRAGMA user_version", "ATTACH 'other.db' AS other", "BEGIN", "CREATE TABLE x (y)",
        "WITH a AS (SELECT 1) DELETE FROM tail", "WITH a AS (SELECT 1) DELETE FROM attempts", "-- \nDROP TABLE tail",
    ])
    func `what is no SELECT is refused in one sentence`(sql: String) throws {
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            #expect(
                throws: StoreError(.sql, path: folder + "/store.db", "only a single SELECT is allowed here")
            ) { try store.query(sql) }
        }
    }

    @Test func `a mistyped word is SQLite's to explain, and a second statement is named`() throws {
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            let path = folder + "/store.db"
            #expect(throws: StoreError(.sql, path: path, "near \"SELEC\": syntax error", sqlOffset: 0)) {
                try store.query("SELEC 1")
            }
            let second = "only a single SELECT is allowed here; a second statement begins after the first ';'"
            #expect(throws: StoreError(.sql, path: path, second, sqlOffset: 9)) {
                try store.query("SELECT 1; SELECT 2")
            }
            #expect(try store.query("WITH a AS (SELECT 7) SELECT * FROM a;").rows == [[.integer(7)]])
        }
    }
}
