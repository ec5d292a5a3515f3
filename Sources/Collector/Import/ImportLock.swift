import Glibc

/// Keeps imports into one store apart: two at once would each ask what is there before the other adds it, and both add
/// it. Held until the value goes, also when the process dies.
///
/// It is a lock (flock) on an empty file beside the store, which is removed at the end.
public final class ImportLock {
    private let path: String
    private let descriptor: Int32

    /// Takes the lock of the store at `store`, which need not exist yet.
    ///
    /// - Throws: `StoreError` `busy` when another import holds it, `cannotOpen` when the file cannot be made.
    public init(store: String) throws(StoreError) {
        path = store + ".import-lock"
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else {
                throw StoreError(.cannotOpen, path: path, "cannot be made: \(SystemError.last())")
            }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                throw StoreError(.busy, path: store, "another import into this store is under way; try again after it")
            }
            if Self.isStill(file, at: path) {
                descriptor = file
                return
            }
            // Its last holder removed it between the opening and the locking.
            close(file)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    private static func isStill(_ file: Int32, at path: String) -> Bool {
        var mine = stat()
        var there = stat()
        return fstat(file, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev
            && mine.st_ino == there.st_ino
    }
}
