import Retry
import TestSupport
import Testing

@testable import Collector

/// Merging of small segments.
@Suite struct CompactTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ attempts: [Attempt], segments: Int) throws -> AttemptStore {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let size = attempts.count / segments
        for segment in 0..<segments {
            try store.append(Array(attempts[segment * size..<(segment + 1) * size]))
            try store.seal()
        }
        return store
    }

    private func entry(_ id: Int64, rows: Int) -> SegmentEntry {
        SegmentEntry(
            id: id,
            zone: ZoneMap(
                rows: rows, firstStartUs: id, lastStartUs: id, minRoute: 0, maxRoute: 0,
                outcomes: Array(repeating: 0, count: 7)), isSound: true)
    }

    @Test func `small segments become one, and every attempt is as it was`() throws {
        let all = Sample.attempts(6_000, seed: 4)
        let store = try open(all, segments: 12)
        let report = try store.compact()
        #expect(report.segmentsBefore == 12 && report.segmentsAfter == 1 && report.attempts == 6_000)
        for route in Set(all.map(\.route)) {
            #expect(
                try store.attempts(route: route, fromUs: nil, toUs: nil).canonical == Sample.expected(all, route: route)
            )
        }
        #expect(try store.checkEverything().isSound)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 0)
        // There is nothing left to do.
        #expect(try store.compact() == CompactReport(segmentsBefore: 1, segmentsAfter: 1))
    }

    @Test func `attempts that tie keep their order of arrival`() throws {
        let ties = (0..<40).map { number in
            Attempt(startUs: 1_000, durationUs: Int64(number), route: "r", request: UInt64(number), outcome: .success)
        }
        let store = try open(ties, segments: 4)
        let before = try store.attempts(route: "r", fromUs: nil, toUs: nil)
        try store.compact()
        #expect(try store.attempts(route: "r", fromUs: nil, toUs: nil) == before)
        #expect(before.durationUs == (0..<40).map { Int64($0) })
    }

    @Test func `attempts that tie in segments of other times keep the order of readers`() throws {
        // The later segment begins earlier, so readers meet it first.
        let store = try open([], segments: 1)
        for (number, firstUs) in [(0, 900), (1, 500)] as [(Int, Int64)] {
            try store.append(
                [firstUs, 1_000, 1_000].enumerated().map { index, startUs in
                    Attempt(
                        startUs: startUs, durationUs: Int64(number * 3 + index), route: "r", request: 1,
                        outcome: .success)
                })
            try store.seal()
        }
        let before = try store.attempts(route: "r", fromUs: nil, toUs: nil)
        #expect(try store.compact().attempts == 6)
        #expect(try store.attempts(route: "r", fromUs: nil, toUs: nil) == before)
    }

    @Test func `runs are neighbours that fit into one segment, and a second plan is empty`() throws {
        try withEvery { choice in
            let sizes = (0..<5).map { choice.of([10, 40, 60, 100], "rows of \($0)") }
            let entries = sizes.enumerated().map { entry(Int64($0.offset), rows: $0.element) }
            let runs = CompactionPlan.runs(of: entries, rowLimit: 100)
            try choice.require(
                runs.allSatisfy { $0.count > 1 && $0.reduce(0) { $0 + $1.zone.rows } <= 100 }, "too large or alone")
            let merged = Set(runs.flatMap { $0.map(\.id) })
            try choice.require(merged.count == runs.reduce(0) { $0 + $1.count }, "a segment in two runs")
            // What the store would hold then.
            var after = entries.filter { !merged.contains($0.id) }
            for run in runs { after.append(entry(run[0].id, rows: run.reduce(0) { $0 + $1.zone.rows })) }
            after.sort { $0.id < $1.id }
            try choice.require(CompactionPlan.runs(of: after, rowLimit: 100).isEmpty, "more could be merged")
        }
    }

    @Test func `a damaged segment is left as it is and named`() throws {
        let all = Sample.attempts(3_000, seed: 5)
        let store = try open(all, segments: 6)
        do {
            let other = try Connection(path: path, access: .readWrite)
            try other.execute("UPDATE segment SET data = substr(data, 1, length(data) - 1) || x'A5' WHERE id = 3")
        }
        let report = try store.compact()
        #expect(report.damage.map(\.segment) == [3] && report.segmentsAfter == 2 && report.attempts == 2_500)
        #expect(try store.missingAttempts(fromUs: nil, toUs: nil) == 500)
    }

    @Test func `a proxy merges its small segments once enough have gathered`() throws {
        let all = Sample.attempts(AttemptStore.smallSegmentsAtOnce * 200, seed: 6)
        let few = AttemptStore.smallSegmentsAtOnce - 1
        let store = try open(Array(all.prefix(few * 200)), segments: few)
        #expect(try store.tidy() == 0)
        try store.append(Array(all.suffix(200)))
        try store.seal()
        #expect(try store.tidy() == few + 1)
        #expect(try store.info().segments == 1)
        #expect(try store.tidy() == 0)
        #expect(try store.checkEverything().segmentAttempts == all.count)
    }

    @Test func `the recorder has small segments merged when it begins`() async throws {
        let all = Sample.attempts(AttemptStore.smallSegmentsAtOnce * 100, seed: 7)
        let store = try open(all, segments: AttemptStore.smallSegmentsAtOnce)
        let recorder = AttemptRecorder(store: store)
        recorder.tidyIfDue()
        #expect(try store.info().segments == 1)
        // Not again before a segment's worth was written.
        for attempts in stride(from: 0, to: all.count, by: 100).map({ Array(all[$0..<$0 + 100]) }) {
            try store.append(attempts)
            try store.seal()
        }
        recorder.tidyIfDue()
        #expect(try store.info().segments == AttemptStore.smallSegmentsAtOnce + 1)
    }

    @Test func `who merges what another has merged already changes nothing`() throws {
        let store = try open(Sample.attempts(1_000, seed: 8), segments: 4)
        let reader = try store.freshReader()
        let entries = try store.segmentEntries(reader)
        try store.compact()
        let rows = Rows()
        let ids = entries.map(\.id)
        #expect(try store.write { (writer) throws(StoreError) in try writer.replace(ids, with: rows) } == false)
        #expect(try store.checkEverything().segmentAttempts == 1_000)
    }
}
