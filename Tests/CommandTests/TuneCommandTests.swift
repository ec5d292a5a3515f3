import Foundation
import TestSupport
import Testing

@testable import meantime

/// `meantime tune` on a recorded log.
struct TuneCommandTests {
    @Test func `a dry run answers without a configuration, names its assumptions and writes nothing`() throws {
        try withImportedLog { directory in
            let before = try storeContent(directory)
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
            let recorded = try #require(routes[0]["recorded_success_share"] as? Double)
            #expect((0...1).contains(recorded))
            let text = try Command.run(["tune", "--dry-run"], in: directory).output
            #expect(text.contains(NumberText.fixed(recorded * 100, places: 2) + " %"), "\(text)")
            #expect((routes[0]["reason"] as? String)?.isEmpty == false)
            #expect(try storeContent(directory) == before)
        }
    }

    @Test func `with --timings the stages are told on stderr and the answer stays the same`() throws {
        try withImportedLog { directory in
            let plain = try Command.run(["tune", "--dry-run"], in: directory)
            let timed = try Command.run(["tune", "--dry-run", "--timings"], in: directory)
            #expect(timed.output == plain.output)
            for stage in ["reading", "host states", "playing rules", "GEMM"] {
                #expect(timed.errors.contains("\n\(stage) "), "\(timed.errors)")
            }
            #expect(timed.errors.contains("cblas_dgemm alone"))
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

            let before = try storeContent(directory)
            let second = try Command.run(["tune"], in: directory)
            #expect(second.code == 0, "\(second.errors)")
            #expect(second.output.contains("rules.yaml: version 1 stays as it is; nothing changed"), "\(second.output)")
            #expect(try storeContent(directory) == before)

            try FileManager.default.removeItem(atPath: directory + "/rules.yaml")
            let third = try Command.run(["tune"], in: directory)
            let words = "version 2 is in force (before: file missing, last version 1 is in the history)"
            #expect(third.output.contains(words), "\(third.output)")

            let report = try Command.run(["report", "rules", "--format", "csv"], in: directory).output
            #expect(report.hasPrefix("route,rule,attempts,failures,outages,cost_before_us,"))
            #expect(report.contains("\nmain,"))
        }
    }

    @Test func `a configured route that the log does not know is named`() throws {
        try withImportedLog { directory in
            try write("routes: {main: , ghost: }\n", to: directory + "/meantime.yaml")
            let result = try Command.run(
                ["tune", "--dry-run", "--config", "meantime.yaml", "--format", "json"], in: directory)
            #expect(
                result.code == 0 && result.errors == "meantime: tune: no attempts seen: ghost\n", "\(result.errors)")
            let document = try json(result.output) as? [String: Any]
            #expect(document?["routes_without_attempts"] as? [String] == ["ghost"])
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
}
