import Glibc
import TestSupport
import Testing

@testable import Collector

/// A connection on which reading began and failed.
@Suite struct StoreReaderTests {
    @Test func `a reader that could not begin begins once the fault is gone`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("meantime.db")
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        try store.append(Sample.attempts(20, seed: 61, routes: 2))
        store.close()
        let reader = try StoreReader(path: path, cache: SegmentCache(limit: 1 << 20))
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let sound = fileBytes(path)[0]
        var byte = sound ^ 1
        #expect(pwrite(descriptor, &byte, 1, 0) == 1)
        for _ in 0..<2 {
            let error = #expect(throws: StoreError.self) { try reader.begin() }
            #expect(error?.message.contains("not a database") == true, "\(String(describing: error))")
        }
        byte = sound
        #expect(pwrite(descriptor, &byte, 1, 0) == 1)
        // SQLite keeps the page that it read for as long as nobody writes.
        let writer = try AttemptStore.open(path: path, mode: .readWrite)
        try writer.append(Sample.attempts(1, seed: 62, routes: 1))
        try reader.begin()
        #expect(try reader.names()[.route].count == 2)
        reader.end()
    }
}
