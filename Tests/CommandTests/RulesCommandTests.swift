import Collector
import Foundation
import Retry
import TestSupport
import Testing

@testable import meantime

/// `meantime rules`: show, diff, history, apply, rollback.
struct RulesCommandTests {
    static let first = """
        version: 1
        created: 2026-11-20T02:00:00Z
        routes:
          checkout:
            timeout: 800ms
            retry: {max_retries: 1, on: [reset], backoff: {waits: [40ms], jitter: 0}}

        """

    static let second = first.replacingOccurrences(of: "max_retries: 1", with: "max_retries: 3")

    @Test func `apply, history, show, diff and rollback tell one story`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            try write(Self.second, to: directory + "/b.yaml")
            func run(_ arguments: String...) throws -> Command.Result { try Command.run(arguments, in: directory) }

            #expect(try run("rules", "apply", "a.yaml", "--who", "ada").code == 0)
            let applied = try run("rules", "apply", "b.yaml", "--who", "bob", "--why", "more retries, \"please\"")
            #expect(applied.code == 0, "\(applied.errors)")
            #expect(applied.output.contains("+ retry.max_retries: 3"))
            #expect(applied.output.contains("rules.yaml: version 2 is in force"))
            #expect(try contents(directory + "/rules.yaml").contains("\nversion: 2\n"))

            let diff = try run("rules", "diff", "1", "2")
            #expect(diff.output == "checkout\n- retry.max_retries: 1\n+ retry.max_retries: 3\n")

            let back = try run("rules", "rollback", "--who", "eve")
            #expect(back.code == 0, "\(back.errors)")
            #expect(try contents(directory + "/rules.yaml").contains("\nversion: 3\n"))
            #expect(try run("rules", "diff", "1").output == "no rule differs\n")
            #expect(try run("rules", "show").output == contents(directory + "/rules.yaml"))
            #expect(try run("rules", "show", "2").output.contains("max_retries: 3"))

