import Glibc
import Retry
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// What happens when writing fails, or is cut off.
@Suite struct StoreWriterTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    @Test func `a full disk keeps whole batches, says so, and recovers when there is space`() throws {
        let attempts = Sample.attempts(4_000, seed: 21)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 700)
        try store.limitPages(24)
        var kept: [Attempt] = []
        var refused = 0
        for start in stride(from: 0, to: attempts.count, by: 200) {
            let batch = Array(attempts[start..<start + 200])
            do {
                try store.append(batch)
                kept += batch
            } catch {
                #expect(error.code == .full)
                refused += 1
            }
        }
        #expect(refused > 0 && !kept.isEmpty)
        try expect(store, has: kept)
        try store.limitPages(1 << 30)
        let fresh = Sample.attempts(300, seed: 22)
        try store.append(fresh)
        try expect(store, has: kept + fresh)
    }

    @Test func `names that a failed batch brought are not remembered`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.limitPages(1)
        func attempt(_ route: String) -> Attempt {
            Attempt(startUs: 1, durationUs: 1, route: route, host: "h", outcome: .success)
        }
        let many = (0..<5_000).map { attempt("a-long-name-for-a-route-\($0)") }
        #expect(throws: StoreError.self) { try store.append(many) }
        try store.limitPages(1 << 30)
        try store.append([attempt("second")])
        #expect(try store.routes(fromUs: nil, toUs: nil).map(\.route) == ["second"])
        #expect(try store.query("SELECT code, name FROM route").rows == [[.integer(0), .text("second")]])
    }

    @Test func `a long batch leaves no empty pages, and the end of some work gives those of the tail back`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        func empty() throws -> Int64 {
            try store.read { (reader) throws(StoreError) in
                try reader.connection.integer("PRAGMA freelist_count")
            }
        }
        let long = Sample.attempts(AttemptStore.smallSegmentRows, seed: 31)
        try store.append(long)
        #expect(try store.segmentEntries(store.freshReader()).map(\.zone.rows) == [long.count])
        #expect(try empty() == 0)
        let short = Sample.attempts(3_000, seed: 32)
        try store.append(short)
        #expect(try store.seal() == 1)
        #expect(try empty() > 10)
        try store.append(short)
        #expect(try store.seal(givesBackPages: true) == 1)
        #expect(try empty() == 0)
        #expect(try store.seal(givesBackPages: true) == 0)
        try expect(store, has: long + short + short)
    }

    @Test func `pages that cannot be given back do not make sealing fail`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let attempts = Sample.attempts(3_000, seed: 33)
        try store.append(attempts)
        // A reader that stays keeps the log, and with it the pages, in use.
        let reader = try store.borrowReader()
        defer { store.giveBack(reader) }
        #expect(try store.seal(givesBackPages: true) == 1)
        try expect(store, has: attempts)
    }

    @Test func `names that two writers add in turn, several a batch, have one code each`() throws {
        let stores = try (0..<2).map { _ in try AttemptStore.open(path: path, mode: .readWrite) }
        var all: [Attempt] = []
        for round in 0..<12 {
            let names = (0..<5).map { "name-\((round * 3 + $0) % 29)" }
            let batch = names.map {
                Attempt(startUs: Int64(round), durationUs: 1, route: $0, host: $0 + "-host", outcome: .success)
            }
            try stores[round % 2].append(batch)
            all += batch
        }
        for store in stores { try expect(store, has: all) }
        #expect(Set(all.map(\.route)).count == 29)
        #expect(try stores[0].query("SELECT count(*), max(code) FROM route").rows == [[.integer(29), .integer(28)]])
    }

    @Test func `a store held by another writer is busy, and nothing of the call is kept`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.setBusyTimeout(ms: 1)
        let other = try Connection(path: path, access: .readWrite)
        try other.execute("BEGIN IMMEDIATE")
        #expect {
            try store.append(Sample.attempts(3, seed: 1))
        } throws: {
            ($0 as? StoreError)?.code == .busy
        }
        #expect(try store.routes(fromUs: nil, toUs: nil).isEmpty)
        try other.execute("ROLLBACK")
        try store.append(Sample.attempts(3, seed: 1))
        #expect(try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts } == 3)
    }

    @Test func `a reader in mid-scan neither blocks the writer nor sees what comes after it began`() throws {
        let attempts = Sample.attempts(900, seed: 23)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 250)
        try store.append(Array(attempts[..<500]))
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        for scanned in [reader, store] {
            let there = try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts }
            var isFirst = true
            let report = try scanned.scan { _ in
                guard isFirst else { return }
                isFirst = false
                try store.append(Array(attempts[there..<there + 200]))
                try store.seal()
            }
            #expect(report == ScanReport(rows: there, damage: []))
        }
        try expect(store, has: attempts)
    }

    @Test func `two writers and two readers at once lose nothing and never see half a batch`() async throws {
        let path = path
        let batch = 25
        let attempts = Sample.attempts(2_000, seed: 24)
        let finished = Finished()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 110)
                    for start in stride(from: writer * batch, to: attempts.count, by: 2 * batch) {
                        try store.append(Array(attempts[start..<start + batch]))
                    }
                    finished.writers.add(1, ordering: .sequentiallyConsistent)
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    var seen = 0
                    while finished.writers.load(ordering: .sequentiallyConsistent) < 2 {
                        // The writers may not have made it yet.
                        guard let store = try? AttemptStore.open(path: path, mode: .readOnly) else { continue }
                        let report = try store.scan(columns: []) { _ in }
                        #expect(report.damage.isEmpty && report.rows % batch == 0 && report.rows >= seen)
                        seen = report.rows
                    }
                }
            }
            try await group.waitForAll()
        }
        try expect(AttemptStore.open(path: path, mode: .readOnly), has: attempts)
    }

    @Test(arguments: 0..<6)
    func `after kill -9 every acknowledged batch is there once, and nothing is there by half`(round: Int) async throws {
        let path: String = path
        let acknowledged: String = directory.file("acknowledged")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, acknowledged = acknowledged as String, round = round as Int] in
            try KilledWriter.run(path: path, acknowledged: acknowledged, seed: UInt64(round))
        }
        let batches = fileBytes(acknowledged).count
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try store.check().isEmpty)
        var found: [Int: Int] = [:]
        try store.scan { columns in
            for row in 0..<columns.count { found[Int(columns.request[row]), default: 0] += 1 }
        }
        // The batch in flight may have been kept without its acknowledgement; then it is there whole.
        #expect(found.keys.allSatisfy { $0 <= batches })
        for number in 0..<max(batches, found.count) { #expect(found[number] == KilledWriter.batch, "batch \(number)") }
        try store.append(KilledWriter.attempts(of: batches + 1))
        #expect(batches > 0)
    }

    private func expect(_ store: AttemptStore, has attempts: [Attempt]) throws {
        var found: [UInt64: Int] = [:]
        let report = try store.scan { columns in
            for row in 0..<columns.count { found[columns[row].fingerprint, default: 0] += 1 }
        }
        #expect(report.damage.isEmpty)
        #expect(found == Dictionary(attempts.map { ($0.fingerprint, 1) }, uniquingKeysWith: +))
    }
}

