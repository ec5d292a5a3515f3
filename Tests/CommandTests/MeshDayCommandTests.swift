import TestSupport
import Testing

/// `meantime generate mesh-day`.
struct MeshDayCommandTests {
    private static let make = ["generate", "mesh-day", "--attempts", "4000", "--seed", "3"]

    @Test func `a day goes into a store, or as lines into a file or stdout, and is the same`() throws {
        try withTemporaryDirectory { directory in
            let file = try Command.run(Self.make + ["--output", "day.jsonl"], in: directory)
            #expect(file.code == 0 && file.output.isEmpty && file.errors.isEmpty, "\(file.errors)")
            let piped = try Command.run(Self.make + ["--output", "-"], in: directory)
            #expect(try piped.output == contents(directory + "/day.jsonl"))
            #expect(piped.output.split(separator: "\n").count == 4000)

            let sealed = try Command.run(Self.make + ["--store", "day.db"], in: directory)
            #expect(sealed.code == 0 && sealed.errors.isEmpty, "\(sealed.errors)")
            let again = try Command.run(
                ["import", "--format", "attempts", "--store", "day.db", "--summary", "json", "day.jsonl"],
                in: directory)
            let report = try #require(try json(again.output) as? [String: Any])
            #expect(report["attempts_imported"] as? Int == 0)
            #expect(report["attempts_already_there"] as? Int == 4000)
        }
    }

    @Test func `a day is not made over another file`() throws {
        try withTemporaryDirectory { directory in
            try write("mine\n", to: directory + "/mine")
            for option in ["--store", "--output"] {
                let result = try Command.run(Self.make + [option, "mine"], in: directory)
                #expect(result.code == 1)
                #expect(result.errorLines.count == 1 && result.errors.hasPrefix("meantime: mine: is there already"))
            }
            #expect(try contents(directory + "/mine") == "mine\n")
            let nowhere = try Command.run(Self.make + ["--output", "no/such/file"], in: directory)
            #expect(nowhere.code == 1 && nowhere.errors.contains("its directory must exist"), "\(nowhere.errors)")
        }
    }

    @Test(arguments: [
        (["--output", "x", "--store", "y"], "one of them"), ([], "one of them"),
        (["--attempts", "0", "--output", "-"], "--attempts must be from 1"),
    ])
    func `what is asked for must be clear`(options: [String], reason: String) throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(["generate", "mesh-day"] + options, in: directory)
            #expect(result.code == 2)
            #expect(result.errorLines.count == 1 && result.errors.contains(reason), "\(result.errors)")
        }
    }
}
