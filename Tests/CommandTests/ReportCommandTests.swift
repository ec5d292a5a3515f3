import Foundation
import TestSupport
import Testing

/// `meantime report` on a recorded log.
struct ReportCommandTests {
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
}
