import Foundation
import TestSupport
import Testing

/// Import, tune, report and query, one after the other, as a new user would.
struct LoopCommandTests {
    private func withImportedLog(_ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let log = notebooksData("envoy_access_logs/loop.jsonl")
            let result = try Command.run(["import", "--format", "envoy", log], in: directory)
            #expect(result.code == 0, "\(result.errors)")
            try body(directory)
        }
    }

    /// What SQLite keeps beside a store while it is read is no content.
    private func content(_ directory: String) throws -> [String: Data] {
        try snapshot(directory).filter { !$0.key.hasSuffix("-shm") && !$0.key.hasSuffix("-wal") }
    }

    @Test func `a dry run answers without a configuration, names its assumptions and writes nothing`() throws {
        try withImportedLog { directory in
            let before = try content(directory)
            let result = try Command.run(["tune", "--dry-run", "--format", "json"], in: directory)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.errors == "")
            let document = try #require(try json(result.output) as? [String: Any])
            #expect(document["written"] as? Bool == false)
            #expect(document["version"] is NSNull)
            let routes = try #require(document["routes"] as? [[String: Any]])
            #expect(routes.count == 1)
            let assumptions = try #require(routes[0]["assumptions"] as? [String])
            #expect(assumptions.contains { $0.hasPrefix("default objective") })
            #expect((routes[0]["reason"] as? String)?.isEmpty == false)
            #expect(try content(directory) == before)
        }
    }

    @Test func `tune writes rules with evidence, records them, and a second run changes nothing`() throws {
        try withImportedLog { directory in
            let first = try Command.run(["tune", "--who", "timer", "--why", "nightly"], in: directory)
            #expect(first.code == 0, "\(first.errors)")
            #expect(first.output.contains("rules.yaml: version 1 is in force (before: no rules)"))
            let rules = try contents(directory + "/rules.yaml")
            #expect(rules.contains("evidence: {attempts: 975"))
            let history =
                try json(
                    Command.run(["rules", "history", "--format", "json"], in: directory).output) as? [[String: Any]]
            #expect(history?.count == 1)
            #expect(history?[0]["who"] as? String == "timer")
            #expect(history?[0]["why"] as? String == "nightly")

            let before = try content(directory)
            let second = try Command.run(["tune"], in: directory)
            #expect(second.code == 0, "\(second.errors)")
            #expect(second.output.contains("rules.yaml: version 1 stay"), "\(second.output)")
            #expect(try content(directory) == before)

            let report = try Command.run(["report", "rules", "--format", "csv"], in: directory).output
            #expect(report.hasPrefix("route,rule,attempts,failures,outages,cost_before_us,"))
            #expect(report.contains("\nmain,"))
        }
    }

    @Test(arguments: ["failure-times", "recovery", "latency", "retries"])
    func `every report is a table, json and csv of the same rows`(report: String) throws {
        try withImportedLog { directory in
            func run(_ format: String) throws -> String {
                let result = try Command.run(["report", report, "--format", format], in: directory)
                #expect(result.code == 0, "\(result.errors)")
                return result.output
            }
            let document = try #require(try json(run("json")) as? [String: Any])
            let rows = try #require(document["rows"] as? [[String: Any]])
            let names = try #require(document["columns"] as? [[String: String]]).compactMap { $0["name"] }
            #expect(!rows.isEmpty)
            #expect(rows.allSatisfy { Set($0.keys) == Set(names) })
            let csv = try run("csv").split(separator: "\n")
            #expect(csv.count == rows.count + 1)
            #expect(csv[0] == names.joined(separator: ","))
            let table = try run("table").split(separator: "\n", omittingEmptySubsequences: false)
            let body = table.drop { !$0.hasPrefix("route") }.dropFirst().prefix { !$0.isEmpty }
            #expect(body.count == rows.count)
        }
    }

    @Test func `a route or a time without attempts is said with what there is`() throws {
        try withImportedLog { directory in
            for command in [["tune"], ["report", "latency"]] {
                expectRefusal(
                    try Command.run(command + ["--route", "checkout"], in: directory), code: 1,
                    "no attempt on route 'checkout'; seen: main")
                expectRefusal(
                    try Command.run(command + ["--since", "2099-01-01T00:00:00Z"], in: directory), code: 1,
                    "no attempts since 2099-01-01T00:00:00Z; the newest is of 20")
            }
        }
    }

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
        ("", "there is no statement"), ("DELETE FROM attempts", "attempts may not be modified"),
        ("DROP TABLE segment", "only SELECT is allowed"), ("SELECT 1; SELECT 2", "one statement only"),
        ("ATTACH 'other.db' AS o", "only SELECT is allowed"), ("PRAGMA user_version = 7", "only SELECT is allowed"),
    ])
    func `what is wrong or writes is refused`(sql: String, words: String) throws {
        try withImportedLog { directory in
            let before = try content(directory)
            expectRefusal(try Command.run(["query", sql], in: directory), code: 1, "meantime: query: ", words)
            #expect(try content(directory) == before)
        }
    }
}
