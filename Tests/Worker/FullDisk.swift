import Collector
import Glibc
import Retry

/// A recorder and its store on a small file system that is filled and emptied; prints what it sees, one `name value` a
/// line, for the test to judge.
struct FullDisk {
    private let path: String
    private let filler: String
    private let capacity = 3_000
    /// Half of what is written at first is of an hour before this one.
    private static let youngUs: Int64 = 7_200_000_000

    init(directory: String) {
        path = directory + "/meantime.db"
        filler = directory + "/filler"
    }

    func run() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 5_000)
        let recorder = AttemptRecorder(store: store, capacity: capacity)
        var offered = 0
        func offer(_ count: Int) -> Int {
            let taken = (0..<count).reduce(into: 0) { taken, row in
                taken += recorder.offer(attempt(offered + row)) ? 1 : 0
            }
            offered += count
            return taken
        }
        _ = offer(2_000)
        try recorder.flush()
        say("written at first", recorder.counters.written)

        fill(leaving: 300_000)
        var refusals = 0
        while refusals < 3, offered < 200_000 {
            _ = offer(500)
            do { try recorder.flush() } catch {
                if refusals == 0 { say("refusal", error.code.rawValue) }
                refusals += 1
            }
        }
        say("refusals", refusals)
        // More than the hand-off holds: what does not fit is dropped at once.
        say("taken while full", offer(capacity * 2) <= capacity ? 1 : 0)
        say("dropped while full", recorder.counters.dropped > 0 ? 1 : 0)
        say("last error", recorder.counters.lastError == nil ? 0 : 1)
        try look("while full", store, recorder)
        say("seal", refusal { try store.seal() })
        say(
            "drop",
            refusal {
                try store.recordDropped(count: 1, fromUs: 0, toUs: 0, reason: String(repeating: "x", count: 90_000))
            })
        for (name, operation) in Self.care { say(name, refusal { try operation(store) }) }
        try look("after what was refused", store, recorder)

        unlink(filler)
        try recorder.flush()
        say("last error afterwards", recorder.counters.lastError == nil ? 0 : 1)
        try recorder.shutdown()
        say("offered", recorder.counters.offered - offered)
        say("not lost", recorder.counters.offered - recorder.counters.written - recorder.counters.dropped)
        say("missing", try store.missingAttempts(fromUs: nil, toUs: nil) - recorder.counters.dropped)
        try look("afterwards", store, recorder)
        for (name, operation) in Self.care { say("\(name) afterwards", refusal { try operation(store) }) }
        try look("at the end", store, recorder)
    }

    /// What an owner does to a store now and then.
    private static var care: [(String, (AttemptStore) throws -> Void)] {
        [
            ("compact", { _ = try $0.compact() }),
            ("prune", { _ = try $0.prune(beforeUs: youngUs) }),
        ]
    }

    private func attempt(_ number: Int) -> Attempt {
        // Numbers that do not pack well, so that a small disk is soon full.
        let noise = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
        return Attempt(
            startUs: Int64(number) + (number < 1_000 ? 0 : Self.youngUs), durationUs: Int64(noise >> 24),
            route: "route-\(number % 7)", host: "h",
            request: noise, waitUs: Int64(noise >> 30), outcome: .success)
    }

    /// Whether readers, this process's and new ones, see all that was written, and nothing else.
    private func look(_ when: String, _ store: AttemptStore, _ recorder: AttemptRecorder) throws {
        let other = try AttemptStore.open(path: path, mode: .readOnly)
        for (who, one) in [("own", store), ("other", other)] {
            let found = try one.query(
                """
                SELECT count(*) = count(DISTINCT request), count(*) + (SELECT coalesce(sum(attempts), 0) FROM history)
                FROM attempts
                """)
            let isExact =
                found.rows == [[.integer(1), .integer(Int64(recorder.counters.written))]]
                && found.damage.isEmpty
            say("\(who) reader \(when)", try isExact && one.check().isEmpty ? 1 : 0)
        }
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "done"
        } catch let error as StoreError {
            return error.code.rawValue
        } catch {
            return "\(error)"
        }
    }

    /// Fills the file system but for so many bytes.
    private func fill(leaving rest: Int) {
        let file = open(filler, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        var block = [UInt8](repeating: 7, count: 65_536)
        var size = 0
        while Glibc.write(file, &block, block.count) == block.count { size += block.count }
        ftruncate(file, off_t(max(0, size - rest)))
    }

    private func say(_ name: String, _ value: some CustomStringConvertible) { print("\(name): \(value)") }
}
