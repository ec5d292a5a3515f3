import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Collector

@Suite struct RejectFileTests {
    @Test(arguments: ["", "-wal", "-shm", "-journal"])
    func `malformed lines go neither into the store nor into its files, there or not`(suffix: String) throws {
        try withTemporaryDirectory { folder in
            let store = try AttemptStore.open(path: folder + "/store.db", mode: .readWrite)
            let before = try ImportSupport.bytes(folder + "/store.db")
            for path in ["\(folder)/store.db\(suffix)", "\(folder)/./store.db\(suffix)"] {
                let reason = "is the store or belongs to it; malformed lines need a file of their own"
                #expect(throws: ImportError.input(name: path, reason: reason)) {
                    try ImportSupport.withPipe(Array("{\n".utf8)) {
                        try AttemptImporter(format: .attempts, rejectPath: path)
                            .run(inputs: [.descriptor($0, name: "in")], into: store)
                    }
                }
            }
            #expect(try ImportSupport.bytes(folder + "/store.db") == before)
            #expect(access(folder + "/store.db-journal", F_OK) != 0)
        }
    }

    @Test func `nor do they go into any other file that is not theirs`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/notes"
            let importer = AttemptImporter(format: .attempts, rejectPath: path)
            func run() throws -> ImportReport {
                try ImportSupport.withPipe(Array("{\n".utf8)) {
                    try importer.run(inputs: [.descriptor($0, name: "in")], into: MemoryTarget())
                }
            }
            for text in ["a", "#rejects of mine\n"] {
                try Data(text.utf8).write(to: URL(filePath: path))
                #expect(
                    throws: ImportError.input(
                        name: path,
                        reason: "is no file of malformed lines (it does not begin with '#rejected '); "
                            + "give them another file")
                ) { try run() }
                #expect(try ImportSupport.bytes(path) == Array(text.utf8))
            }
            try Data().write(to: URL(filePath: path))
            #expect(try run().rejects == 1)
            #expect(try run().rejects == 1)
            #expect(try ImportSupport.lines(path).count == 2)
        }
    }
}
