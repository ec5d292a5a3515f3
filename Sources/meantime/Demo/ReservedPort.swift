import Glibc

/// A free TCP port of 127.0.0.1 that stays ours while this value lives.
///
/// A socket is bound to it and never listens. Linux lets a second socket with `SO_REUSEADDR` bind and listen there,
/// but gives the port to no outgoing connection: a host that is gone for a second finds its port free when it comes
/// back.
final class ReservedPort: Sendable {
    let port: Int
    private let descriptor: CInt

    init() throws(Failure) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw Failure("127.0.0.1", "no socket for a demo host: \(SystemError.text(errno))")
        }
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard isBound else {
            let reason = SystemError.text(errno)
            close(descriptor)
            throw Failure("127.0.0.1", "no free port for a demo host: \(reason)")
        }
    }

    deinit { close(descriptor) }
}
