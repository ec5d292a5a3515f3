import Glibc
import Retry
import TestSupport
import Testing

@testable import Collector

/// Imports of columns into a store.
@Suite struct ColumnImportTests {
    private static func line(_ number: Int, route: String = "r", startUs: Int64? = nil) -> String {
        let start = startUs ?? 1_790_000_000_000_000 + Int64(number) * 1_000
        return "{\"start_us\":\(start),\"duration_us\":\(number % 97),\"route\":\"\(route)\","
            + "\"host\":\"h\(number % 5)\",\"request\":\(number),\"outcome\":\"success\",\"method\":\"GET\"}\n"
    }

    private func importing(
        _ text: String, into store: AttemptStore, batch: Int = 131_072, chunkBytes: Int = 10_000
    ) throws -> ImportReport {
        var importer = AttemptImporter(format: .attempts)
        (importer.batchCount, importer.chunkBytes, importer.threads) = (batch, chunkBytes, 2)
        return try withTemporaryDirectory { folder in
            Array(text.utf8).withUnsafeBytes { bytes in
                let file = fopen(folder + "/in", "w")
                fwrite(bytes.baseAddress, 1, bytes.count, file)
                fclose(file)
            }
            return try importer.run(inputs: [.file(folder + "/in")], into: store)
        }
    }

    private func withStore(
        sealAfterRows: Int = AttemptStore.defaultSealAfterRows, _ body: (AttemptStore) throws -> Void
    ) throws {
        try withTemporaryDirectory { folder in
            try body(AttemptStore.open(path: folder + "/s.db", mode: .readWrite, sealAfterRows: sealAfterRows))
        }
    }

    private func count(_ sql: String, _ store: AttemptStore) throws -> Int64 {
        try store.read { (reader) throws(StoreError) in try reader.connection.integer(sql) }
    }

    @Test func `columns give the store what attempts give it`() throws {
        let text = (0..<5_000).map { Self.line($0, route: "r\($0 % 7)") }.joined()
        let plain = PlainReading(Array(text.utf8)).attempts
        try withStore { columns in
            try withStore { rows in
                let report = try importing(text, into: columns, batch: 2_000)
                #expect(report.attemptsImported == 5_000)
                try rows.append(plain)
                #expect(try columns.routes(fromUs: nil, toUs: nil) == rows.routes(fromUs: nil, toUs: nil))
                for route in 0..<7 {
                    let (one, other) = (
                        try columns.attempts(route: "r\(route)", fromUs: nil, toUs: nil),
                        try rows.attempts(route: "r\(route)", fromUs: nil, toUs: nil)
                    )
                    #expect(one == other)
                    #expect(one.count > 700)
                }
                #expect(columns.damage.isEmpty)
                // Two full batches, and 1,000 attempts that are too few for a segment.
                #expect(try count("SELECT count(*) FROM segment", columns) == 2)
                #expect(try count("SELECT count(*) FROM tail", columns) == 1_000)
            }
        }
    }

    @Test(arguments: [(1_023, 0, 1_023), (1_024, 1, 0), (3_000, 1, 0)])
    func `what is worth a segment is sealed at the end`(lines: Int, segments: Int64, tail: Int64) throws {
        try withStore { store in
            _ = try importing((0..<lines).map { Self.line($0) }.joined(), into: store)
            #expect(try count("SELECT count(*) FROM segment", store) == segments)
            #expect(try count("SELECT count(*) FROM tail", store) == tail)
        }
        try withStore { store in
            // Small batches, as an Envoy log gives them: through the tail.
            _ = try importing((0..<lines).map { Self.line($0) }.joined(), into: store, batch: 100)
            #expect(try count("SELECT count(*) FROM segment", store) == segments)
            #expect(try count("SELECT count(*) FROM tail", store) == tail)
        }
    }

    @Test func `only names of imported attempts become names of the store`() throws {
        let bad = Self.line(1, route: "bad").replacing("\"request\":1,", with: "\"request\":-1,")
        try withStore { store in
            let report = try importing((0..<2_000).map { Self.line($0) }.joined() + bad, into: store)
            #expect(report.rejects == 1)
            #expect(try count("SELECT count(*) FROM route", store) == 1)
            #expect(try count("SELECT count(*) FROM host", store) == 5)
        }
    }

