import Glibc

/// Results on stdout: buffered, and a full disk or a closed pipe is an error, not a shorter result.
struct Output: ~Copyable {
    private var buffer: [UInt8] = []
    private static let capacity = 64 * 1024

    init() { buffer.reserveCapacity(Self.capacity) }

    mutating func write(_ text: String) throws(Failure) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.capacity { try flush() }
    }

    mutating func flush() throws(Failure) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(Terminal.output, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { throw Failure("stdout", "cannot be written: \(SystemError.text(errno))") }
            rest = rest.dropFirst(count)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// A whole result at once.
    static func print(_ text: String) throws(Failure) {
        var output = Output()
        try output.write(text)
        try output.flush()
    }
}
