import Collector
import Foundation
import Retry
import TestSupport
import Testing

/// `--store a.db --store b.db`.
@Suite struct SeveralStoresTests {
    /// A real log as one store, and shared out by request over two others.
    private func withStores(_ body: (String) throws -> Void) throws {
        try withImportedLog { directory in
            let whole = try AttemptStore.open(path: directory + "/meantime.db", mode: .readOnly)
            let parts = try ["a.db", "b.db"].map {
                try AttemptStore.open(path: directory + "/" + $0, mode: .readWrite)
            }
            try whole.scan { columns in
                for row in 0..<columns.count { try parts[Int(columns.request[row] % 2)].append([columns[row]]) }
            }
            for store in parts + [whole] { store.close() }
            try body(directory)
        }
    }

    @Test(arguments: ["recovery", "failure-times", "latency", "retries"])
    func `a report over two stores is that over one with all attempts`(report: String) throws {
        try withStores { directory in
            let one = try Command.run(["report", report, "--format", "json"], in: directory)
            let two = try Command.run(
                ["report", report, "--format", "json", "--store", "a.db", "--store", "b.db"], in: directory)
            #expect(one.code == 0 && two.code == 0, "\(two.errors)")
            #expect(one.output == two.output)
        }
    }

    @Test func `tune over two stores writes the rules that it writes over one, and the first keeps the history`() throws
    {
        try withStores { directory in
            let one = try Command.run(["tune", "--format", "json", "--rules", "one.yaml"], in: directory)
            let two = try Command.run(
                ["tune", "--format", "json", "--rules", "two.yaml", "--store", "a.db", "--store", "b.db"], in: directory
            )
            #expect(one.code == 0 && two.code == 0, "\(two.errors)")
            func withoutTime(_ path: String) throws -> [Substring] {
                try contents(directory + "/" + path).split(separator: "\n").filter { !$0.hasPrefix("created") }
            }
            #expect(try withoutTime("one.yaml") == withoutTime("two.yaml"))
            #expect(try AttemptStore.open(path: directory + "/a.db", mode: .readOnly).ruleHistory().count == 1)
            #expect(try AttemptStore.open(path: directory + "/b.db", mode: .readOnly).ruleHistory().isEmpty)
        }
    }

    @Test func `damage is named with the store that it is in`() throws {
        try withStores { directory in
            let path = directory + "/b.db"
            let store = try AttemptStore.open(path: path, mode: .readWrite)
            try store.seal()
            store.close()
            var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
            let start = try #require(bytes.indices.last { bytes[$0...].starts(with: Array("MTSG".utf8)) })
            bytes[start + 300] ^= 1
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let result = try Command.run(["report", "retries", "--store", "a.db", "--store", "b.db"], in: directory)
            #expect(result.errors.contains("meantime: b.db: segment 1 is damaged"), "\(result)")
        }
    }

    @Test func `commands that take one store refuse two, in words`() throws {
        try withStores { directory in
            let two = ["--store", "a.db", "--store", "b.db"]
            for command in [
                ["query", "SELECT 1"], ["store", "info"], ["store", "check"], ["store", "compact"],
                ["store", "prune", "--keep", "1d"], ["rules", "history"], ["import", "--format", "envoy", "x"],
            ] {
                expectRefusal(
                    try Command.run(command + two, in: directory), code: 2, "--store", "2 stores", "takes one")
            }
        }
    }

    @Test func `one file named twice is refused, and so is one that is not there`() throws {
        try withStores { directory in
            let twice = try Command.run(["report", "retries", "--store", "a.db", "--store", "./a.db"], in: directory)
            expectRefusal(twice, code: 1, "a.db", "count twice")
            let missing = try Command.run(["tune", "--store", "a.db", "--store", "c.db"], in: directory)
            expectRefusal(missing, code: 1, "c.db", "no store there")
        }
    }
}
