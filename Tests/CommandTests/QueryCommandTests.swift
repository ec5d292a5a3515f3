import Foundation
import TestSupport
import Testing

/// `meantime query` on a recorded log.
struct QueryCommandTests {
    @Test func `queries come out as table, csv and json`() throws {
        try withImportedLog { directory in
            let sql = "SELECT outcome, count(*) AS n FROM attempts WHERE outcome = 'timeout' GROUP BY 1"
            func run(_ arguments: String...) throws -> Command.Result {
                try Command.run(["query"] + arguments, in: directory)
            }
            #expect(try run(sql).output == "outcome  n\ntimeout  7\n")
            #expect(try run(sql, "--format", "csv").output == "outcome,n\ntimeout,7\n")
            #expect(try run(sql, "--format", "json").output == "[\n{\"outcome\":\"timeout\",\"n\":7}\n]\n")
            #expect(try run("SELECT 1 WHERE 0", "--format", "json").output == "[]\n")
            #expect(try run("SELECT 1 AS a WHERE 0").output == "a\n")
            #expect(
                try run("SELECT 'a,\"b\"' AS x, NULL AS y, x'0aff' AS z, 1.5 AS x", "--format", "csv").output
                    == "x,y,z,x\n\"a,\"\"b\"\"\",,0aff,1.5\n")
            let twice = try json(run("SELECT 1 AS x, 2 AS x, NULL AS y", "--format", "json").output)
            let row = (twice as? [[String: Any]])?.first
            #expect(row?["x"] as? Int == 1 && row?["x_2"] as? Int == 2 && row?["y"] is NSNull)
            #expect(try run("SELECT * FROM attempts", "--format", "csv").output.split(separator: "\n").count == 976)
        }
    }

    @Test(arguments: [
        ("SELEC 1", "syntax error, at 'SELEC'"), ("SELECT frobs FROM attempts", "no such column: frobs"),
        ("", "there is no statement"), ("DELETE FROM attempts", "only a single SELECT is allowed here"),
        ("DROP TABLE segment", "only a single SELECT is allowed here"),
        ("SELECT 1; SELECT 2", "a second statement begins after"),
        ("ATTACH 'other.db' AS o", "only a single SELECT is allowed here"),
        ("PRAGMA user_version = 7", "only a single SELECT is allowed here"),
    ])
    func `what is wrong or writes is refused`(sql: String, words: String) throws {
        try withImportedLog { directory in
            let before = try storeContent(directory)
            expectRefusal(try Command.run(["query", sql], in: directory), code: 1, "meantime: query: ", words)
            #expect(try storeContent(directory) == before)
        }
    }
}
