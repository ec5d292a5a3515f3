import DequeModule
import NIOCore
import NIOHTTP1
import NIOPosix

/// The connections of one event loop to all hosts: what no request uses waits here, the last used first.
///
/// Open connections are bounded by the client connections (each serves one request at a time) plus what may wait here.
final class UpstreamPool {
    /// Opens a channel to a host; a parameter so that tests can hand out channels of their own.
    typealias Connect = (UpstreamHost, any EventLoop) -> EventLoopFuture<any Channel>

    /// What came of opening a connection.
    enum Opened {
        case connection(UpstreamConnection)
        case refused
        /// There was nothing left here to open it with.
        case exhausted
    }

    private let loop: any EventLoop
    private let limits: ProxyLimits
    private let open: Connect
    private var idle: [Deque<UpstreamConnection>]
    private let sweep: LoopTimer
    private var isClosed = false

    init(loop: any EventLoop, hosts: Int, limits: ProxyLimits, open: Connect? = nil) {
        self.loop = loop
        self.limits = limits
        self.open = open ?? Self.socket(connectTimeoutUs: limits.connectTimeoutUs)
        idle = Array(repeating: Deque(), count: hosts)
        sweep = LoopTimer(loop: loop)
        sweep.onDue = { [unowned self] in closeExpired() }
    }

    /// A connection that waits for a request, if one is sound.
    func takeIdle(_ host: UpstreamHost) -> UpstreamConnection? {
        while let connection = idle[host.index].popLast() {
            host.idleConnections.add(-1)
            if connection.isUsable && !connection.isStale() { return connection }
            connection.close()
        }
        return nil
    }

    /// Opens a connection. `done` is called on the loop, once, and never before this returns: a refusal that came back
    /// at once would end a request whose own end is not read yet.
    func connect(_ host: UpstreamHost, _ done: @escaping (Opened) -> Void) {
        let isolated = loop.assumeIsolated()
        var isReturning = false
        open(host, loop).assumeIsolated().whenComplete { [self] result in
            let opened: Opened
            do {
                opened = .connection(try install(host, try result.get()))
            } catch {
                opened = Descriptors.areExhausted(error) ? .exhausted : .refused
            }
            if isReturning { done(opened) } else { isolated.execute { done(opened) } }
        }
        isReturning = true
    }

    /// Takes a connection back.
    func park(_ connection: UpstreamConnection) {
        let place = connection.host.index
        if isClosed { return connection.close() }
        connection.idleSinceUs = loop.nowUs
        if idle.allSatisfy(\.isEmpty) { sweep.arm(loop.nowUs + limits.upstreamIdleUs) }
        idle[place].append(connection)
        connection.host.idleConnections.add(1)
        if idle[place].count > limits.idleConnectionsPerHost { idle[place].first?.close() }
    }

    /// Forgets a connection that was closed while it waited.
    func remove(_ connection: UpstreamConnection) {
        let place = connection.host.index
        guard let at = idle[place].firstIndex(where: { $0 === connection }) else { return }
        idle[place].remove(at: at)
        connection.host.idleConnections.add(-1)
    }

    /// Closes what waits, now and from now on.
    func close() {
        isClosed = true
        sweep.stop()
        for place in idle.indices {
            while let connection = idle[place].first { connection.close() }
        }
    }

    private func closeExpired() {
        let oldestUs = loop.nowUs - limits.upstreamIdleUs
        var nextUs: Int64?
        for place in idle.indices {
            while let connection = idle[place].first, connection.idleSinceUs <= oldestUs { connection.close() }
            if let first = idle[place].first { nextUs = min(nextUs ?? .max, first.idleSinceUs + limits.upstreamIdleUs) }
        }
        sweep.arm(nextUs)
    }

    private func install(_ host: UpstreamHost, _ channel: any Channel) throws -> UpstreamConnection {
        let connection = UpstreamConnection(host: host, pool: self)
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        var bounds = NIOHTTPDecoderLimitConfiguration()
        bounds.maxHeaderListSize = limits.headBytes
        bounds.maxHeaderFieldSize = limits.headBytes
        let decoder = HTTPResponseDecoder(informationalResponseStrategy: .forward, limitConfiguration: bounds)
        do {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            try channel.pipeline.syncOperations.addHandlers([
                HTTPRequestEncoder(configuration: encoding), ByteToMessageHandler(decoder), connection,
            ])
        } catch {
            channel.close(promise: nil)
            throw error
        }
        host.openConnections.add(1)
        host.connects.add()
        channel.read()
        return connection
    }

    private static func socket(connectTimeoutUs: Int64) -> Connect {
        { host, loop in
            let bootstrap = ClientBootstrap(group: loop)
                .connectTimeout(.microseconds(connectTimeoutUs))
                .channelOption(.autoRead, value: false)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            let endpoint = host.endpoint
            if let address = try? SocketAddress(ipAddress: endpoint.address, port: endpoint.port) {
                return bootstrap.connect(to: address)
            }
            return bootstrap.connect(host: endpoint.address, port: endpoint.port)
        }
    }
}
