import Glibc
import NIOCore

/// A socket bound to a free port of this machine, without an event loop: what it does is done when the call returns.
enum BoundSocket {
    /// - Parameter listens: whether connections are taken, or the port is only held.
    static func open(listens: Bool) throws -> (descriptor: CInt, port: Int) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let isBound = any.withSockAddr { bind(descriptor, $0, socklen_t($1)) == 0 }
        var address = [UInt8](repeating: 0, count: 128)
        var length = socklen_t(address.count)
        let isNamed = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) == 0 }
        }
        if !isBound || !isNamed || (listens && listen(descriptor, 8) != 0) {
            throw IOError(errnoCode: errno, reason: "no socket on a free port")
        }
        // An IPv4 address begins with its family, two bytes, and its port, in network order.
        return (descriptor, Int(address[2]) << 8 | Int(address[3]))
    }
}
