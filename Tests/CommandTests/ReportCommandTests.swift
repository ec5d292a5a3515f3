import Foundation
import TestSupport
import Testing

/// `meantime report` on a recorded log.
struct ReportCommandTests {
    @Test(arguments: ["failure-times", "recovery", "latency", "retries", "outages", "runs"])
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

    @Test(arguments: ["failure-times", "recovery", "latency", "retries", "outages", "runs"])
    func `the page has the numbers of the table and a picture in two sizes`(report: String) throws {
        try withImportedLog { directory in
            let table = try Command.run(["report", report], in: directory).output
            let result = try Command.run(["report", report, "--html", "page.html"], in: directory)
            #expect(result.code == 0 && result.output == "page: page.html\n", "\(result.errors)")
            let html = try contents(directory + "/page.html")
            let lines = table.split(separator: "\n", omittingEmptySubsequences: false)
            let body = lines.drop { !$0.hasPrefix("route") }.dropFirst().prefix { !$0.isEmpty }
            let words = body.map { $0.split(separator: " ").dropFirst().joined(separator: " ") }
            let cells = ReportPageTests.cells(html)
            #expect(cells.count % body.count == 0)
            let width = cells.count / body.count
            let rows = stride(from: 0, to: cells.count, by: width).map { first in
                cells[first..<first + width].joined(separator: " ").split(separator: " ").joined(separator: " ")
            }
            #expect(rows == words)
            #expect(html.contains("class=\"plot large\"") && html.contains("class=\"plot narrow\""))
        }
    }

    @Test func `curves below the table, without colours where nobody looks`() throws {
        try withImportedLog { directory in
            let plain = try Command.run(["report", "recovery", "--plot"], in: directory)
            #expect(plain.code == 0 && plain.output.contains("main: Recovered after a wait"))
            #expect(plain.output.utf8.allSatisfy { $0 < 0x80 })
            let braille = try Command.run(
                ["report", "recovery", "--plot"], in: directory, environment: ["LANG": "C.UTF-8"])
            #expect(braille.output.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
            #expect(!braille.output.contains("\u{1B}"))
            let table = try Command.run(["report", "recovery"], in: directory)
            #expect(plain.output.hasPrefix(table.output))
        }
    }

    @Test func `what cannot be drawn or written is refused`() throws {
        try withImportedLog { directory in
            let rules = try Command.run(["report", "rules", "--html", "page.html"], in: directory)
            expectRefusal(rules, code: 2, "rules", "no pictures")
            let both = try Command.run(["report", "runs", "--plot", "--html", "page.html"], in: directory)
            expectRefusal(both, code: 2, "--plot")
            let csv = try Command.run(["report", "runs", "--plot", "--format", "csv"], in: directory)
            expectRefusal(csv, code: 2, "--format")
            let nowhere = try Command.run(["report", "runs", "--html", "no/such/page.html"], in: directory)
            expectRefusal(nowhere, code: 1, "no/such/page.html")
            let none = try Command.run(["report", "outages", "--route", "nobody", "--html", "p.html"], in: directory)
            expectRefusal(none, code: 1, "nobody")
            #expect(try snapshot(directory).keys.allSatisfy { !$0.hasSuffix(".html") })
        }
    }

    @Test func `an empty store has nothing to draw, and says so`() throws {
        try withTemporaryDirectory { directory in
            let imported = try Command.run(
                ["import", "--format", "attempts", "-"], in: directory, input: "\n")
            #expect(imported.code == 0, "\(imported.errors)")
            let result = try Command.run(["report", "outages", "--html", "page.html"], in: directory)
            #expect(result.code == 1 && result.errorLines.count == 1, "\(result.errors)")
        }
    }
}
