import FoundationEssentials
import TestSupport
import Testing

@testable import Collector

/// Reading where the directory cannot be written. Rights do not stop root, so the decision and the way are tested
/// apart.
@Suite struct ReadAccessTests {
    @Test func `who can write beside the store reads it as ever`() {
        for walBytes in [nil, 0, 4096] as [Int64?] {
            for hasSharedMemory in [false, true] {
                #expect(
                    ReadAccess.choose(
                        directoryIsWritable: true, walBytes: walBytes, hasSharedMemory: hasSharedMemory) == .ordinary)
            }
        }
    }

    @Test(
        arguments: [
            (nil, false, ReadAccess.immutable), (nil, true, .immutable), (0, false, .immutable), (0, true, .ordinary),
            (4096, true, .ordinary), (4096, false, .refused),
        ] as [(Int64?, Bool, ReadAccess)])
    func `who cannot reads what is at rest, or by way of the writer's files`(
        walBytes: Int64?, hasSharedMemory: Bool, expected: ReadAccess
    ) {
        #expect(
            ReadAccess.choose(directoryIsWritable: false, walBytes: walBytes, hasSharedMemory: hasSharedMemory)
                == expected)
    }

    @Test(arguments: ["store.db", "a?b#c%20 &é.db"])
    func `a store at rest is read without any file beside it`(name: String) throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/" + name
            let store = try AttemptStore.open(path: path, mode: .readWrite)
            try store.append(Sample.attempts(100, seed: 1))
            store.close()
            let connection = try Connection(path: path, access: .immutable)
            #expect(try connection.integer("SELECT count(*) FROM tail") == 100)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [name])
            #expect(throws: StoreError.self) { try connection.execute("DELETE FROM tail") }
        }
    }
}
