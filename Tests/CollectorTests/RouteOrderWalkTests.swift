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

    /// With one value at once every request is a part of its own route; with 700 some routes fit and some do not.
    @Test(arguments: [1, 90, 700, 8 << 20])
    func `what does not fit in memory comes in parts and is the same`(mostValues: Int) throws {
        let attempts = Sample.attempts(600, seed: 91, extremes: false)
        let (store, plain) = (try makeStore(attempts), try PlainTable.of(attempts))
        try PlainViews.add(to: plain)
        let expected = try PlainViews.queries.map { sql in
            let rows = try PlainTable.answer(sql, on: plain).rows.map { "\($0)" }
            return sql.contains("ORDER BY") ? rows : rows.sorted()
        }
        for folder in [directory.path, directory.file("not there")] {
            let answers = try answers(
                store, PlainViews.queries, mostValues: mostValues, temporaryFolder: folder)
            for (index, sql) in PlainViews.queries.enumerated() {
                #expect(answers[index] == expected[index], "\(mostValues) values at once in \(folder): \(sql)")
            }
            let told = "SELECT count(*) = count(DISTINCT rowid), count(*) > 500 FROM requests"
            #expect(
                try self.answers(store, [told], mostValues: mostValues, temporaryFolder: folder)
                    == [["\([QueryValue.integer(1), .integer(1)])"]])
        }
    }

    @Test func `a spool gives the request numbers that the segment has, with and without its file`() throws {
        var rows = Rows()
        for one in Sample.attempts(900, seed: 92, extremes: false) {
            rows.append(one, route: Int64(one.route.utf8.last! & 7), host: 0, method: 0)
        }
        rows = rows.sortedForSegment()
        let zone = ZoneMap(of: rows)
        let padded = Segment.encode(rows, zone: zone) + Array(repeating: 0, count: Segment.padding)
        let segments = try (0..<3).map { _ in try Segment(padded: padded, zone: zone, hosts: RouteHosts()) }
        #expect(segments[0].isSequence(.request) && !segments[0].isSequence(.startUs))
        for (isKept, folder) in [(true, directory.path), (true, directory.file("not there")), (false, "")] {
            let spool = SequenceSpool(isKept: isKept, folder: folder)
            for wanted in [0..<900, 17..<41, 899..<900, 0..<1] {
                for (id, segment) in segments.enumerated() {
                    var values = [Int64](repeating: -1, count: wanted.count)
                    try values.withUnsafeMutableBufferPointer { out in
                        try spool.read(segment, id: Int64(id), in: wanted, into: #require(out.baseAddress))
                    }
                    #expect(values == Array(rows[.request][wanted]), "\(wanted) of \(id), \(folder)")
                }
            }
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
