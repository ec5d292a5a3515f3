import Retry
import TestSupport
import Testing

@testable import Collector

/// Walks by route that have less memory than the attempts need.
@Suite struct RouteOrderWalkTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func makeStore(_ attempts: [Attempt]) throws -> AttemptStore {
        let store = try AttemptStore.open(path: directory.file("meantime.db"), mode: .readWrite)
        for start in stride(from: 0, to: attempts.count, by: 150) {
            try store.append(Array(attempts[start..<min(start + 150, attempts.count)]))
            if start < 450 { try store.seal() }
        }
        return store
    }

    private func answers(
        _ store: AttemptStore, _ queries: [String], mostValues: Int, temporaryFolder: String
    ) throws -> [[String]] {
        let reader = try StoreReader(path: store.path, cache: store.cache)
        let tables = SQLTables(reader, isOurs: true)
        tables.view.mostValues = mostValues
        tables.view.temporaryFolder = temporaryFolder
        try tables.register()
        try reader.begin()
        return try queries.map { sql in
            let rows = try PlainTable.answer(sql, on: reader.connection).rows.map { "\($0)" }
            return sql.contains("ORDER BY") ? rows : rows.sorted()
        }
    }

    private static let queries =
        PlainViews.queries + [
            "SELECT route, outcome, count(*), sum(request), max(start_us), sum(wait_us) FROM attempts GROUP BY 1, 2",
            "SELECT route, outcome, count(*) FROM attempts GROUP BY 1, 2 ORDER BY route DESC, outcome",
            "SELECT route, count(*), sum(duration_us), sum(request), min(host) FROM attempts GROUP BY 1 ORDER BY 1",
            "SELECT route, count(DISTINCT request) FROM attempts WHERE outcome <> 'success' GROUP BY route",
            "SELECT sum(request) FROM requests WHERE route = 'route-1' OR route = 'route-3' OR request % 3 = 0",
            "SELECT a.route, count(*), sum(r.request) FROM outages a JOIN requests r ON r.route = a.route GROUP BY 1",
        ]

    /// With one value at once every request is a part of its own route; with 700 some routes fit and some do not.
    @Test(arguments: [1, 90, 700, 8 << 20])
    func `what does not fit in memory comes in parts and is the same`(mostValues: Int) throws {
        let attempts = Sample.attempts(600, seed: 91, extremes: false)
        let (store, plain) = (try makeStore(attempts), try PlainTable.of(attempts))
        try PlainViews.add(to: plain)
        let expected = try Self.queries.map { sql in
            let rows = try PlainTable.answer(sql, on: plain).rows.map { "\($0)" }
            return sql.contains("ORDER BY") ? rows : rows.sorted()
        }
        for folder in [directory.path, directory.file("not there")] {
            let answers = try answers(
                store, Self.queries, mostValues: mostValues, temporaryFolder: folder)
            for (index, sql) in Self.queries.enumerated() {
                #expect(answers[index] == expected[index], "\(mostValues) values at once in \(folder): \(sql)")
            }
            let told = "SELECT count(*) = count(DISTINCT rowid), count(*) > 500 FROM requests"
            #expect(
                try self.answers(store, [told], mostValues: mostValues, temporaryFolder: folder)
                    == [["\([QueryValue.integer(1), .integer(1)])"]])
        }
    }

    /// Four segments of 150 rows and five routes: a route has some 120 rows, some 30 of them in each segment.
    @Test(arguments: [90, 700])
    func `a walk holds no more than it may, whatever it is for`(mostValues: Int) throws {
        let store = try makeStore(Sample.attempts(600, seed: 93, extremes: false))
        let reader = try StoreReader(path: store.path, cache: store.cache)
        let view = StoreView(reader, isOurs: true, skipsDamage: false)
        view.mostValues = mostValues
        view.temporaryFolder = directory.path
        try reader.begin()
        try view.enter()
        let columns: ColumnSet = [.startUs, .request, .attempt, .durationUs]
        for (purpose, direction) in [
            (RouteOrderWalk.Purpose.attempts, RouteOrderWalk.Direction.ascending),
            (.attempts, .init(routesDescend: true, outcomesDescend: false)), (.requests, .ascending),
        ] {
            let walk = RouteOrderWalk(
                view, for: purpose, filter: AttemptsFilter(), columns: columns, direction: direction)
            var (rows, most) = (0, 0)
            while let group = try walk.nextGroup() {
                rows += group.windows.reduce(0) { $0 + $1.positions.count }
                most = max(most, walk.rowsHeld)
            }
            #expect(rows == 600, "\(purpose)")
            // A request, or what one segment has of a route, is not divided; requests fall to shares by lot.
            #expect(most <= max(2 * walk.mostRows, 50) && walk.mostRows < 150, "\(purpose): \(most)")
        }
        #expect(view.sequences.bytesKept > 0)
        view.leave()
    }

    /// - Parameter shift: what is added to every request number.
    private static func segment(_ rows: Rows, shift: Int64 = 0) throws -> Segment {
        var rows = rows
        rows[.request] = rows[.request].map { $0 + shift }
        let zone = ZoneMap(of: rows)
        let padded = Segment.encode(rows, zone: zone) + Array(repeating: 0, count: Segment.padding)
        return try Segment(padded: padded, zone: zone, hosts: RouteHosts())
    }

    private static func read(
        _ spool: SequenceSpool, _ segment: Segment, _ id: Int64, _ wanted: Range<Int>, _ isKept: Bool
    ) throws -> [Int64] {
        var values = [Int64](repeating: -1, count: wanted.count)
        try values.withUnsafeMutableBufferPointer { out in
            try spool.read(segment, id: id, in: wanted, isKept: isKept, into: #require(out.baseAddress))
        }
        return values
    }

    @Test func `a spool gives the request numbers that the segment has, with and without its file`() throws {
        var rows = Rows()
        for one in Sample.attempts(900, seed: 92, extremes: false) {
            rows.append(one, route: Int64(one.route.utf8.last! & 7), host: 0, method: 0)
        }
        rows = rows.sortedForSegment()
        let segments = try (0..<3).map { _ in try Self.segment(rows) }
        #expect(segments[0].isSequence(.request) && !segments[0].isSequence(.startUs))
        for (isKept, folder, kept) in [
            (true, directory.path, 3 * 900 * 8), (true, directory.file("not there"), 0), (false, directory.path, 0),
        ] {
            let spool = SequenceSpool(folder: folder)
            for wanted in [0..<900, 17..<41, 899..<900, 0..<1] {
                for (id, segment) in segments.enumerated() {
                    let values = try Self.read(spool, segment, Int64(id), wanted, isKept)
                    #expect(values == Array(rows[.request][wanted]), "\(wanted) of \(id), \(folder)")
                }
            }
            #expect(spool.bytesKept == kept)
        }
        // What was kept is not found again: another segment under the same number would tell.
        let other = try Self.segment(rows, shift: 5)
        let spool = SequenceSpool(folder: directory.path)
        for (id, one) in [(7, segments[0]), (8, segments[1]), (7, other)] as [(Int64, Segment)] {
            #expect(try Self.read(spool, one, id, 3..<9, true) == Array(rows[.request][3..<9]))
        }
        // The file has no name from the beginning.
        #expect(try directory.names().isEmpty)
    }

    @Test func `a temporary file gives back what was written and tells what it cannot`() throws {
        let file = try #require(TemporaryFile(purpose: "test", in: directory.path))
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(bytes.withUnsafeBytes { file.write($0, at: 40) })
        var back = [UInt8](repeating: 0, count: 500)
        #expect(back.withUnsafeMutableBytes { file.read(into: $0, at: 540) } && back == Array(bytes[500...]))
        #expect(!back.withUnsafeMutableBytes { file.read(into: $0, at: 541) })
        #expect(TemporaryFile(purpose: "test", in: directory.file("not there")) == nil)
        #expect(try directory.names().isEmpty)
    }
}
