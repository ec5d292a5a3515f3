import Glibc
import Synchronization

/// What makes two paths the same file.
struct FileIdentity: Hashable, Sendable {
    private var device: UInt
    private var number: UInt

    /// `nil` when there is no file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
    }
}

/// The files that this process has open as stores.
///
/// POSIX drops all locks of a process on a file when it closes any descriptor of it. A look at the first bytes of a
/// store that is open already would so take its locks away, and another process could remove the write-ahead log under
/// it (https://sqlite.org/howtocorrupt.html, section 2.2). Such a file is looked at by way of SQLite alone.
enum OpenStores {
    private static let counts = Mutex<[FileIdentity: Int]>([:])

    /// That a file is open; ends with `end`, or with the value.
    final class Registration: Sendable {
        private let identity: Mutex<FileIdentity?>

        fileprivate init(_ identity: FileIdentity?) { self.identity = Mutex(identity) }

        deinit { end() }

        func end() {
            let ended = identity.withLock { identity in
                defer { identity = nil }
                return identity
            }
            guard let ended else { return }
            OpenStores.counts.withLock { counts in
                let left = (counts[ended] ?? 1) - 1
                counts[ended] = left > 0 ? left : nil
            }
        }
    }

    /// Registers a file: as it is when it is open here already, otherwise after a look at its first bytes, and after
    /// it was made when there is no store.
    ///
    /// Others who would register wait meanwhile, so that nobody looks at the bytes of a file that is being made here.
    ///
    /// - Parameters:
    ///   - inspect: tells whether there is a store.
    ///   - make: makes one and closes it again; `nil`: it must be there.
    /// - Returns: `nil` when there is none.
    static func register(
        path: String, inspect: () throws(StoreError) -> Bool, make: (() throws(StoreError) -> Void)? = nil
    ) throws(StoreError) -> Registration? {
        try counts.withLock { (counts) throws(StoreError) in
            if let identity = FileIdentity(path: path), let count = counts[identity] {
                counts[identity] = count + 1
                return Registration(identity)
            }
            if try !inspect() {
                guard let make else { return nil }
                try make()
            }
            guard let identity = FileIdentity(path: path) else { return nil }
            counts[identity, default: 0] += 1
            return Registration(identity)
        }
    }
}
