import Foundation
import TestSupport
import Testing

/// What is wrong with a store or a configuration is said in one line, and nothing changes on disk.
struct BadInputTests {
    /// Everything that opens a store.
    static let commands = [
        ["import", "--format", "attempts", "a.jsonl"], ["tune"], ["tune", "--dry-run"], ["report", "recovery"],
        ["query", "SELECT 1"], ["rules", "history"], ["rules", "apply", "new.yaml"], ["rules", "rollback"],
        ["proxy", "--config", "proxy.yaml"],
    ]

    private func prepare(_ directory: String) throws {
        try write(
            #"{"route":"a","start_us":1790000000000000,"duration_us":5,"outcome":"success"}"# + "\n",
            to: directory + "/a.jsonl")
        try write("version: 1\nroutes: {a: {timeout: 1s}}\n", to: directory + "/new.yaml")
        try write(
            "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nroutes: {a: {hosts: ['127.0.0.1:9']}}\n",
            to: directory + "/proxy.yaml")
    }

    @Test(arguments: commands)
    func `a store that is not sqlite is refused`(command: [String]) throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            try write(String(repeating: "not a database\n", count: 20), to: directory + "/meantime.db")
            let before = try snapshot(directory)
            expectRefusal(
                try Command.run(command, in: directory), code: 1, "meantime.db: is not a store: not a SQLite file")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: commands)
    func `a store of a newer version is refused`(command: [String]) throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            let made = try Command.run(["import", "--format", "attempts", "a.jsonl"], in: directory)
            #expect(made.code == 0, "\(made.errors)")
            // SQLite keeps user_version, big-endian, at byte 60 of the file.
            let path = URL(fileURLWithPath: directory + "/meantime.db")
            var bytes = try Data(contentsOf: path)
            bytes.replaceSubrange(60..<64, with: [0, 0, 3, 0xE7])
            try bytes.write(to: path)
            let before = try snapshot(directory)
            expectRefusal(
                try Command.run(command, in: directory), code: 1, "meantime.db: ", "newer Meantime", "999")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: commands)
    func `a directory is no store`(command: [String]) throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            try FileManager.default.createDirectory(
                atPath: directory + "/meantime.db", withIntermediateDirectories: false)
            let before = try snapshot(directory)
            expectRefusal(try Command.run(command, in: directory), code: 1, "meantime.db: is not a file")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: commands.filter { !["import", "proxy"].contains($0[0]) && $0 != ["rules", "apply", "new.yaml"] })
    func `a store that is not there is not made, and it is said how to make one`(command: [String]) throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            let before = try snapshot(directory)
            expectRefusal(
                try Command.run(command, in: directory), code: 1, "meantime.db: no store there", "meantime import")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test func `a store where there is no directory is refused`() throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            let before = try snapshot(directory)
            for command in [["import", "--format", "attempts", "a.jsonl"], ["rules", "apply", "new.yaml"]] {
                let result = try Command.run(command + ["--store", "none/meantime.db"], in: directory)
                expectRefusal(result, code: 1, "none/meantime.db: cannot be made", "none")
            }
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: [
        ("objectve: {}\nroutes: {a: }\n", "c.yaml:1: objectve: unknown key"),
        ("objective: {deadline: 2}\nroutes: {a: }\n", "c.yaml:1: objective.deadline: not a duration"),
        ("objective: {deadline: -2s}\nroutes: {a: }\n", "c.yaml:1: objective.deadline: a duration cannot be negative"),
        ("objective: {deadline: 2 parsecs}\nroutes: {a: }\n", "not a duration"),
        ("routes:\n  a:\n    idempotent: perhaps\n", "c.yaml:3: routes.a.idempotent: must be true or false"),
        ("routes: {}\n", "c.yaml:1: routes: must name at least one route"),
        ("store: x.db\n", "routes is missing"),
        ("routes:\n  a: [\n", "c.yaml:"),
        ("listen: nowhere\nroutes: {a: }\n", "c.yaml:1: listen: must be address:port"),
    ])
    func `a configuration is taken whole or refused whole`(text: String, words: String) throws {
        try withTemporaryDirectory { directory in
            try prepare(directory)
            #expect(try Command.run(["import", "--format", "attempts", "a.jsonl"], in: directory).code == 0)
            try write(text, to: directory + "/c.yaml")
            let before = try snapshot(directory)
            for command in [["tune"], ["report", "latency"], ["rules", "show"], ["proxy"]] {
                let result = try Command.run(command + ["--config", "c.yaml"], in: directory)
                expectRefusal(result, code: 1, "meantime: c.yaml:", words)
            }
            #expect(try snapshot(directory) == before)
        }
    }

    @Test(arguments: [["tune", "--config", "none.yaml"], ["proxy", "--config", "none.yaml"]])
    func `a configuration that is not there is named`(command: [String]) throws {
        try withTemporaryDirectory { directory in
            expectRefusal(try Command.run(command, in: directory), code: 1, "none.yaml: no such file")
            expectRefusal(
                try Command.run(command.dropLast() + ["."], in: directory), code: 1, ".: is a directory; give a file")
            #expect(try snapshot(directory).isEmpty)
        }
    }
}
