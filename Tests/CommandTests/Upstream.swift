import Foundation
import Glibc
import Synchronization
import Testing

/// A host on loopback, of itself one that answers every request with `200 ok` at once: blocking sockets, one thread a
/// connection.
final class Upstream: Sendable {
    let port: Int
    private let listener: Int32

    /// - Parameter serve: talks to a client until it leaves or is to be left.
    init(_ serve: @escaping @Sendable (_ client: Int32) -> Void = Upstream.agree) throws {
        (listener, port) = try TCP.listen()
        let descriptor = listener
        Thread.detachNewThread {
            while true {
                let client = accept(descriptor, nil, nil)
                if client < 0 { return }
                Thread.detachNewThread {
                    defer { close(client) }
                    serve(client)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    static func agree(_ client: Int32) {
        while TCP.readHead(client) != nil {
            guard TCP.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", to: client) else { return }
        }
    }
}

/// Just enough of HTTP over a blocking socket for a client and a host in a test.
enum TCP {
    /// A socket that listens on a free port of the loopback.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) + Glibc.listen(descriptor, 128)
                    + getsockname(descriptor, pointer, &length)
            }
        }
        try #require(result == 0)
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// The number after these words.
    static func port(after words: String, in line: String) -> Int? {
        guard let range = line.range(of: words) else { return nil }
        return Int(line[range.upperBound...].prefix { $0.isNumber })
    }

    /// One sample of `/metrics` by its name without labels.
    static func metric(_ name: String, port: Int) -> Int? {
        let lines = get("/metrics", port: port)?.split(whereSeparator: \.isNewline) ?? []
        return lines.first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }.map { Int($0) }
    }

    /// The whole answer to one request on a connection of its own; `nil` when nobody listens or the peer went away.
    static func get(_ path: String, port: Int) -> String? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0,
            write("GET \(path) HTTP/1.1\r\nHost: test.local\r\nConnection: close\r\n\r\n", to: descriptor)
        else { return nil }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0 { return nil }
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            answer += chunk[..<count]
        }
    }

    static func readHead(_ descriptor: Int32) -> String? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) == 1 {
            head.append(byte)
            if head.suffix(4) == [13, 10, 13, 10] { return String(decoding: head, as: UTF8.self) }
        }
        return nil
    }

    static func write(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return address
    }
}
