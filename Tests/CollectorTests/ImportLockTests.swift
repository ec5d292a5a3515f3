import Retry
import Testing

@testable import Collector

@Suite struct ImportLockTests {
    let directory: TemporaryDirectory
    var path: String { directory.file("meantime.db") }

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ attempts: [Attempt]) -> String {
        writeFile(attempts.flatMap { Array(UnsavedFile.line($0).utf8) }, to: directory.file("log"))
        return directory.file("log")
    }

    @Test func `a second import at the same time is refused and adds nothing`() throws {
        let log = write(Sample.attempts(500, seed: 71, extremes: false))
        var importer = AttemptImporter(format: .attempts)
        importer.batchCount = 100
        let second = importer
        let store = try AttemptStore.open(path: path, mode: .readWrite)
        let other = try AttemptStore.open(path: path, mode: .readWrite)
        var refusals: [String] = []
        let report = try importer.run(inputs: [.file(log)], into: store) { _ in
            // The first import is not over while it tells of its progress.
            do throws(ImportError) {
                _ = try second.run(inputs: [.file(log)], into: other)
            } catch {
                refusals.append("\(error)")
            }
        }
        let refusal = "\(path): another import into this store is under way; try again after it; nothing was imported"
        #expect(refusals == [refusal])
        #expect(report.attemptsImported == 500)
        let again = try importer.run(inputs: [.file(log)], into: other)
        #expect(again.attemptsImported == 0 && again.attemptsAlreadyThere == 500)
        #expect(try store.query("SELECT count(*) FROM attempts").rows == [[.integer(500)]])
        #expect(try !directory.names().contains("meantime.db.import-lock"))
    }

    @Test func `a lock is free again when its holder goes, and locks of two stores do not meet`() throws {
        let another = try ImportLock(store: directory.file("other.db"))
        for _ in 0..<3 {
            let lock = try ImportLock(store: path)
            #expect(throws: StoreError.self) { try ImportLock(store: path) }
            withExtendedLifetime(lock) {}
        }
        withExtendedLifetime(another) {}
        #expect(throws: StoreError.self) { try ImportLock(store: directory.file("none/meantime.db")) }
    }
}