private final class Finished: Sendable {
    let writers = Atomic(0)
}

/// A process that appends until it is killed; for each batch that was acknowledged it adds one byte to a file.
enum KilledWriter {
    static let batch = 40

    static func attempts(of number: Int) -> [Attempt] {
        (0..<batch).map { row in
            Attempt(
                startUs: Int64(number * 1_000 + row), durationUs: 5, route: "route-\(row % 3)-\(number % 50)",
                host: "h",
                request: UInt64(number), attempt: row + 1, outcome: .success)
        }
    }

    static func run(path: String, acknowledged: String, seed: UInt64) throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 100)
        let file = open(acknowledged, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var random = SeededGenerator(seed: seed)
        let most = Int.random(in: 2...60, using: &random)
        let delayUs = UInt32.random(in: 0...3_000, using: &random)
        for number in 0... {
            if number == most {
                // The blow falls from another thread, somewhere within the batches that follow.
                var thread = pthread_t()
                let argument = UnsafeMutableRawPointer(bitPattern: UInt(delayUs) + 1)
                pthread_create(
                    &thread, nil,
                    { argument in
                        usleep(UInt32(UInt(bitPattern: argument)))
                        kill(getpid(), SIGKILL)
                        return nil
                    }, argument)
            }
            try store.append(attempts(of: number))
            write(file, "x", 1)
        }
    }
}
