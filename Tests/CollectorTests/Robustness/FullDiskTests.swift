import Glibc
import Testing

/// A file system of three megabytes runs full, and is emptied again.
@Suite struct FullDiskTests {
    /// A file system in memory for one process and its children, gone with them; needs no root where the kernel allows
    /// users their own mounts.
    private static func run(_ arguments: [String], at directory: String) throws -> (text: String, isDone: Bool) {
        let mountAndRun = "mount -t tmpfs -o size=3m tmpfs \"$1\" && shift && exec \"$@\""
        let isolated = ["--mount"] + (getuid() == 0 ? [] : ["--map-root-user"])
        return try Worker.output(
            of: "unshare", isolated + ["sh", "-c", mountAndRun, "sh", directory] + arguments)
    }

    static let canMount: Bool = {
        guard let directory = try? TemporaryDirectory() else { return false }
        return (try? run(["true"], at: directory.path))?.isDone == true
    }()

    @Test(
        .enabled(if: FullDiskTests.canMount, "this machine does not allow a mount of one's own"),
        .timeLimit(.minutes(2)))
    func `a full disk is told, drops are counted, readers go on, and it ends by itself`() throws {
        let directory = try TemporaryDirectory()
        let (text, isDone) = try Self.run([Worker.path, "full-disk", directory.path], at: directory.path)
        #expect(isDone, "\(text)")
        var said: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            said[String(parts[0])] = String(parts[1].dropFirst())
        }
        let expected = [
            "written at first": "2000", "refusal": "full", "refusals": "3", "taken while full": "1",
            "dropped while full": "1", "last error": "1", "seal": "full", "drop": "full", "last error afterwards": "0",
            "offered": "0", "not lost": "0", "missing": "0", "compact afterwards": "done", "prune afterwards": "done",
        ]
        for (name, value) in expected { #expect(said[name] == value, "\(name) in \(text)") }
        // What there was room for was done, and the rest was refused as a whole: the readers tell.
        for name in ["compact", "prune"] { #expect(["full", "done"].contains(said[name]), "\(name) in \(text)") }
        let looks = ["while full", "after what was refused", "afterwards", "at the end"]
        for look in looks {
            for who in ["own", "other"] { #expect(said["\(who) reader \(look)"] == "1", "\(who) \(look) in \(text)") }
        }
    }
}
