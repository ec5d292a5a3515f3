import Testing

@testable import Collector

/// What SQLite would forget without a word is found before it does.
@Suite struct WriteAheadLogTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory(inMemory: true) }

    /// The log of a store that was not closed, with where each of its transactions ends.
    private func crashedStore() throws -> (log: [UInt8], ends: [Int]) {
        let living = directory.file("living.db")
        let store = try AttemptStore.open(path: living, mode: .readWrite, sealAfterRows: 50)
        var ends: [Int] = []
        for batch in 0..<4 {
            try store.append(Sample.attempts(20, seed: UInt64(batch), routes: 2))
            ends.append(fileBytes(living + "-wal").count)
        }
        writeFile(fileBytes(living), to: path)
        return (fileBytes(living + "-wal"), ends)
    }

    private func damage(_ log: [UInt8]) -> WriteAheadLog.Damage? {
        log.withUnsafeBytes { WriteAheadLog.damage(in: $0) }
    }

    @Test func `a log cut off anywhere, or with its last transaction torn, is no damage`() throws {
        let (log, ends) = try crashedStore()
        #expect(damage(log) == nil)
        for end in stride(from: 0, to: log.count, by: 97) { #expect(damage(Array(log[..<end])) == nil) }
        for at in stride(from: ends[2], to: log.count, by: 211) {
            var torn = log
            torn[at] ^= 0xFF
            #expect(damage(torn) == nil, "byte \(at)")
        }
    }

    @Test func `a byte changed in an earlier transaction is damage, and what came before it is kept`() throws {
        let (log, ends) = try crashedStore()
        // The last frame of the transaction before the last: whether it was a commit, its own head says.
        let sure = ends[2] - 24 - 8_192
        for at in Array(0..<32) + Array(stride(from: 32, to: sure, by: 61)) + Array(sure + 8..<sure + 24)
            + Array(sure + 24..<ends[2]).filter({ $0 % 31 == 0 })
        {
            var damaged = log
            damaged[at] ^= 0xFF
            let result = damage(damaged)
            let found = try #require(result, "byte \(at)")
            #expect(found.offset <= at && found.soundEnd <= found.offset, "byte \(at)")
            #expect([0, 32].contains(found.soundEnd) || ends.contains(found.soundEnd))
        }
    }

    @Test func `a store with a damaged log is refused, in one line that says how to go on`() throws {
        var (log, ends) = try crashedStore()
        log[ends[1] - 100] ^= 1
        writeFile(log, to: path + "-wal")
        for mode in [AttemptStore.Mode.readOnly, .readWrite] {
            do {
                _ = try AttemptStore.open(path: path, mode: mode)
                Issue.record("not refused")
            } catch {
                #expect(error.code == .damaged && error.path == path + "-wal")
                #expect(error.message.contains("truncate -s \(ends[0]) "), "\(error)")
            }
        }
        #expect(fileBytes(path + "-wal") == log)
        writeFile(Array(log[..<ends[0]]), to: path + "-wal")
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try store.scan { _ in } == ScanReport(rows: 20, damage: []))
    }
}