            let history = try json(run("rules", "history", "--format", "json").output) as? [[String: Any]]
            #expect(history?.map { $0["version"] as? Int } == [3, 2, 1])
            #expect(history?.map { $0["who"] as? String } == ["eve", "bob", "ada"])
            #expect(history?.first?["why"] as? String == "rolled back to version 1")
            let csv = try run("rules", "history", "--format", "csv").output
            #expect(csv.contains("bob,\"more retries, \"\"please\"\"\"\n"), "\(csv)")
            let table = try run("rules", "history").output.split(separator: "\n")
            #expect(table.count == 4 && table[0].hasPrefix("version  when"))
        }
    }

    @Test func `rules that say what is in force already change nothing`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/rules.yaml")
            try write(Self.first, to: directory + "/same.yaml")
            let before = try snapshot(directory)
            let result = try Command.run(["rules", "apply", "same.yaml"], in: directory)
            #expect(result.code == 0)
            #expect(result.output == "rules.yaml: version 1 says the same already; nothing changed\n")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test func `rules edited by hand are on record before they are replaced`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            let written = try contents(directory + "/rules.yaml")
            try write(
                written.replacingOccurrences(of: "max_retries: 1", with: "max_retries: 2"),
                to: directory + "/rules.yaml")
            #expect(try Command.run(["rules", "diff", "1"], in: directory).output.contains("+ retry.max_retries: 2"))
            try write(Self.second, to: directory + "/b.yaml")
            #expect(try Command.run(["rules", "apply", "b.yaml"], in: directory).code == 0)
            let text = try Command.run(["rules", "history", "--format", "json"], in: directory).output
            let history = try json(text) as? [[String: Any]]
            #expect(history?.map { $0["version"] as? Int } == [3, 2, 1])
            #expect(history?[1]["why"] as? String == "found in rules.yaml, version 1 edited by hand")
            #expect(try Command.run(["rules", "rollback"], in: directory).code == 0)
            #expect(try contents(directory + "/rules.yaml").contains("max_retries: 2"))
        }
    }

    @Test(arguments: [["rules", "apply", "b.yaml"], ["rules", "rollback", "--to", "1"], ["rules", "rollback"]])
    func `a damaged rule file is replaced on a person's word, and kept beside it`(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            try write(Self.second, to: directory + "/b.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            let path = URL(fileURLWithPath: directory + "/rules.yaml")
            for damaged in [Data(try contents(directory + "/rules.yaml").utf8.prefix(90)), Data([0xFF, 0xFE, 0x00])] {
                try damaged.write(to: path)
                let result = try Command.run(arguments, in: directory)
                #expect(result.code == 0 && result.errorLines.count == 1, "\(result.errors)")
                #expect(result.errors.contains("the damaged file was replaced and is kept as rules.yaml.damaged-"))
                let copies = try snapshot(directory).filter { $0.key.hasPrefix("rules.yaml.damaged-") }
                #expect(copies.values.contains(damaged))
                #expect(try Command.run(["rules", "show"], in: directory).code == 0)
            }
            #expect(try contents(directory + "/rules.yaml").contains("\nversion: 3\n"))
        }
    }

    @Test func `a rule that was edited does not keep the evidence of the one it was`() throws {
        try withTemporaryDirectory { directory in
            let evidence = "    evidence: {attempts: 9, failures: 1, outages: 1, reason: \"measured\"}\n"
            try write(Self.first + evidence, to: directory + "/a.yaml")
            try write(Self.second + evidence, to: directory + "/b.yaml")
            let first = try Command.run(["rules", "apply", "a.yaml"], in: directory)
            #expect(first.code == 0 && first.errors == "", "\(first.errors)")
            #expect(try contents(directory + "/rules.yaml").contains("measured"))
            let second = try Command.run(["rules", "apply", "b.yaml"], in: directory)
            #expect(second.code == 0 && second.errors.contains("checkout: its rule is not the one"), "\(second.errors)")
            #expect(try !contents(directory + "/rules.yaml").contains("measured"))
            let back = try Command.run(["rules", "rollback"], in: directory)
            #expect(back.code == 0 && back.errors == "", "\(back.errors)")
            #expect(try contents(directory + "/rules.yaml").contains("measured"))
        }
    }

    @Test func `a route with evidence only has no rule of its own, and every view says so`() throws {
        try withTemporaryDirectory { directory in
            try write("version: 1\nroutes: {}\n", to: directory + "/a.yaml")
            try write(
                "version: 2\nroutes:\n  main:\n    evidence: {attempts: 9, reason: \"too little evidence\"}\n",
                to: directory + "/b.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            let applied = try Command.run(["rules", "apply", "b.yaml"], in: directory).output
            #expect(applied.hasPrefix("main\n+ no rule of its own (left as it is)\n"), "\(applied)")
            for view in [["rules", "show"], ["report", "rules"], ["report", "rules", "--format", "csv"]] {
                let text = try Command.run(view, in: directory).output
                #expect(text.contains("no rule of its own (left as it is)"), "\(text)")
            }
            let shown = try Command.run(["rules", "show"], in: directory).output
            #expect(try RuleSet(yaml: shown, file: "shown").routes["main"]?.rule == Rule())
        }
    }

    @Test(arguments: [["tune"]])
    func `a rule file cut in half is left alone`(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            try write(Self.second, to: directory + "/b.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            let whole = try contents(directory + "/rules.yaml")
            try write(String(whole.prefix(whole.count * 2 / 3)), to: directory + "/rules.yaml")
            let before = try snapshot(directory)
            expectRefusal(try Command.run(arguments, in: directory), code: 1, "rules.yaml:", "nothing was changed")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: [
        ("version: 1\nroutes:\n  a:\n    timeuot: 3s\n", "new.yaml:4", "unknown key"),
        ("version: 1\nroutes:\n  a:\n    timeout: 3\n", "new.yaml:4", "not a duration"),
        ("version: 1\nroutes:\n  a:\n    timeout: -3s\n", "new.yaml:4", "cannot be negative"),
        ("version: 0\nroutes: {}\n", "new.yaml:1", "whole number from 1"),
        ("version: 1\nroutes:\n  a:\n    retry: {max_retries: 1, on: [reset", "new.yaml:", "not YAML"),
        ("", "new.yaml:1", "mapping"),
    ])
    func `a rule file that does not validate is refused with line and reason`(
        text: String, place: String, reason: String
    ) throws {
        try withTemporaryDirectory { directory in
            try write(text, to: directory + "/new.yaml")
            let before = try snapshot(directory)
            expectRefusal(try Command.run(["rules", "apply", "new.yaml"], in: directory), code: 1, place, reason)
            #expect(try snapshot(directory) == before)
        }
    }

    @Test func `what cannot be written is said before anything is recorded`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            try write(Self.second, to: directory + "/b.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            let before = try snapshot(directory)
            let result = try Command.run(["rules", "apply", "b.yaml", "--rules", "none/rules.yaml"], in: directory)
            expectRefusal(result, code: 1, "none/rules.yaml", "must exist and be writable")
            #expect(try snapshot(directory)["rules.yaml"] == before["rules.yaml"])
            let history = try Command.run(["rules", "history", "--format", "json"], in: directory).output
            #expect((try json(history) as? [Any])?.count == 1)
        }
    }

    @Test func `versions that are not there are named with those that are`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.first, to: directory + "/a.yaml")
            #expect(try Command.run(["rules", "apply", "a.yaml"], in: directory).code == 0)
            expectRefusal(
                try Command.run(["rules", "show", "9"], in: directory), code: 1, "version 9 is not on record",
                "on record: 1")
            expectRefusal(
                try Command.run(["rules", "rollback"], in: directory), code: 1, "no version before 1 is on record")
            expectRefusal(
                try Command.run(["rules", "diff", "no.yaml"], in: directory), code: 1, "no.yaml: no such file")
        }
    }

    @Test func `a file that someone changes meanwhile is not overwritten`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/rules.yaml"
            try write(Self.first, to: path)
            let file = try RulesFile.load(path)
            let wanted = try RuleSet(yaml: Self.second, file: "second")
            try write(Self.first + "# a remark\n", to: path)
            let store = try AttemptStore.open(path: directory + "/meantime.db", mode: .readWrite)
            defer { store.close() }
            let error = #expect(throws: FileError.self) {
                try RuleBook(file: file, store: store, who: "ada").put(wanted.routes, why: "test", nowUs: 1)
            }
            #expect(error?.reason.hasPrefix("was changed by someone else meanwhile") == true)
            #expect(try contents(path) == Self.first + "# a remark\n")
            #expect(try store.ruleHistory().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).allSatisfy { !$0.hasPrefix(".") })
        }
    }

    @Test func `versions go on from the file or the history, whichever is further`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/rules.yaml"
            let wanted = try RuleSet(yaml: Self.second, file: "second").routes
            try write(Self.first.replacingOccurrences(of: "version: 1", with: "version: 41"), to: path)
            let store = try AttemptStore.open(path: directory + "/meantime.db", mode: .readWrite)
            defer { store.close() }
            func put(_ why: String) throws -> Int {
                try RuleBook(file: RulesFile.load(path), store: store, who: "ada").put(wanted, why: why, nowUs: 1)
                    .version
            }
            #expect(try put("over a file written by hand") == 42)
            #expect(try store.ruleHistory().map(\.version) == [41, 42])
            try FileManager.default.removeItem(atPath: path)
            #expect(try put("the file was lost, the history was not") == 43)
        }
    }
}
