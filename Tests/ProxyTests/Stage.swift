import Logging
import NIOCore
import NIOEmbedded
import Retry

@testable import Proxy

/// One client connection and its hosts on an embedded event loop: no socket, no thread, and time passes only when told.
final class Stage {
    let loop = EmbeddedEventLoop()
    let sink = KeepingSink()
    let core: ProxyCore
    let client: EmbeddedChannel
    private let pool: UpstreamPool
    private let opened: Opened

    /// Connections that were asked for.
    final class Opened {
        var promises: [EventLoopPromise<any Channel>] = []
        var hosts: [String] = []
        /// Channels that are there before they are asked for.
        var ready: [EmbeddedChannel] = []
    }

    init(rule: Rule, hosts: [String] = ["h1:1", "h2:2"], limits: ProxyLimits = ProxyLimits()) throws {
        core = ProxyCore(
            table: try RouteTable([RouteConfiguration(name: "r", hosts: hosts)]), limits: limits, sink: sink,
            logger: Logger(label: "t") { _ in KeepingLog() }, firstRequest: 1, wallUs: { 1_000_000_000_000 })
        core.rules.put(RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: rule)]))
        let opened = Opened()
        self.opened = opened
        pool = UpstreamPool(loop: loop, hosts: hosts.count, limits: limits) { host, loop in
            if !opened.ready.isEmpty {
                opened.hosts.append(host.name)
                return loop.makeSucceededFuture(opened.ready.removeFirst())
            }
            let promise = loop.makePromise(of: (any Channel).self)
            opened.promises.append(promise)
            opened.hosts.append(host.name)
            return promise.futureResult
        }
        client = EmbeddedChannel(loop: loop)
        let context = LoopContext(loop: loop, core: core, pool: pool, seed: 7)
        try Listeners.install(on: client, context: context, limits: limits)
        client.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 9), promise: nil)
    }

    var connects: [String] { opened.hosts }

    /// The oldest connection that was asked for is established.
    func establish() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.2", port: 80), promise: nil)
        opened.promises.removeFirst().succeed(channel)
        loop.run()
        return channel
    }

    /// The next connection that is asked for is there at once.
    func prepare() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.2", port: 80), promise: nil)
        opened.ready.append(channel)
        return channel
    }

    func refuse(_ error: any Error = ChannelError.connectTimeout(.seconds(1))) {
        opened.promises.removeFirst().fail(error)
        loop.run()
    }

    func pass(_ us: Int64) { loop.advanceTime(by: .microseconds(us)) }

    func say(_ text: String, to channel: EmbeddedChannel? = nil) throws {
        try (channel ?? client).writeInbound(ByteBuffer(string: text))
    }

    /// All that was written so far.
    func heard(_ channel: EmbeddedChannel? = nil) throws -> String {
        var text = ""
        while let part = try (channel ?? client).readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
        return text
    }

    func finish() {
        _ = try? client.finish(acceptAlreadyClosed: true)
        pool.close()
    }
}
