import TestSupport
import Testing

/// Help, version, and command lines that cannot be meant.
struct UsageTests {
    static let commands = [
        [], ["demo"], ["proxy"], ["import"], ["tune"], ["report"], ["query"], ["rules"], ["rules", "show"],
        ["rules", "diff"],
        ["rules", "history"], ["rules", "apply"], ["rules", "rollback"], ["explain"], ["whatif"], ["store"],
        ["store", "info"], ["store", "check"], ["store", "prune"], ["store", "compact"], ["generate", "mesh-day"],
    ]

    @Test(arguments: commands)
    func `every command explains itself with examples, on stdout`(command: [String]) throws {
        let result = try Command.run(command + ["--help"], in: "/")
        #expect(result.code == 0)
        #expect(result.errors == "")
        #expect(result.output.contains("EXAMPLES\n"), "\(result.output)")
        #expect(result.output.contains("  meantime \(command.joined(separator: " "))"))
        let widest = result.output.split(separator: "\n").map(\.count).max() ?? 0
        #expect(widest <= 80, "\(result.output)")
        for line in Self.examples(in: result.output) {
            #expect(line.hasPrefix("  "), "an example that was wrapped: \(line)")
        }
    }

    private static func examples(in help: String) -> [Substring] {
        let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(of: "EXAMPLES") else { return [] }
        return Array(lines[(start + 1)...].prefix { !$0.isEmpty })
    }

    @Test func `the version is one line on stdout`() throws {
        let result = try Command.run(["--version"], in: "/")
        #expect(result.code == 0)
        #expect(result.output.hasPrefix("meantime "))
        #expect(result.output.split(separator: "\n").count == 1)
    }

    @Test func `without a command, help`() throws {
        let result = try Command.run([], in: "/")
        #expect(result.code == 0)
        #expect(result.output.contains("SUBCOMMANDS:"))
    }

    @Test(arguments: [
        (["tuen"], "'tuen' is no command; did you mean 'tune'?"),
        (["imprt", "x"], "did you mean 'import'?"),
        (["rules", "rolback"], "rules: 'rolback' is no command; did you mean 'rollback'?"),
        (["frobnicate"], "known: "),
        (["help", "nope"], "'nope' is no command"),
        (["help", "rules", "rolback"], "did you mean 'rollback'?"),
        (["tune", "--dryrun"], "did you mean '--dry-run'?"),
        (["tune", "--format", "xml"], "table"),
        (["tune", "--since", "yesterday"], "24h"),
        (["tune", "--since", "-3h"], "--since"),
        (["tune", "extra"], "extra"),
        (["query"], "sql"),
        (["report"], "Missing expected argument"),
        (["report", "weather"], "recovery"),
        (["import"], "file"),
        (["import", "--format", "nginx", "x.log"], "envoy"),
        (["proxy"], "--config"),
        (["rules", "apply"], "file"),
        (["rules", "rollback", "--to", "last"], "--to"),
        (["rules", "rollback", "4"], "write --to 4"),
        (["--frob"], "--frob"),
    ])
    func `wrong usage is one line with what would be right, and exits 2`(arguments: [String], words: String) throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(arguments, in: directory)
            expectRefusal(result, code: 2)
            #expect(result.errors.lowercased().contains(words.lowercased()), "\(result.errors)")
            #expect(try snapshot(directory).isEmpty)
        }
    }
}
