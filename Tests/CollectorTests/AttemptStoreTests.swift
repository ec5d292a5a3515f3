import Glibc
import Retry
import Testing

@testable import Collector

@Suite struct AttemptStoreTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: [1, 7, 100, 1_000_000])
    func `what was appended comes back, from tail and segments, merged and sorted`(sealAfterRows: Int) throws {
        let attempts = Sample.attempts(500, seed: 1)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: sealAfterRows)
        for start in stride(from: 0, to: attempts.count, by: 33) {
            try store.append(Array(attempts[start..<min(start + 33, attempts.count)]))
        }
        for reader in [store, try AttemptStore.open(path: path, mode: .readOnly)] {
            for route in Set(attempts.map(\.route)) {
                let columns = try reader.attempts(route: route, fromUs: nil, toUs: nil)
                #expect(columns.isSorted)
                #expect(columns.canonical == Sample.expected(attempts, route: route))
            }
            #expect(try reader.attempts(route: "unknown", fromUs: nil, toUs: nil).count == 0)
            #expect(try reader.missingAttempts(fromUs: nil, toUs: nil) == 0)
            #expect(reader.damage.isEmpty)
        }
    }

    @Test func `names that are added later are seen by who has read the earlier ones`() throws {
        let attempts = Sample.attempts(60, seed: 3, extremes: false)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        let session = try QuerySession(path: path, cache: reader.cache)
        var start = 0
        for count in [3, 3, 20, 60] {
            try store.append(Array(attempts[start..<count]))
            start = count
            let routes = Set(attempts[..<count].map(\.route)).sorted()
            #expect(try reader.routes(fromUs: nil, toUs: nil).map(\.route) == routes)
            for route in routes {
                let columns = try reader.attempts(route: route, fromUs: nil, toUs: nil)
                #expect(columns.canonical == Sample.expected(Array(attempts[..<count]), route: route))
            }
            var hosts: Set<QueryValue> = []
            _ = try session.run("SELECT DISTINCT host FROM attempts") {
                hosts.insert($0[0])
                return true
            }
            #expect(hosts == Set(attempts[..<count].map { .text($0.host) }))
        }
    }

    @Test func `a time range has its start and not its end`() throws {
        let attempts = Sample.attempts(400, seed: 2)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Array(attempts[..<200]))
        try store.seal()
        try store.append(Array(attempts[200...]))
        let times = [50, 150, 199, 200, 201, 350].map { attempts[$0].startUs }
        for from in times {
            for to in times {
                let columns = try store.attempts(route: "route-2", fromUs: from, toUs: to)
                #expect(columns.canonical == Sample.expected(attempts, route: "route-2", fromUs: from, toUs: to))
                let routes = try store.routes(fromUs: from, toUs: to)
                let wanted = attempts.filter { $0.startUs >= from && $0.startUs < to }
                #expect(routes.map(\.route) == Set(wanted.map(\.route)).sorted())
                #expect(routes.reduce(0) { $0 + $1.attempts } == wanted.count)
                let fingerprints = try store.fingerprints(fromUs: from, toUs: to)
                let keys = wanted.flatMap(\.importKeys)
                #expect(fingerprints == Dictionary(keys.map { ($0, 1) }, uniquingKeysWith: +))
            }
        }
    }

    @Test func `a route's summary has its number, first and last start`() throws {
        let attempts = Sample.attempts(300, seed: 3)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 100)
        for one in attempts { try store.append([one]) }
        for summary in try store.routes(fromUs: nil, toUs: nil) {
            let own = attempts.filter { $0.route == summary.route }
            #expect(summary.attempts == own.count)
            #expect(summary.firstStartUs == own.first?.startUs)
            #expect(summary.lastStartUs == own.last?.startUs)
        }
    }

    @Test func `a scan gives every row once, and only the columns that were asked for`() throws {
        let attempts = Sample.attempts(700, seed: 4)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 300)
        for start in stride(from: 0, to: 700, by: 100) { try store.append(Array(attempts[start..<start + 100])) }
        var fingerprints: [UInt64: Int] = [:]
        let report = try store.scan { columns in
            #expect(columns.isSorted)
            for row in 0..<columns.count { fingerprints[columns[row].fingerprint, default: 0] += 1 }
        }
        #expect(report == ScanReport(rows: 700, damage: []))
        #expect(fingerprints == Dictionary(attempts.map { ($0.fingerprint, 1) }, uniquingKeysWith: +))
        try store.scan(route: "route-1", columns: [.outcome]) { columns in
            #expect(columns.route == "route-1")
            #expect(columns.outcome.count == columns.count)
            #expect(columns.durationUs.isEmpty && columns.host.isEmpty && columns.hostNames.isEmpty)
        }
        struct Enough: Error {}
        #expect(throws: Enough.self) { try store.scan { _ in throw Enough() } }
        #expect(try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts } == 700)
    }

    @Test func `sealing empties the tail and changes no answer`() throws {
        let attempts = Sample.attempts(50, seed: 5)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(attempts)
        let before = try store.attempts(route: "route-0", fromUs: nil, toUs: nil)
        #expect(try store.seal(minimumRows: 51) == 0)
        #expect(try store.seal() == 1)
        #expect(try store.seal() == 0)
        #expect(try store.query("SELECT count(*) FROM tail").rows == [[.integer(0)]])
        #expect(try store.attempts(route: "route-0", fromUs: nil, toUs: nil).canonical == before.canonical)
    }

    @Test func `a batch above the row limit of a segment becomes several`() throws {
        let attempts = Sample.attempts(Segment.rowLimit + 10, seed: 6, extremes: false)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(attempts)
        #expect(
            try store.query("SELECT rows FROM segment ORDER BY id").rows
                == [[.integer(Int64(Segment.rowLimit))], [.integer(10)]])
        #expect(
            try store.attempts(route: "route-3", fromUs: nil, toUs: nil).canonical
                == Sample.expected(attempts, route: "route-3"))
    }

    @Test func `two writers share names, and each sees what the other wrote`() throws {
        let attempts = Sample.attempts(400, seed: 7)
        let first = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 90)
        let second = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 70)
        for start in stride(from: 0, to: 400, by: 20) {
            try (start % 40 == 0 ? first : second).append(Array(attempts[start..<start + 20]))
        }
        for store in [first, second] {
            for route in Set(attempts.map(\.route)) {
                let columns = try store.attempts(route: route, fromUs: nil, toUs: nil)
                #expect(columns.canonical == Sample.expected(attempts, route: route))
            }
            #expect(try store.check().isEmpty)
        }
    }

    @Test func `dropped attempts count as missing from every range they overlap`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.recordDropped(count: 5, fromUs: 100, toUs: 200, reason: "full")
        try store.recordDropped(count: 7, fromUs: 300, toUs: 300, reason: "full")
        try store.recordDropped(count: 0, fromUs: 0, toUs: 0, reason: "none")
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 12)
        #expect(try store.missingAttempts(fromUs: 200, toUs: 300) == 5)
        #expect(try store.missingAttempts(fromUs: 201, toUs: 300) == 0)
        #expect(try store.missingAttempts(fromUs: 300, toUs: nil) == 7)
        #expect(try store.missingAttempts(fromUs: nil, toUs: 100) == 0)
    }

    @Test func `equal attempts have equal fingerprints, and every field counts`() {
        let plain = Attempt(startUs: 1, durationUs: 2, route: "r", host: "h", outcome: .success, method: "GET")
        var seen: Set = [plain.fingerprint]
        let changes: [(inout Attempt) -> Void] = [
            { $0.startUs = 9 }, { $0.durationUs = 9 }, { $0.route = "s" }, { $0.host = "i" }, { $0.request = 9 },
            { $0.attempt = 9 }, { $0.waitUs = 9 }, { $0.outcome = .reset }, { $0.status = 9 }, { $0.isGRPC = true },
            { $0.timeoutUs = 9 }, { $0.retryAfterUs = 9 }, { $0.method = "PUT" }, { $0.hedge = true },
            { $0.ruleVersion = 9 },
        ]
        #expect(changes.count == Column.allCases.count)
        for change in changes {
            var other = plain
            change(&other)
            #expect(seen.insert(other.fingerprint).inserted)
        }
        #expect(
            Attempt(startUs: 1, durationUs: 2, route: "r", host: "h", outcome: .success, method: "GET").fingerprint
                == plain.fingerprint)
        // It stands in tails, so it must never change. The number is python-xxhash's, over the same 15 words.
        #expect(plain.fingerprint == 2_581_483_716_935_154_616)
    }

    @Test func `a store that was written and read is one file when it is closed`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(50, seed: 61))
        #expect(try store.routes(fromUs: nil, toUs: nil).count == 5)
        store.close()
        #expect(try directory.names() == ["meantime.db"])
    }

    @Test func `a directory that somebody else keeps locked holds nobody up for ever`() throws {
        let other = Glibc.open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { Glibc.close(other) }
        #expect(other >= 0 && flock(other, LOCK_EX) == 0)
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(5, seed: 62))
        store.close()
        #expect(try directory.names() == ["meantime.db"])
    }
}
