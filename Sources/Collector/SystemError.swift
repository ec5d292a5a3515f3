import Glibc

/// What the system says of its last refusal.
enum SystemError {
    static func last() -> String { String(cString: strerror(errno)) }
}
