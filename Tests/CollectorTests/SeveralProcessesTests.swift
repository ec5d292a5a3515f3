import Retry
import TestSupport
import Testing

@testable import Collector

/// Several processes on one store at the same time.
@Suite struct SeveralProcessesTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func counts(writers: Int) throws -> [Int] {
        let store = try AttemptStore.open(path: path, mode: .readOnly)
        let routes = try store.routes(fromUs: nil, toUs: nil)
        return try WriterAttempts.counts(
            routes.map { try store.attempts(route: $0.route, fromUs: nil, toUs: nil) }, writers: writers)
    }

    private func expectDone(_ child: StoreChild, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        let (code, output, errors) = child.finish()
        #expect(code == 0 && errors == "", "\(errors)", sourceLocation: sourceLocation)
        return output
    }

    @Test func `two writers, a reader and a compaction share a store, and every attempt is there once, in order`()
        throws
    {
        let batches = 120
        // Sealed often and at odd numbers: both writers seal the other's rows too, and many small segments come about.
        let writers = try (0..<2).map {
            try StoreChild(["write", path, "\($0)", "0", "\(batches)", "50", "\(900 + $0)"])
        }
        let reader = try StoreChild(["read", path, "2"])
        for writer in writers { #expect(expectDone(writer).hasSuffix("ack \(batches * 50)\n")) }
        let compaction = try StoreChild(["compact", path, "2"])
        _ = expectDone(compaction)
        reader.endInput()
        let seen = expectDone(reader).split(separator: " ").map { $0.filter { !$0.isNewline } }
        #expect(seen.first == "seen" && Int(seen[1])! > 0)
        #expect(seen.dropFirst(2) == ["\(batches * 50)", "\(batches * 50)"])
        #expect(try counts(writers: 2) == [batches * 50, batches * 50])
        let check = try AttemptStore.open(path: path, mode: .readOnly).checkEverything()
        #expect(check.isSound, "\(check.findings)")
        #expect(check.segmentAttempts + check.tailAttempts == 2 * batches * 50)
    }

    @Test func `four processes that make the same store at once make one`() throws {
        for round in 0..<5 {
            let path = directory.file("round-\(round).db")
            let children = try (0..<4).map { try StoreChild(["write", path, "\($0)", "0", "3", "10", "25"]) }
            for child in children { #expect(expectDone(child) == "ack 10\nack 20\nack 30\n") }
            let store = try AttemptStore.open(path: path, mode: .readOnly)
            let routes = try store.routes(fromUs: nil, toUs: nil)
            let columns = try routes.map { try store.attempts(route: $0.route, fromUs: nil, toUs: nil) }
            #expect(try WriterAttempts.counts(columns, writers: 4) == [30, 30, 30, 30])
            #expect(try store.checkEverything().isSound)
        }
    }

    @Test func `names that two processes add are told apart by one table`() throws {
        // Two open stores in one process are two writers with their own memory of the names.
        let first = try AttemptStore.open(path: path, mode: .readWrite)
        let second = try AttemptStore.open(path: path, mode: .readWrite)
        for step in 0..<20 {
            let (one, other) = step % 2 == 0 ? (first, second) : (second, first)
            try one.append(WriterAttempts.attempts(writer: 0, step * 100..<step * 100 + 100))
            try other.append(WriterAttempts.attempts(writer: 1, step * 100..<step * 100 + 100))
            if step % 5 == 4 { try one.seal() }
        }
        #expect(try counts(writers: 2) == [2_000, 2_000])
        #expect(try first.checkEverything().isSound)
    }

    @Test func `the check of writers' attempts notices what is lost, doubled, changed or out of order`() throws {
        let good = WriterAttempts.attempts(writer: 0, 0..<30)
        func counts(_ attempts: [Attempt]) throws -> [Int] {
            let routes = Dictionary(grouping: attempts, by: \.route)
            return try WriterAttempts.counts(
                routes.map { AttemptColumns(route: $0.key, attempts: $0.value) }, writers: 1)
        }
        #expect(try counts(good) == [30])
        #expect(throws: WriterFault.self) { try counts(good.filter { $0.request != 7 }) }
        #expect(throws: WriterFault.self) { try counts(good + [good[3]]) }
        var changed = good
        changed[5].durationUs += 1
        #expect(throws: WriterFault.self) { try counts(changed) }
        var columns = AttemptColumns(route: good[0].route, attempts: good.filter { $0.route == good[0].route })
        columns.startUs.reverse()
        #expect(throws: WriterFault.self) { try WriterAttempts.counts([columns], writers: 1) }
    }
}
