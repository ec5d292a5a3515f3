import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// The shared state of each event loop, found by the loop.
struct LoopContexts: Sendable {
    private let contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>]

    init(group: any EventLoopGroup, core: ProxyCore) async throws {
        var contexts: [ObjectIdentifier: NIOLoopBound<LoopContext>] = [:]
        var generator = SystemRandomNumberGenerator()
        for loop in group.makeIterator() {
            let seed = generator.next()
            contexts[ObjectIdentifier(loop)] = try await loop.submit {
                let pool = UpstreamPool(loop: loop, hosts: core.table.hosts.count, limits: core.limits)
                return NIOLoopBound(LoopContext(loop: loop, core: core, pool: pool, seed: seed), eventLoop: loop)
            }.get()
        }
        self.contexts = contexts
    }

    /// The context of the loop that is running.
    func context(of loop: any EventLoop) throws -> LoopContext {
        guard let bound = contexts[ObjectIdentifier(loop)] else { throw ChannelError.operationUnsupported }
        return bound.value
    }

    /// Closes all pooled connections.
    func close() async {
        for bound in contexts.values {
            try? await bound.eventLoop.submit { bound.value.pool.close() }.get()
        }
    }
}

/// Opens the two ports.
struct Listeners: Sendable {
    let core: ProxyCore
    let pages: AdminPages
    let clients: ClientRegistry
    let contexts: LoopContexts

    func clients(group: any EventLoopGroup, address: String, limit: Int) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        AcceptBackoffHandler(), ConnectionGate(limit: limit),
                    ])
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [core, clients, contexts] channel in
                channel.eventLoop.makeCompletedFuture {
                    let context = try contexts.context(of: channel.eventLoop)
                    try Self.install(on: channel, context: context, limits: core.limits)
                    clients.add(channel)
                }
            }
        return try await bind(bootstrap, to: address, key: "listen")
    }

    /// The handlers of a client's connection, the socket's side first.
    static func install(on channel: any Channel, context: LoopContext, limits: ProxyLimits) throws {
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        var bounds = NIOHTTPDecoderLimitConfiguration()
        bounds.maxHeaderListSize = limits.headBytes
        bounds.maxHeaderFieldSize = limits.headBytes
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(configuration: encoding),
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: bounds)),
            HTTPServerPipelineHandler(),
            ClientConnection(shared: context),
        ])
    }

    func admin(group: any EventLoopGroup, address: String) async throws -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [limit = core.limits.adminConnections] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        AcceptBackoffHandler(), ConnectionGate(limit: limit),
                    ])
                }
            }
            .childChannelInitializer { [pages] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(pages: pages, loop: channel.eventLoop))
                }
            }
        return try await bind(bootstrap, to: address, key: "admin")
    }

    private func bind(_ bootstrap: ServerBootstrap, to text: String, key: String) async throws -> any Channel {
        guard let endpoint = Endpoint(text) else {
            throw ProxyError(.badAddress, "\(key): '\(text)' must be address:port, such as 127.0.0.1:8080")
        }
        do {
            return try await bootstrap.bind(host: endpoint.address, port: endpoint.port).get()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ProxyError(
                .addressInUse, "\(key): \(text) is in use by another process; stop it, or choose another port")
        } catch let error as IOError where error.errnoCode == EACCES {
            throw ProxyError(.cannotListen, "\(key): not allowed to listen on \(text); choose a port above 1023")
        } catch {
            throw ProxyError(.cannotListen, "\(key): cannot listen on \(text): \(error)")
        }
    }

    static func addresses(listen: any Channel, admin: any Channel) throws -> ProxyAddresses {
        guard let (listenText, listenPort) = describe(listen), let (adminText, adminPort) = describe(admin) else {
            throw ProxyError(.cannotListen, "an address the proxy listens on has no port")
        }
        return ProxyAddresses(listen: listenText, admin: adminText, listenPort: listenPort, adminPort: adminPort)
    }

    private static func describe(_ channel: any Channel) -> (String, Int)? {
        guard let local = channel.localAddress, let address = local.ipAddress, let port = local.port else { return nil }
        return (address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)", port)
    }
}
