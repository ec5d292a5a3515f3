import Glibc
import NIOCore
import NIOPosix

/// What the machine lends a process and clients and hosts use up together: file descriptors, and ports to connect from.
enum Descriptors {
    /// Kept for what is no client and no host: the admin port, the store, the event loops, files.
    static let reserve = 128

    /// Raises this process's limit as far as it may go.
    ///
    /// - Returns: the limit that holds now.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? limit.rlim_cur : before)
    }

    /// How many client connections there can be: each may need another one to a host.
    static func connections(wanted: Int, descriptors: Int) -> Int {
        max(1, min(wanted, descriptors / 2 - reserve))
    }

    /// Whether a connection failed for want of something here, which says nothing of the host.
    static func areExhausted(_ error: any Error) -> Bool {
        if let error = error as? IOError {
            return [EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL].contains(error.errnoCode)
        }
        // A name with several addresses: one that refused is an answer.
        guard let error = error as? NIOConnectionError, !error.connectionErrors.isEmpty else { return false }
        return error.connectionErrors.allSatisfy { areExhausted($0.error) }
    }
}
