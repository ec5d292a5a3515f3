import Retry
import TestSupport
import Testing

@testable import Collector

/// Retention: what goes, what stays, and that nothing is said to be there that is not.
@Suite struct PruneTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }
    static let hourUs = HourKey.hourUs
    /// The beginning of an hour.
    static let baseUs = HourKey.hour(of: 1_790_000_000_000_000)

    init() throws { directory = try TemporaryDirectory() }

    /// `perHour` attempts in each of the hours, spread over it.
    private static func attempts(hours: Range<Int>, perHour: Int = 600, seed: UInt64 = 1) -> [Attempt] {
        var random = SeededGenerator(seed: seed)
        return hours.flatMap { hour in
            (0..<perHour).map { number in
                let startUs = baseUs + Int64(hour) * hourUs + Int64(number) * (hourUs / Int64(perHour))
                let route = Int.random(in: 0..<3, using: &random)
                return Attempt(
                    startUs: startUs, durationUs: .random(in: 1...2_000_000, using: &random), route: "route-\(route)",
                    host: "10.0.\(route).1:80", request: UInt64(hour * perHour + number),
                    attempt: number % 5 == 0 ? 2 : 1, outcome: Outcome.allCases.randomElement(using: &random)!,
                    hedge: number % 10 == 0)
            }
        }
    }

    private func open(_ attempts: [Attempt], batch: Int = 1_000) throws -> AttemptStore {
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: batch)
        var start = 0
        while start < attempts.count {
            try store.append(Array(attempts[start..<min(start + batch, attempts.count)]))
            start += batch
        }
        return store
    }

    private func expectHolds(
        _ store: AttemptStore, _ attempts: [Attempt], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for route in Set(attempts.map(\.route)).union(["route-0"]) {
            let columns = try store.attempts(route: route, fromUs: nil, toUs: nil)
            #expect(columns.canonical == Sample.expected(attempts, route: route), sourceLocation: sourceLocation)
        }
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 0, sourceLocation: sourceLocation)
        let check = try store.checkEverything()
        #expect(check.isSound, "\(check.findings)", sourceLocation: sourceLocation)
        #expect(check.segmentAttempts + check.tailAttempts == attempts.count, sourceLocation: sourceLocation)
    }

    @Test func `what began before the hour of the instant goes, the rest stays to the last field`() throws {
        let all = Self.attempts(hours: 0..<8)
        let store = try open(all)
        let report = try store.prune(beforeUs: Self.baseUs + 5 * Self.hourUs + 1_234)
        let kept = all.filter { $0.startUs >= Self.baseUs + 5 * Self.hourUs }
        #expect(report.beforeUs == Self.baseUs + 5 * Self.hourUs)
        #expect(report.attempts == all.count - kept.count && report.remaining == kept.count)
        // 600 an hour in segments of 1,000: the boundary at 3,000 falls between two segments.
        #expect(report.segmentsRemoved == 3 && report.segmentsCut == 0)
        try expectHolds(store, kept)
    }

    @Test func `a segment that straddles the boundary is cut, and the tail is pruned too`() throws {
        let all = Self.attempts(hours: 0..<4)
        let store = try open(Array(all.dropLast(700)), batch: 850)
        try store.append(Array(all.suffix(700)))
        let report = try store.prune(beforeUs: Self.baseUs + 3 * Self.hourUs)
        #expect(report.segmentsRemoved == 2 && report.segmentsCut == 1)
        try expectHolds(store, all.filter { $0.startUs >= Self.baseUs + 3 * Self.hourUs })
    }

    @Test func `the history holds what was pruned, by hour, route and outcome`() throws {
        let all = Self.attempts(hours: 0..<5)
        let store = try open(all)
        _ = try store.prune(beforeUs: Self.baseUs + 2 * Self.hourUs)
        _ = try store.prune(beforeUs: Self.baseUs + 4 * Self.hourUs)
        let gone = all.filter { $0.startUs < Self.baseUs + 4 * Self.hourUs }
        let found = try store.query("SELECT hour_us, route, outcome, attempts, retries, hedges FROM history")
        let expected = Dictionary(grouping: gone) { "\(HourKey.hour(of: $0.startUs)) \($0.route) \($0.outcome.name)" }
        #expect(found.rows.count == expected.count)
        for row in found.rows {
            guard case .integer(let hourUs) = row[0], case .text(let route) = row[1], case .text(let outcome) = row[2]
            else { return #expect(Bool(false), "\(row)") }
            let those = expected["\(hourUs) \(route) \(outcome)"] ?? []
            let retries = those.count { $0.attempt > 1 && !$0.hedge }
            let hedges = those.count { $0.hedge }
            #expect(row[3...] == [.integer(Int64(those.count)), .integer(Int64(retries)), .integer(Int64(hedges))])
        }
        let hour = try store.query("SELECT min(hour), count(DISTINCT hour) FROM history")
        #expect(hour.rows == [[.text(String(Timestamp.format(Self.baseUs).prefix(19)) + "Z"), .integer(4)]])
    }

    @Test func `the latencies of the history are the pruned durations on the grid`() throws {
        var all = Self.attempts(hours: 0..<1, perHour: 3_000)
        for index in 0..<40 { all[index].durationUs = Int64(index) }
        all[40].durationUs = .max
        all += Self.attempts(hours: 1..<2)
        let store = try open(all)
        _ = try store.prune(beforeUs: Self.baseUs + Self.hourUs)
        let gone = all.filter { $0.startUs < Self.baseUs + Self.hourUs }
        let bins = try store.query(
            "SELECT from_us, below_us, sum(attempts) FROM history_latency GROUP BY 1, 2 ORDER BY 1, 2")
        var sum = 0
        for row in bins.rows {
            guard case .integer(let fromUs) = row[0], case .integer(let count) = row[2] else {
                return #expect(Bool(false), "\(row)")
            }
            // The first bin begins at 0, the last has no end.
            var belowUs = Int64.max
            if case .integer(let bound) = row[1] { belowUs = bound }
            let inside = gone.count { $0.durationUs >= fromUs && ($0.durationUs < belowUs || row[1] == .null) }
            #expect(inside == Int(count), "\(fromUs)..<\(belowUs)")
            #expect(Double(belowUs) <= Double(fromUs) * 1.126 || fromUs < 16 || row[1] == .null)
            sum += Int(count)
        }
        #expect(sum == gone.count)
    }

    @Test func `a dry run says what would go and changes no byte`() throws {
        let all = Self.attempts(hours: 0..<6)
        do { try open(all).close() }
        let before = fileBytes(path)
        let store = try AttemptStore.open(path: path, mode: .readOnly)
        let planned = try store.prune(beforeUs: Self.baseUs + 3 * Self.hourUs, options: PruneOptions(isDryRun: true))
        store.close()
        #expect(fileBytes(path) == before)
        let done = try AttemptStore.open(path: path, mode: .readWrite).prune(beforeUs: Self.baseUs + 3 * Self.hourUs)
        #expect(planned.attempts == done.attempts && planned.remaining == done.remaining)
        #expect(planned.segmentsRemoved == done.segmentsRemoved && planned.segmentsCut == done.segmentsCut)
        #expect(planned.isDryRun && planned.freedBytes > 0)
    }

    @Test func `pages are given back to the file system`() throws {
        var all = Self.attempts(hours: 0..<40, perHour: 2_000)
        // Summaries of durations all over the place would be as long as the attempts.
        for index in all.indices { all[index].durationUs = 20_000 + all[index].durationUs / 200 }
        let store = try open(all, batch: 4_000)
        store.close()
        let before = fileBytes(path).count
        let again = try AttemptStore.open(path: path, mode: .readWrite)
        let report = try again.prune(beforeUs: Self.baseUs + 36 * Self.hourUs)
        again.close()
        #expect(report.freedBytes > Int64(before / 2))
        #expect(fileBytes(path).count <= before - Int(report.freedBytes))
        #expect(try AttemptStore.open(path: path, mode: .readOnly).info().freeBytes == 0)
    }

    @Test func `a prune that would leave nothing is refused unless it is allowed`() throws {
        let all = Self.attempts(hours: 0..<2)
        let store = try open(all)
        let beforeUs = Self.baseUs + 100 * Self.hourUs
        #expect { try store.prune(beforeUs: beforeUs) } throws: { error in
            "\(error)".contains("nothing would be left") && "\(error)".contains("--allow-empty")
        }
        #expect { try store.prune(beforeUs: beforeUs, options: PruneOptions(isDryRun: true)) } throws: { _ in true }
        try expectHolds(store, all)
        let report = try store.prune(beforeUs: beforeUs, options: PruneOptions(mayEmpty: true))
        #expect(report.remaining == 0 && report.attempts == all.count)
        #expect(try store.routes(fromUs: nil, toUs: nil).isEmpty)
        #expect(try store.checkEverything().isSound)
        // An empty store has nothing to lose.
        #expect(try store.prune(beforeUs: beforeUs).attempts == 0)
    }

    @Test func `notes of missing attempts move into the history with their hour, younger ones stay`() throws {
        let store = try open(Self.attempts(hours: 0..<4))
        let hourUs = Self.hourUs
        for _ in 0..<3 {
            try store.recordDropped(count: 10, fromUs: Self.baseUs + 5, toUs: Self.baseUs + 9, reason: "full")
        }
        try store.recordDropped(count: 7, fromUs: Self.baseUs, toUs: Self.baseUs + 3 * hourUs, reason: "full")
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 37)
        let report = try store.prune(beforeUs: Self.baseUs + 2 * hourUs)
        #expect(report.droppedMoved == 30)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 7)
        let history = try store.query("SELECT hour_us, reason, attempts FROM history_dropped")
        #expect(history.rows == [[.integer(Self.baseUs), .text("full"), .integer(30)]])
        #expect(try store.checkEverything().isSound)
    }

    @Test func `a damaged segment is left and named, and removed only when that is asked for`() throws {
        let all = Self.attempts(hours: 0..<5)
        let store = try open(all)
        let broken = try damageFirstSegment(store)
        let beforeUs = Self.baseUs + 4 * Self.hourUs
        let report = try store.prune(beforeUs: beforeUs)
        #expect(report.damage.map(\.segment) == [broken] && report.discarded.isEmpty)
        #expect(report.damage.first?.rows == 1_000)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 1_000)
        let second = try store.prune(beforeUs: beforeUs, options: PruneOptions(discardsDamaged: true))
        #expect(second.damage.isEmpty && second.discarded.map(\.segment) == [broken])
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 0)
        let history = try store.query("SELECT hour_us, attempts FROM history_dropped")
        #expect(history.rows == [[.integer(Self.baseUs), .integer(1_000)]])
        let check = try store.checkEverything()
        #expect(check.isSound, "\(check.findings)")
    }

    @Test func `a damaged segment that holds younger attempts too is kept, also when damaged ones may go`() throws {
        let store = try open(Self.attempts(hours: 0..<3, perHour: 400), batch: 600)
        let broken = try damageFirstSegment(store)
        let options = PruneOptions(discardsDamaged: true)
        let report = try store.prune(beforeUs: Self.baseUs + Self.hourUs, options: options)
        #expect(report.damage.map(\.segment) == [broken] && report.discarded.isEmpty)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 600)
    }

    @Test func `a damaged history is not added to`() throws {
        let store = try open(Self.attempts(hours: 0..<2))
        _ = try store.prune(beforeUs: Self.baseUs + Self.hourUs)
        do {
            let other = try Connection(path: path, access: .readWrite)
            try other.execute("UPDATE hour_summary SET attempts = attempts + 1")
        }
        #expect(!(try store.checkEverything().isSound))
        try store.append(Self.attempts(hours: 0..<1, seed: 9))
        #expect { try store.prune(beforeUs: Self.baseUs + Self.hourUs) } throws: { error in
            "\(error)".contains("history") && "\(error)".contains("--discard-damaged")
        }
        let options = PruneOptions(discardsDamaged: true)
        #expect(try store.prune(beforeUs: Self.baseUs + Self.hourUs, options: options).attempts == 600)
        let check = try store.checkEverything()
        #expect(check.isSound, "\(check.findings)")
    }

    @Test func `readers keep the state that they began with`() throws {
        let all = Self.attempts(hours: 0..<6)
        let store = try open(all)
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        var rows = 0
        var isPruned = false
        try reader.scan { columns in
            if !isPruned { _ = try store.prune(beforeUs: Self.baseUs + 5 * Self.hourUs) }
            isPruned = true
            rows += columns.count
        }
        #expect(rows == all.count)
        #expect(try reader.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts } == 600)
        #expect(reader.damage.isEmpty)
    }

    @Test func `an hour begins at or before its instants, also before 1970`() {
        for us in [0, 1, Self.hourUs - 1, Self.hourUs, -1, -Self.hourUs, -Self.hourUs - 1] {
            let hour = HourKey.hour(of: us)
            #expect(hour <= us && us - hour < Self.hourUs && hour % Self.hourUs == 0)
        }
    }

    @Test func `a summary's latencies survive their text, and other texts are refused`() {
        var summary = HourSummary()
        for us: Int64 in [1, 9, 9, 1_000, .max] { summary.add(durationUs: us, attempt: 1, isHedge: false) }
        #expect(HourSummary.latency(text: summary.latencyText) == summary.latency)
        #expect(HourSummary.latency(text: "{}") == LatencyHistogram())
        for text in ["", "{", "[]", "{\"1\":0}", "{\"1\":-1}", "{\"296\":1}", "{\"1\":1,\"1\":1}", "{1:1}", "{\"1\"}"] {
            #expect(HourSummary.latency(text: text) == nil, "\(text)")
        }
    }

    /// Changes a byte of the oldest segment behind the store's back; gives its number.
    private func damageFirstSegment(_ store: AttemptStore) throws -> Int64 {
        let other = try Connection(path: path, access: .readWrite)
        let id = try other.integer("SELECT id FROM segment ORDER BY first_start_us LIMIT 1")
        try other.execute(
            "UPDATE segment SET data = substr(data, 1, length(data) - 1) || x'A5' WHERE id = \(id)")
        return id
    }
}