    /// The store holds any part of the input, sealed or not, at any time before; twins included.
    @Test(arguments: SeededGenerator.seeds([1, 2, 3, 4]))
    func `a store that has a part of the input gets the rest`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pool = (0..<300).map { Self.line($0, startUs: 1_790_000_000_000_000 + Int64($0 % 60) * 100_000_000) }
        try withStore(sealAfterRows: 50) { store in
            var held: [String: Int] = [:]
            for _ in 0..<4 {
                let low = Int.random(in: 0..<200, using: &random)
                let input = (0..<Int.random(in: 0..<400, using: &random)).map { _ in
                    pool[Int.random(in: low..<low + 100, using: &random)]
                }
                let report = try importing(
                    input.joined(), into: store, batch: Int.random(in: 1...200, using: &random),
                    chunkBytes: Int.random(in: 1...5_000, using: &random))
                let counts = Dictionary(input.map { ($0, 1) }, uniquingKeysWith: +)
                let expected = counts.reduce(0) { $0 + max(0, $1.value - held[$1.key, default: 0]) }
                #expect(report.attemptsImported == expected, "\(random)")
                #expect(report.isClosed)
                held.merge(counts) { max($0, $1) }
            }
            let kept = try store.attempts(route: "r", fromUs: nil, toUs: nil)
            #expect(kept.count == held.values.reduce(0, +), "\(random)")
        }
    }

    @Test func `whole segments are imported once, and a log that has grown adds what has grown`() throws {
        let lines = (0..<9_000).map { Self.line($0) }
        try withStore { store in
            #expect(try importing(lines[..<5_000].joined(), into: store, batch: 2_000).attemptsImported == 5_000)
            let again = try importing(lines.joined(), into: store, batch: 2_000)
            #expect(again.attemptsImported == 4_000)
            #expect(again.attemptsAlreadyThere == 5_000)
            #expect(try store.attempts(route: "r", fromUs: nil, toUs: nil).count == 9_000)
        }
    }

    @Test func `a full disk stops the import, and the next one adds the rest`() throws {
        let text = (0..<40_000).map { Self.line($0, route: "r\($0 % 50)") }.joined()
        try withStore { store in
            let pages = try count("PRAGMA page_count", store)
            try store.limitPages(Int(pages) + 8)
            do {
                _ = try importing(text, into: store, batch: 4_096)
                Issue.record("forty thousand attempts in eight pages")
            } catch let error as ImportError {
                guard case .target(let imported, _) = error else { throw error }
                #expect(imported % 4_096 == 0)
                #expect(try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts } == imported)
            }
            try store.limitPages(1 << 20)
            _ = try importing(text, into: store, batch: 4_096)
            #expect(try store.routes(fromUs: nil, toUs: nil).reduce(0) { $0 + $1.attempts } == 40_000)
        }
    }

    @Test func `a store counts the identities that it is asked for, and no others`() throws {
        let text = (0..<3_000).map { Self.line($0 % 1_500) }.joined()
        let attempts = PlainReading(Array(text.utf8)).attempts
        try withStore(sealAfterRows: 1_000) { store in
            try store.append(Array(attempts[..<2_000]))
            try store.append(Array(attempts[2_000...].prefix(900)))
            let keys = attempts.map { $0.importKeys[0] }
            let wanted = Set(keys[100..<200] + keys[700..<710])
            let (fromUs, toUs) = (attempts[0].startUs, attempts[705].startUs)
            let expected = try store.fingerprints(fromUs: fromUs, toUs: toUs).filter { wanted.contains($0.key) }
            #expect(expected.count == 105)
            #expect(expected.values.allSatisfy { $0 == 2 })
            #expect(try store.importKeyCounts(of: wanted, fromUs: fromUs, toUs: toUs) == expected)
        }
    }

    @Test func `a store tells when it holds something, and a target in memory does not`() throws {
        #expect(try MemoryTarget().occupiedTimes() == nil)
        try withStore(sealAfterRows: 2) { store in
            #expect(try store.occupiedTimes() == [])
            try store.append([Attempt(startUs: 5, durationUs: 1, route: "r", outcome: .success)])
            #expect(try store.occupiedTimes() == [5...5])
            try store.append([
                Attempt(startUs: 90, durationUs: 1, route: "r", outcome: .success),
                Attempt(startUs: 70, durationUs: 1, route: "r", outcome: .success),
            ])
            #expect(try store.occupiedTimes() == [70...90, 5...5])
        }
    }
}
