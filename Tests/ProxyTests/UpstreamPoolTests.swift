import Glibc
import NIOCore
import NIOPosix
import Retry
import Testing

@testable import Proxy

/// Connections that wait for a request.
@Suite(.timeLimit(.minutes(1)))
struct UpstreamPoolTests {
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
        let listener = try BoundSocket.open(listens: true)
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
