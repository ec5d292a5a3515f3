import Glibc
import NIOCore
import NIOPosix
import Retry
import Testing

@testable import Proxy

/// Connections that wait for a request.
@Suite(.timeLimit(.minutes(1)))
struct UpstreamPoolTests {
    /// A listening socket without an event loop: what it does is done when the call returns.
    private struct Listener {
        let descriptor: CInt
        let port: Int

        init() throws {
            descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let socket = descriptor
            let failed = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, length) != 0 || listen(socket, 8) != 0 || getsockname(socket, $0, &length) != 0
                }
            }
            if failed { throw IOError(errnoCode: errno, reason: "no listening socket") }
            port = Int(UInt16(bigEndian: address.sin_port))
        }
    }

    private final class Parts {
        let pool: UpstreamPool
        let host: UpstreamHost

        init(loop: any EventLoop, port: Int) throws {
            let table = try RouteTable([.init(name: "r", hosts: ["127.0.0.1:\(port)"])])
            host = table.hosts[0]
            pool = UpstreamPool(loop: loop, hosts: 1, limits: ProxyLimits())
        }
    }

    @Test("A connection whose host closed it a moment ago, unseen by the event loop, is not handed out")
    func closedUnseen() async throws {
        let listener = try Listener()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let parts = try await loop.submit {
            NIOLoopBound(try Parts(loop: loop, port: listener.port), eventLoop: loop)
        }.get()
        for closes in [false, true] {
            let connected = loop.makePromise(of: Void.self)
            loop.execute {
                parts.value.pool.connect(parts.value.host) { opened in
                    if case .connection(let connection) = opened { connection.park() }
                    connected.succeed()
                }
            }
            try await connected.futureResult.get()
            let peer = accept(listener.descriptor, nil, nil)
            let isTaken = try await loop.submit { () -> Bool in
                #expect(parts.value.host.idleConnections.value == 1)
                // The FIN is in the kernel when `close` returns; the loop cannot see it before this closure does.
                if closes { close(peer) }
                let taken = parts.value.pool.takeIdle(parts.value.host)
                taken?.close()
                return taken != nil
            }.get()
            #expect(isTaken != closes)
            if !closes { close(peer) }
        }
        try await loop.submit { parts.value.pool.close() }.get()
        close(listener.descriptor)
    }
}
