import Glibc
import Testing

@testable import Collector

/// What is refused before it is opened, and that refusing leaves the disk as it was.
@Suite struct StoreSchemaTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func expectRefusal(_ code: StoreError.Code, _ message: String, mode: AttemptStore.Mode) throws {
        let names = try directory.names()
        let before = names.map { fileBytes(directory.file($0)) }
        #expect(throws: StoreError(code, path: path, message)) { try AttemptStore.open(path: path, mode: mode) }
        #expect(try directory.names() == names)
        #expect(names.map { fileBytes(directory.file($0)) } == before)
    }

    @Test func `a missing store is refused for reading and made for writing`() throws {
        let message = "there is no store; a proxy or `meantime import` makes one"
        try expectRefusal(.notFound, message, mode: .readOnly)
        writeFile([], to: path)
        try expectRefusal(.notFound, message, mode: .readOnly)
        let made = try AttemptStore.open(path: path, mode: .readWrite)
        #expect(try made.routes(fromUs: nil, toUs: nil).isEmpty)
        let reader = try AttemptStore.open(path: path, mode: .readOnly)
        #expect(throws: StoreError.self) { try reader.append(Sample.attempts(1, seed: 1)) }
    }

    @Test(arguments: [AttemptStore.Mode.readOnly, .readWrite])
    func `what is not SQLite is refused`(mode: AttemptStore.Mode) throws {
        for text in ["x", String(repeating: "hello ", count: 100), "SQLite format 3"] {
            writeFile(Array(text.utf8), to: path)
            try expectRefusal(.notAStore, "is not a store: not a SQLite file", mode: mode)
        }
    }

    @Test(arguments: [AttemptStore.Mode.readOnly, .readWrite], ["", "PRAGMA journal_mode = WAL;"])
    func `another application's SQLite file is refused`(mode: AttemptStore.Mode, journal: String) throws {
        do {
            let other = try Connection(path: path, access: .create)
            try other.execute("\(journal) PRAGMA application_id = 7; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        }
        try expectRefusal(.notAStore, "is not a store: a SQLite file of another application", mode: mode)
    }

    @Test(arguments: [AttemptStore.Mode.readOnly, .readWrite])
    func `a store of a newer version is refused`(mode: AttemptStore.Mode) throws {
        try AttemptStore.open(path: path, mode: .readWrite).close()
        do {
            try Connection(path: path, access: .readWrite).execute("PRAGMA user_version = \(StoreSchema.version + 1)")
        }
        try expectRefusal(
            .newerVersion,
            "was written by a newer Meantime (store format \(StoreSchema.version + 1), "
                + "this one reads up to \(StoreSchema.version)); upgrade",
            mode: mode)
    }

    @Test func `a newer version that stands only in the write-ahead log is refused`() throws {
        try AttemptStore.open(path: path, mode: .readWrite).close()
        let newer = try Connection(path: path, access: .readWrite)
        try newer.execute("PRAGMA user_version = \(StoreSchema.version + 1)")
        #expect(fileBytes(path)[60..<64].elementsEqual([0, 0, 0, UInt8(StoreSchema.version)]))
        for mode in [AttemptStore.Mode.readOnly, .readWrite] {
            #expect {
                try AttemptStore.open(path: path, mode: mode)
            } throws: {
                ($0 as? StoreError)?.code == .newerVersion
            }
        }
    }

    @Test func `a directory, and a path below nothing, are refused`() throws {
        mkdir(path, 0o755)
        defer { rmdir(path) }
        #expect(throws: StoreError(.notAStore, path: path, "is not a file; a store is one SQLite file")) {
            try AttemptStore.open(path: path, mode: .readWrite)
        }
        let below = "\(path)/none/meantime.db"
        #expect(throws: StoreError(.cannotOpen, path: below, "cannot be made: there is no directory \(path)/none")) {
            try AttemptStore.open(path: below, mode: .readWrite)
        }
        #expect(throws: StoreError.self) { try AttemptStore.open(path: "/proc/meantime.db", mode: .readWrite) }
    }

    @Test func `a store cut short is refused or read as damaged, never as empty`() throws {
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(2_000, seed: 4))
        try store.seal()
        store.close()
        let bytes = fileBytes(path)
        for share in [1, 2, 3] {
            writeFile(Array(bytes[..<(bytes.count * share / 4)]), to: path)
            #expect(throws: StoreError.self) {
                let half = try AttemptStore.open(path: path, mode: .readOnly)
                let damage = try half.check()
                if !damage.isEmpty { throw StoreError(.damaged, path: path, "\(damage)") }
            }
        }
    }
}
