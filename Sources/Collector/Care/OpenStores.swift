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

    /// Inspects a file's first bytes and registers it, or registers it alone when it is open here already.
    ///
    /// - Parameter inspect: tells whether there is a store; nobody else registers meanwhile.
    /// - Returns: whether there is a store, and the registration, which a store to be made gets by `register`.
    static func inspect(
        path: String, _ inspect: () throws(StoreError) -> Bool
    ) throws(StoreError) -> (exists: Bool, registration: Registration?) {
        try counts.withLock { (counts) throws(StoreError) in
            if let identity = FileIdentity(path: path), let count = counts[identity] {
                counts[identity] = count + 1
                return (true, Registration(identity))
            }
            guard try inspect(), let identity = FileIdentity(path: path) else { return (false, nil) }
            counts[identity] = 1
            return (true, Registration(identity))
        }
    }

    /// Registers a file that was just made.
    static func register(path: String) -> Registration {
        guard let identity = FileIdentity(path: path) else { return Registration(nil) }
        counts.withLock { $0[identity, default: 0] += 1 }
        return Registration(identity)
    }
}
