import Retry
import TestSupport
import Testing

@testable import Collector

/// SQLite finds rows by the keys in a page's cells and does not hold them against the rows: behind a damaged key a
/// search ends elsewhere, while a walk over all rows still meets each of them once.
@Suite struct DamagedKeyTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    @Test(.timeLimit(.minutes(2))) func `no row of the tail is sealed twice behind a damaged key`() throws {
        let attempts = Sample.attempts(4_000, seed: 51)
        do {
            let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 100_000)
            defer { store.close() }
            for start in stride(from: 0, to: attempts.count, by: 500) {
                try store.append(Array(attempts[start..<start + 500]))
            }
        }
        let connection = try Connection(path: path, access: .readWrite)
        _ = try connection.integer("PRAGMA wal_checkpoint(TRUNCATE)")
        let (pageSize, root) = (8_192, try connection.integer("SELECT rootpage FROM sqlite_schema WHERE name = 'tail'"))
        let sound = fileBytes(path)
        let page = (Int(root) - 1) * pageSize
        // An interior page of a table (https://sqlite.org/fileformat2.html#b_tree_pages): cells of a page and a key.
        #expect(sound[page] == 5)
        let cells = Int(sound[page + 3]) << 8 | Int(sound[page + 4])
        var random = SeededGenerator(seed: 52)
        for cell in 0..<cells {
            let pointer = page + 12 + 2 * cell
            let key = page + (Int(sound[pointer]) << 8 | Int(sound[pointer + 1])) + 4
            for at in [key, key + 1] {
                var bytes = sound
                bytes[at] ^= 1 << UInt8.random(in: 0..<7, using: &random)
                try sealed(bytes, of: attempts.count, "cell \(cell), byte \(at - key)")
            }
        }
        #expect(cells > 10)
    }

    /// Seals a store of these bytes: every attempt is there once, or known to be missing.
    private func sealed(_ bytes: [UInt8], of count: Int, _ place: String) throws {
        let copy = try TemporaryDirectory()
        let path = copy.file("meantime.db")
        writeFile(bytes, to: path)
        let store = try AttemptStore.open(path: path, mode: .readWrite, sealAfterRows: 100_000)
        defer { store.close() }
        do throws(StoreError) {
            try store.seal()
        } catch {
            #expect([.damaged, .sql, .io].contains(error.code), "\(place): \(error)")
            return
        }
        var seen: Set<Attempt> = []
        var rows = 0
        try store.scan { columns in
            for row in 0..<columns.count { seen.insert(columns[row]) }
            rows += columns.count
        }
        #expect(rows == seen.count, "\(place): sealed twice")
        #expect(try rows + store.missingAttempts(fromUs: nil, toUs: nil) == count, "\(place)")
    }
}
