import Collector
import Glibc
import Retry

/// The store as an import's target: made with the first attempts, so that an import that fails before leaves no store.
final class ImportStore: ImportTarget {
    private let path: String
    private var store: AttemptStore?

    /// - Throws: `StoreError` when there is something else at the path, or it could not be made.
    init(path: String) throws(StoreError) {
        self.path = path
        if StoreFile.exists(path) {
            store = try AttemptStore.open(path: path, mode: .readWrite)
            return
        }
        let directory = AtomicFile.directory(of: path)
        guard access(directory, W_OK | X_OK) == 0 else {
            throw StoreError(
                .cannotOpen, path: path,
                "cannot be made: \(SystemError.text(errno)); the directory '\(directory)' must exist and be writable")
        }
    }

    deinit { store?.close() }

    func append(_ attempts: [Attempt]) throws {
        try columnStore()?.append(attempts)
    }

    /// Held over the whole import, also while there is no store yet. One that another import has made meanwhile is
    /// taken.
    func lockImports() throws -> ImportLock? {
        let lock = try ImportLock(store: path)
        if store == nil && StoreFile.exists(path) { store = try AttemptStore.open(path: path, mode: .readWrite) }
        return lock
    }

    func occupiedTimes() throws -> [ClosedRange<Int64>]? {
        guard let store else { return [] }
        return try store.occupiedTimes()
    }

    func columnStore() throws -> AttemptStore? {
        let opened = try store ?? AttemptStore.open(path: path, mode: .readWrite)
        store = opened
        return opened
    }

    func finishImport() throws { try store?.finishImport() }

    var reservedPaths: [String] { AttemptStore.files(path: path) }

    func fingerprints(fromUs: Int64, toUs: Int64) throws -> [UInt64: Int] {
        try store?.fingerprints(fromUs: fromUs, toUs: toUs) ?? [:]
    }
}
