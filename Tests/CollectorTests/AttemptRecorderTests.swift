import Dispatch
import Retry
import Testing

@testable import Collector

@Suite struct AttemptRecorderTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func count(_ store: AttemptStore) throws -> Int {
        try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts }
    }

    @Test func `a full hand-off drops, counts, and tells the store how many are missing and when`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let recorder = AttemptRecorder(store: store, capacity: 10)
        let attempts = Sample.attempts(14, seed: 31)
        #expect(attempts.map { recorder.offer($0) } == (0..<14).map { $0 < 10 })
        #expect(recorder.counters == .init(offered: 14, written: 0, dropped: 4, writeErrors: 0, queued: 10))
        try recorder.flush()
        #expect(recorder.counters == .init(offered: 14, written: 10, dropped: 4, writeErrors: 0, queued: 0))
        #expect(try count(store) == 10)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 4)
        #expect(try store.missingAttempts(fromUs: nil, toUs: attempts[10].startUs) == 0)
        #expect(recorder.offer(attempts[0]))
    }

    @Test func `a store that cannot be written keeps what fits, drops the rest, and catches up`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.setBusyTimeout(ms: 1)
        let recorder = AttemptRecorder(store: store, capacity: 10)
        let attempts = Sample.attempts(30, seed: 32)
        let other = try Connection(path: path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        for one in attempts[..<6] { recorder.offer(one) }
        #expect(throws: StoreError.self) { try recorder.flush() }
        // Six are in flight, four more fit.
        #expect(attempts[6..<12].map { recorder.offer($0) } == [true, true, true, true, false, false])
        #expect(throws: StoreError.self) { try recorder.flush() }
        let counters = recorder.counters
        #expect(counters.writeErrors == 2 && counters.queued == 10 && counters.dropped == 2 && counters.written == 0)
        #expect(counters.lastError?.contains("another process holds the store") == true)
        try other.execute("ROLLBACK")
        // The last flush writes what failed before and what came since.
        try recorder.shutdown()
        #expect(recorder.counters.lastError == nil)
        #expect(recorder.counters.written == 10 && recorder.counters.queued == 0)
        #expect(try count(store) == 10)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 2)
        for route in Set(attempts.map(\.route)) {
            let columns = try store.attempts(route: route, fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(Array(attempts[..<10]), route: route))
        }
    }

    @Test func `offering while the disk is stuck does not wait`() async throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.setBusyTimeout(ms: 600_000)
        let recorder = AttemptRecorder(store: store, capacity: 4)
        let attempts = Sample.attempts(9, seed: 33)
        let other = try Connection(path: path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        recorder.offer(attempts[0])
        // This flush waits for the other writer, for as long as it takes ...
        let flush = Task.detached { try recorder.flush() }
        while recorder.counters.queued == 1, recorder.counters.writeErrors == 0, !recorder.isFlushing {
            await Task.yield()
        }
        // ... and while it does, every offer returns: had one waited for it, the rollback below would never come.
        #expect(attempts[1...].map { recorder.offer($0) } == [true, true, true, false, false, false, false, false])
        #expect(recorder.counters.written == 0)
        try other.execute("ROLLBACK")
        try await flush.value
        try recorder.flush()
        #expect(try count(store) == 4)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 5)
    }

    @Test func `shutting down writes everything, seals what is worth it, and takes no more`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let recorder = AttemptRecorder(store: store)
        let attempts = Sample.attempts(2_000, seed: 34)
        for one in attempts { recorder.offer(one) }
        try recorder.shutdown()
        #expect(try store.query("SELECT rows FROM segment").rows == [[.integer(2_000)]])
        #expect(!recorder.offer(attempts[0]))
        try recorder.shutdown()
        #expect(try count(store) == 2_000)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 1)
        #expect(recorder.counters == .init(offered: 2_001, written: 2_000, dropped: 1))
    }

    @Test func `shutting down waits for another writer`() async throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.setBusyTimeout(ms: 1)
        let recorder = AttemptRecorder(store: store)
        for one in Sample.attempts(20, seed: 36) { recorder.offer(one) }
        let other = try Connection(path: path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        // On a thread of its own: the tests' threads are few, and another test may wait in one of them.
        DispatchQueue(label: "shutdown").async { try? recorder.shutdown(busyLimit: .seconds(600)) }
        while recorder.counters.writeErrors < 3 { await Task.yield() }
        try other.execute("ROLLBACK")
        while recorder.counters.written + recorder.counters.unsaved < 20 { await Task.yield() }
        #expect(recorder.counters.written == 20 && recorder.counters.unsaved == 0)
        #expect(try count(store) == 20)
        #expect(try directory.names().allSatisfy { !$0.contains("unsaved") })
    }

    @Test func `what the store does not take until the end is in a file that can be imported`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.setBusyTimeout(ms: 1)
        let recorder = AttemptRecorder(store: store)
        var attempts = Sample.attempts(1_500, seed: 37, extremes: false)
        attempts[0].request = .max
        attempts[1].host = "hôte \"✓\\"
        attempts[2].method = ""
        attempts[3].retryAfterUs = 2_000_000
        #expect(
            UnsavedFile.line(Attempt(startUs: 1, durationUs: 1, route: "a\u{1}", outcome: .reset)).contains(
                #""a\u0001""#))
        for one in attempts[..<700] { recorder.offer(one) }
        let other = try Connection(path: path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        #expect(throws: StoreError.self) { try recorder.flush() }
        for one in attempts[700...] { recorder.offer(one) }
        var told = ""
        do throws(StoreError) {
            try recorder.shutdown(busyLimit: .milliseconds(20))
            Issue.record("the store was held")
        } catch {
            #expect(error.code == .busy)
            told = error.message
        }
        let file = try #require(try directory.names().first { $0.hasPrefix("meantime.db.unsaved-") })
        #expect(file.hasSuffix("Z.jsonl"))
        #expect(told.contains("1500 attempts are in \(directory.file(file)): add them with meantime import"))
        let counters = recorder.counters
        #expect(counters.unsaved == 1_500 && counters.queued == 0 && counters.written == 0)
        #expect(counters.lastError?.contains("1500 attempts are in") == true)

        try other.execute("ROLLBACK")
        try recorder.shutdown()
        #expect(try count(store) == 0)
        let report = try AttemptImporter(format: .attempts, strict: true)
            .run(inputs: [.file(directory.file(file))], into: store)
        #expect(report.attemptsImported == 1_500 && report.isClosed)
        for route in Set(attempts.map(\.route)) {
            let columns = try store.attempts(route: route, fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(attempts, route: route))
        }
    }

    @Test func `what can be written nowhere is kept for another try, and the error says so`() throws {
        // A file name has at most 255 bytes: there is room for the store's files, not for the one beside it.
        let store = try AttemptStore.open(path: directory.file(String(repeating: "x", count: 235)), mode: .readWrite)
        try store.setBusyTimeout(ms: 1)
        let recorder = AttemptRecorder(store: store)
        for one in Sample.attempts(5, seed: 38) { recorder.offer(one) }
        let other = try Connection(path: store.path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        #expect {
            try recorder.shutdown(busyLimit: .zero)
        } throws: {
            "\($0)".contains("5 attempts are nowhere on the disk, for ") && "\($0)".hasSuffix("File name too long")
        }
        #expect(recorder.counters.queued == 5 && recorder.counters.unsaved == 0)
        try other.execute("ROLLBACK")
        try recorder.shutdown()
        #expect(try count(store) == 5)
    }

    @Test func `running writes at each interval and once more at the end`() async throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let recorder = AttemptRecorder(store: store, flushInterval: .milliseconds(1))
        let attempts = Sample.attempts(200, seed: 35)
        let running = Task { await recorder.run() }
        for one in attempts[..<100] { recorder.offer(one) }
        while recorder.counters.written < 100 { await Task.yield() }
        for one in attempts[100...] { recorder.offer(one) }
        running.cancel()
        await running.value
        #expect(try count(store) == 200)
        #expect(recorder.counters == .init(offered: 200, written: 200))
    }
}
