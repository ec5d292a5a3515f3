import Retry
import TestSupport
import Testing

@testable import Collector

/// One byte of a store is changed, every one in turn: what is read afterwards is what was read before, or the store
/// says that something is wrong. A trap would end the test run.
///
/// `make test` takes a sample, `make crash` every byte; `MEANTIME_SEED` changes other bits of them.
@Suite struct FlippedByteTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }
    let attempts = Sample.attempts(200, seed: 81)

    init() throws { directory = try TemporaryDirectory(inMemory: true) }

    /// A store with something of everything.
    private func fill(_ store: AttemptStore) throws {
        // Of an hour long ago, which becomes history, and so does a note of missing attempts.
        var old = Sample.attempts(40, seed: 86, extremes: false)
        for index in old.indices { old[index].startUs = Int64(index) * 100_000_000 }
        try store.append(old + attempts[..<10])
        try store.recordDropped(count: 5, fromUs: 0, toUs: 0, reason: "long ago")
        _ = try store.prune(beforeUs: attempts[0].startUs)
        try store.append(Array(attempts[10..<90]))
        try store.seal()
        // Request numbers that go up: kept as a sequence.
        try store.append(Sample.attempts(60, seed: 84, extremes: false))
        try store.seal()
        try store.recordDropped(count: 3, fromUs: attempts[0].startUs, toUs: attempts[9].startUs, reason: "full")
        try store.recordDropped(count: 4, fromUs: attempts[90].startUs, toUs: attempts[99].startUs, reason: "closed")
        try recordRules(1...2, store)
        try store.append(Array(attempts[150..<170]))
    }

    /// Whether walks by route have something to keep in their temporary file.
    private func hasSequence() throws -> Bool {
        let store = try AttemptStore.open(path: path, mode: .readOnly)
        defer { store.close() }
        return try store.read { (reader) throws(StoreError) in
            for entry in try reader.segments(RowFilter()) {
                if let segment = try? reader.load(entry).get(), segment.isSequence(.request) { return true }
            }
            return false
        }
    }

    private func recordRules(_ versions: ClosedRange<Int>, _ store: AttemptStore) throws {
        for version in versions {
            try store.recordRuleSet(
                RuleSet(version: version, createdUs: 0, routes: [:]), yaml: "version: \(version)\n", who: "tune",
                why: "cheaper", atUs: 1)
        }
    }

    /// Puts every kind of transaction into the log of a store whose file holds all that was before.
    private func fillLog(_ store: AttemptStore) throws {
        try fill(store)
        // The next transaction shall not begin the log over its old frames.
        try store.setting("PRAGMA wal_checkpoint(TRUNCATE)")
        try store.append(Array(attempts[170..<180]))
        try store.seal()
        try store.recordDropped(count: 2, fromUs: attempts[20].startUs, toUs: attempts[30].startUs, reason: "full")
        try recordRules(3...3, store)
        try store.append(Array(attempts[180..<190]))
    }

    @Test(.timeLimit(.minutes(60))) func `no changed byte of a store gives another answer without a complaint`() throws
    {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try fill(store)
        store.close()
        #expect(try directory.names() == ["meantime.db"])
        #expect(try hasSequence())
        let truth = StoreAnswers(path: path)
        #expect(truth.complaints.isEmpty)
        let readers = QuestionsByByte(of: "meantime.db", size: fileBytes(path).count, in: directory, store: path)
        for seed in SeededGenerator.seeds([82]) {
            var flipped = FlippedBytes(path, of: path, readers: readers, seed: seed)
            flipped.walk(positions(in: flipped.bytes, seed), truth: [truth])
            #expect(flipped.wrong.isEmpty)
            #expect(flipped.noticed > 100)
        }
        let after = StoreAnswers(path: path)
        #expect(after.complaints.isEmpty && after.difference(from: [truth]) == nil)
    }

    @Test(.timeLimit(.minutes(60))) func `no changed byte of a log in use gives another answer without a complaint`()
        throws
    {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try fillLog(store)
        let log = path + "-wal"
        let truth = StoreAnswers(path: path)
        let size = fileBytes(log).count
        #expect(truth.complaints.isEmpty && size > 100_000)
        let readers = QuestionsByByte(of: "meantime.db-wal", size: size, in: directory, store: path)
        for seed in SeededGenerator.seeds([83]) {
            var flipped = FlippedBytes(log, of: path, readers: readers, seed: seed)
            flipped.walk(positions(in: flipped.bytes, seed), truth: [truth])
            #expect(flipped.wrong.isEmpty)
            #expect(flipped.noticed > 50)
        }
        store.close()
    }

    /// Of a log that a crash left, what was last cannot be told from what a power loss cut off: there the store may
    /// also be as it was one transaction before; or two, where the mark of the end of the one before is 0.
    @Test(.timeLimit(.minutes(60))) func `no changed byte of a log left by a crash loses more than its end`() throws {
        let living = directory.file("living.db")
        let store = try AttemptStore.open(path: living, mode: .readWrite)
        try fillLog(store)
        let earliest = try crash(living)
        try store.recordDropped(count: 6, fromUs: 1, toUs: 2, reason: "full")
        let (sure, before) = (fileBytes(living + "-wal").count, try crash(living))
        try store.append(Array(attempts[190...]))
        let truth = try crash(living)
        store.close()
        #expect([earliest, before, truth].allSatisfy { $0.complaints.isEmpty })
        #expect(truth.difference(from: [before]) != nil && before.difference(from: [earliest]) != nil)
        // In the head of the frame that ended the transaction before the last: the word that says that it did.
        let mark = sure - 8_216 + 4..<sure - 8_216 + 8
        for seed in SeededGenerator.seeds([85]) {
            var flipped = FlippedBytes(path + "-wal", of: path, seed: seed)
            let positions = positions(in: flipped.bytes, seed, share: 200)
            flipped.walk(positions.filter { $0 < sure && !mark.contains($0) }, truth: [truth])
            flipped.walk(positions.filter { mark.contains($0) }, truth: [truth, earliest])
            flipped.walk(positions.filter { $0 >= sure }, truth: [truth, before])
            #expect(flipped.wrong.isEmpty)
            #expect(flipped.noticed > 100)
        }
    }

    /// What a store answers whose machine went off now; its files are a copy of the living ones.
    private func crash(_ living: String) throws -> StoreAnswers {
        writeFile(fileBytes(living), to: path)
        writeFile(fileBytes(living + "-wal"), to: path + "-wal")
        return StoreAnswers(path: path)
    }

    /// Which bytes are changed: all; or the heads of all pages, and one in `share` of the others that are not 0.
    private func positions(in bytes: [UInt8], _ seed: UInt64, share: Int = 30) -> [Int] {
        if Thoroughness.isFull { return Array(bytes.indices) }
        var random = SeededGenerator(seed: seed)
        return bytes.indices.filter { at in
            let isHead = at < 100 || (at % 8_192 < 24 && at % 5 == 0)
            return isHead || (Int.random(in: 0..<share, using: &random) == 0 && bytes[at] != 0)
        }
    }
}
