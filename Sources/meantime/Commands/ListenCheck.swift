import Glibc
import Retry

/// Whether the proxy could listen where its configuration says, tried before anything is opened or logged: a start that
/// cannot succeed is one line on stderr.
struct ListenCheck {
    /// The configuration's file and its text, to say where.
    var file: String
    var text: String

    func check(_ configuration: Configuration) throws {
        let (listen, admin) = (Address(configuration.listen), Address(configuration.admin))
        if let listen, let admin, listen.meets(admin) {
            throw refusal("admin", "\(admin.text) is where listen is too; choose another port for one of them")
        }
        if let listen { try probe(listen, key: "listen") }
        if let admin { try probe(admin, key: "admin") }
    }

    private struct Address {
        var text: String
        var host: String
        var port: String

        init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":") else { return nil }
            self.text = text
            port = String(text[text.index(after: colon)...])
            host = String(text[..<colon].filter { $0 != "[" && $0 != "]" })
        }

        /// Port 0 is a free one each time.
        func meets(_ other: Address) -> Bool {
            let everywhere: Set = ["0.0.0.0", "::"]
            let isSameHost = host == other.host || everywhere.contains(host) || everywhere.contains(other.host)
            return isSameHost && port == other.port && port != "0"
        }
    }

    private func probe(_ address: Address, key: String) throws(FileError) {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, address.port, &hints, &found) == 0, let first = found else {
            throw refusal(
                key, "'\(address.host)' is no address of a machine; write one of this machine's, such as 127.0.0.1")
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(first.pointee.ai_family, first.pointee.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        let isBound = bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0
        let number = errno
        close(descriptor)
        if !isBound { throw refusal(key, Self.reason(number, address)) }
    }

    private static func reason(_ number: CInt, _ address: Address) -> String {
        switch number {
        case EADDRINUSE: "\(address.text) is in use by another process; stop it, or choose another port"
        case EACCES: "not allowed to listen on \(address.text); choose a port above 1023"
        case EADDRNOTAVAIL: "\(address.host) is no address of this machine; write one, such as 127.0.0.1 or 0.0.0.0"
        default: "cannot listen on \(address.text): \(SystemError.text(number))"
        }
    }

    private func refusal(_ key: String, _ reason: String) -> FileError {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let place = lines.firstIndex { $0.hasPrefix(key + ":") }
        return FileError(file: file, line: place.map { $0 + 1 }, reason: "\(key): \(reason)")
    }
}
