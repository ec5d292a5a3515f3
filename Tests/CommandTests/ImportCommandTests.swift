import Foundation
import TestSupport
import Testing

/// `meantime import`.
struct ImportCommandTests {
    private static let good =
        #"{"route":"checkout","start_us":1790000000022384,"duration_us":11553,"outcome":"error_status","status":503}"#

    @Test func `a recorded log is imported once, and every line is accounted for`() throws {
        try withTemporaryDirectory { directory in
            let log = notebooksData("envoy_access_logs/loop.jsonl")
            let lines = try contents(log).split(separator: "\n").count
            func run() throws -> [String: Any] {
                let result = try Command.run(
                    ["import", "--format", "envoy", "--summary", "json", log], in: directory)
                #expect(result.code == 0, "\(result.errors)")
                return try #require(try json(result.output) as? [String: Any])
            }
            let first = try run()
            let (imported, joined, rejects) = (
                first["attempts_imported"] as? Int ?? -1, first["request_lines_joined"] as? Int ?? -1,
                first["rejects"] as? Int ?? -1
            )
            #expect(first["lines"] as? Int == lines)
            #expect(imported + joined + rejects == lines)
            #expect(imported > 0 && joined > 0)
            let second = try run()
            #expect(second["attempts_imported"] as? Int == 0)
            #expect(second["attempts_already_there"] as? Int == imported)
        }
    }

    @Test func `stdin is read as -, and the summary counts it`() throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(
                ["import", "--format", "attempts", "-"], in: directory, input: Self.good + "\n\n")
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.errors == "")
            #expect(
                result.output == """
                    lines
                        1  attempts imported
                        1  blank
                        2  in all, every one accounted for
                    store: meantime.db

                    """)
        }
    }

    @Test func `a malformed line is named and kept, the rest is imported`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.good + "\n{\"broken\"\n", to: directory + "/a.jsonl")
            let result = try Command.run(
                ["import", "--format", "attempts", "--rejects", "bad.jsonl", "a.jsonl"], in: directory)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.output.contains("rejected a.jsonl:2: "))
            #expect(result.output.contains("rejected lines are kept in bad.jsonl"))
            #expect(try contents(directory + "/bad.jsonl").contains("{\"broken\"\n"))
        }
    }

    @Test func `strict stops at the first malformed line and leaves no store`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.good + "\n{\"broken\"\n", to: directory + "/a.jsonl")
            let before = try snapshot(directory)
            let result = try Command.run(["import", "--format", "attempts", "--strict", "a.jsonl"], in: directory)
            expectRefusal(result, code: 1, "a.jsonl:2: ", "nothing was imported")
            #expect(try snapshot(directory) == before)
        }
    }

    @Test func `keys that are no columns are named with their lines`() throws {
        try withTemporaryDirectory { directory in
            let line = #"{"route":"a","start_us":1790000000000000,"duration_us":5,"outcome":"success","staus":200"#
            try write(line + "}\n" + line + #","hots":"h","attempt":2}"# + "\n", to: directory + "/a.jsonl")
            func run(_ options: String...) throws -> Command.Result {
                try Command.run(["import", "--format", "attempts", "a.jsonl"] + options, in: directory)
            }
            let text = try run().output
            #expect(text.contains("ignored keys: hots (1 line), staus (2 lines)\n"), "\(text)")
            let document = try json(run("--summary", "json").output) as? [String: Any]
            #expect(document?["unknown_keys"] as? [String: Int] == ["hots": 1, "staus": 2])
        }
    }

    @Test func `a log of another format is not taken for an empty one`() throws {
        try withTemporaryDirectory { directory in
            try write("GET / 200\nGET / 503\n", to: directory + "/nginx.log")
            let result = try Command.run(["import", "--format", "envoy", "nginx.log"], in: directory)
            #expect(result.code == 1)
            #expect(result.errors == "meantime: nginx.log: every line was rejected; is --format envoy right?\n")
        }
    }

    @Test(arguments: ["none.log", "folder"])
    func `an input that cannot be read leaves no store`(name: String) throws {
        try withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: directory + "/folder", withIntermediateDirectories: false)
            let before = try snapshot(directory)
            let result = try Command.run(["import", "--format", "envoy", name], in: directory)
            expectRefusal(result, code: 1, name)
            #expect(try snapshot(directory) == before)
        }
    }
}
