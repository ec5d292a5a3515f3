import Collector
import Foundation
import Retry
import TestSupport
import Testing

/// `meantime store`: what it says, what it changes, and how it refuses.
@Suite struct StoreCommandTests {
    static let hourUs: Int64 = 3_600_000_000

    /// A store with as many segments, the first of them of `daysAgo` days ago, and with one attempt of now.
    private func withStore(_ segments: Int = 3, daysAgo: Int64 = 40, _ body: (String) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let nowUs = Int64(Date().timeIntervalSince1970 * 1e6)
            let store = try AttemptStore.open(path: directory + "/meantime.db", mode: .readWrite)
            for segment in 0..<segments {
                let startUs = nowUs - (daysAgo - Int64(segment) * 15) * 24 * Self.hourUs
                try store.append(
                    (0..<500).map { number in
                        Attempt(
                            startUs: startUs + Int64(number) * 1_000, durationUs: Int64(1_000 + number), route: "shop",
                            host: "10.0.0.1:80", request: UInt64(segment * 500 + number),
                            outcome: number % 50 == 0 ? .reset : .success)
                    })
                try store.seal()
            }
            try store.append([Attempt(startUs: nowUs, durationUs: 5, route: "shop", outcome: .success)])
            store.close()
            try body(directory)
        }
    }

    private func damage(_ path: String) throws {
        // A byte of the blob of the last segment, found by its end in the file: the beginning of the rows is too near
        // to SQLite's own pages.
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let magic = Array("MTSG".utf8)
        let start = try #require(bytes.indices.last { bytes[$0...].starts(with: magic) })
        bytes[start + 300] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test func `info says what is there, for people and for scripts`() throws {
        try withStore { directory in
            let text = try Command.run(["store", "info"], in: directory)
            #expect(text.code == 0 && text.errors == "")
            for words in ["1,501", "3 segments", "duration_us", "bytes/attempt", "store format"] {
                #expect(text.output.contains(words), "\(words) in \(text.output)")
            }
            let result = try Command.run(["store", "info", "--format", "json"], in: directory)
            let info = try #require(try json(result.output) as? [String: Any])
            #expect(info["attempts"] as? Int == 1_501 && info["segments"] as? Int == 3)
            let columns = try #require(info["columns"] as? [[String: Any]])
            #expect(columns.count == 15 && columns.allSatisfy { ($0["bytes_per_attempt"] as? Double ?? 0) > 0 })
        }
    }

    @Test func `check of a sound store ends with 0, of a damaged one with 1 and names the place`() throws {
        try withStore { directory in
            let sound = try Command.run(["store", "check"], in: directory)
            #expect(sound.code == 0 && sound.output.contains("sound"), "\(sound)")
            try damage(directory + "/meantime.db")
            let broken = try Command.run(["store", "check"], in: directory)
            #expect(broken.code == 1 && broken.output.contains("damaged segment"), "\(broken)")
            #expect(broken.output.contains("500 attempts are lost"))
            let result = try Command.run(["store", "check", "--format", "json"], in: directory)
            let check = try #require(try json(result.output) as? [String: Any])
            #expect(result.code == 1 && check["sound"] as? Bool == false)
            let findings = try #require(check["findings"] as? [[String: Any]])
            #expect(findings.contains { $0["part"] as? String == "segment" && $0["attempts"] as? Int == 500 })
        }
    }

    @Test func `info and reports on what cannot be read name the damage, and end with 1`() throws {
        try withTemporaryDirectory { directory in
            let store = try AttemptStore.open(path: directory + "/meantime.db", mode: .readWrite)
            try store.append((0..<2_000).map { Attempt(startUs: $0, durationUs: 7, route: "shop", outcome: .success) })
            try store.seal()
            store.close()
            try damage(directory + "/meantime.db")
            for arguments in [["store", "info"], ["report", "latency"], ["tune", "--dry-run"]] {
                let result = try Command.run(arguments, in: directory)
                #expect(result.code == 1 && result.errors.contains("segment 1"), "\(arguments): \(result)")
                #expect(!result.errors.contains("no attempts yet"), "\(result.errors)")
            }
        }
    }

    @Test func `reports on a store of which all was pruned say so`() throws {
        try withStore(2) { directory in
            let path = directory + "/meantime.db"
            let store = try AttemptStore.open(path: path, mode: .readWrite)
            _ = try store.prune(beforeUs: .max / 2, options: PruneOptions(mayEmpty: true))
            store.close()
            let result = try Command.run(["report", "latency"], in: directory)
            #expect(result.code == 1 && result.errors.contains("1,001 were pruned"), "\(result)")
        }
    }

    @Test func `a misspelt route is answered with those that it may have meant`() throws {
        try withTemporaryDirectory { directory in
            let store = try AttemptStore.open(path: directory + "/meantime.db", mode: .readWrite)
            try store.append(
                (0..<40).map { Attempt(startUs: $0, durationUs: 7, route: "route-\($0 + 10)", outcome: .success) })
            store.close()
            let result = try Command.run(["report", "latency", "--route", "rout-17"], in: directory)
            let expected = "no attempt on route 'rout-17'; seen: route-17, "
            #expect(result.code == 1 && result.errors.contains(expected), "\(result)")
            #expect(result.errors.contains(" and 35 more"))
        }
    }

    @Test func `prune removes what is older, and the history answers for it`() throws {
        try withStore { directory in
            let dry = try Command.run(["store", "prune", "--keep", "30d", "--dry-run"], in: directory)
            #expect(dry.code == 0 && dry.output.contains("500 attempts"), "\(dry)")
            #expect(dry.output.contains("would go"))
            let done = try Command.run(["store", "prune", "--keep", "30d", "--format", "json"], in: directory)
            let report = try #require(try json(done.output) as? [String: Any])
            #expect(report["attempts"] as? Int == 500 && report["remaining"] as? Int == 1_001)
            let count = try Command.run(["query", "--format", "csv", "SELECT count(*) FROM attempts"], in: directory)
            #expect(count.output.contains("1001"))
            let history = try Command.run(
                ["query", "--format", "csv", "SELECT route, outcome, sum(attempts) FROM history GROUP BY 1, 2"],
                in: directory)
            #expect(history.output.contains("shop,reset,10") && history.output.contains("shop,success,490"))
            let latency = try Command.run(
                ["query", "--format", "csv", "SELECT sum(attempts), min(from_us), max(below_us) FROM history_latency"],
                in: directory)
            #expect(latency.output.contains("500,960,1536"), "\(latency)")
            #expect(try Command.run(["store", "check"], in: directory).code == 0)
        }
    }

    @Test func `prune refuses to leave nothing, unless it is told to`() throws {
        try withStore { directory in
            // The one attempt of now is in the way.
            let path = directory + "/old.db"
            let store = try AttemptStore.open(path: path, mode: .readWrite)
            try store.append([Attempt(startUs: 1_700_000_000_000_000, durationUs: 5, route: "r", outcome: .success)])
            store.close()
            let refused = try Command.run(["store", "prune", "--keep", "30d", "--store", "old.db"], in: directory)
            expectRefusal(refused, code: 1, "old.db", "nothing would be left", "--allow-empty")
            let allowed = try Command.run(
                ["store", "prune", "--keep", "30d", "--store", "old.db", "--allow-empty"], in: directory)
            #expect(allowed.code == 0 && allowed.output.contains("1 attempts"), "\(allowed)")
        }
    }

    @Test(arguments: ["30", "0d", "-3d", "59m", "36501d", "yesterday", "2026-11-22T02:00:00Z", ""])
    func `a span that makes no sense is wrong usage`(keep: String) throws {
        try withStore(1) { directory in
            let before = try storeContent(directory)
            let result = try Command.run(["store", "prune", "--keep=\(keep)"], in: directory)
            expectRefusal(result, code: 2, "--keep")
            #expect(try storeContent(directory) == before)
        }
    }

    @Test func `prune leaves damaged segments and says so, or removes them when told to`() throws {
        try withStore(1) { directory in
            try damage(directory + "/meantime.db")
            let kept = try Command.run(["store", "prune", "--keep", "30d"], in: directory)
            #expect(kept.code == 1 && kept.errors.contains("kept"), "\(kept)")
            let removed = try Command.run(["store", "prune", "--keep", "30d", "--discard-damaged"], in: directory)
            #expect(removed.code == 0 && removed.errors.contains("removed"), "\(removed)")
            #expect(try Command.run(["store", "check"], in: directory).code == 0)
        }
    }

    @Test func `compact merges small segments and then finds nothing to do`() throws {
        try withStore { directory in
            let first = try Command.run(["store", "compact"], in: directory)
            #expect(first.code == 0 && first.output.contains("3 segments became 1"), "\(first)")
            let second = try Command.run(["store", "compact", "--format", "json"], in: directory)
            let report = try #require(try json(second.output) as? [String: Any])
            #expect(report["segments_before"] as? Int == 1 && report["attempts"] as? Int == 0)
            #expect(try Command.run(["store", "check"], in: directory).code == 0)
        }
    }

    @Test func `what only reads works on a store that cannot be written`() throws {
        try withStore { directory in
            let before = try storeContent(directory)
            for arguments in [["info"], ["check"], ["prune", "--keep", "30d", "--dry-run"]] {
                #expect(try Command.run(["store"] + arguments, in: directory).code == 0)
            }
            #expect(try storeContent(directory) == before)
        }
    }

    @Test(arguments: [["info"], ["check"], ["compact"], ["prune", "--keep", "1d"]])
    func `a store that is not there is refused`(arguments: [String]) throws {
        try withTemporaryDirectory { directory in
            let result = try Command.run(["store"] + arguments, in: directory)
            expectRefusal(result, code: 1, "meantime.db", "no store there")
            #expect(try snapshot(directory).isEmpty)
        }
    }
}
