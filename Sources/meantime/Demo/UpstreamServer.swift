import NIOCore
import NIOHTTP1
import NIOPosix

/// One host of the demo: an HTTP server on loopback that fails as its faults say.
///
/// Until `begin` it is healthy. From then on its answers follow the plan, counted from the epoch; while it is `gone` it
/// does not listen and every open connection has been broken.
final class UpstreamServer: Sendable {
    /// The port it listens on, kept through outages.
    let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let core: NIOLoopBound<UpstreamCore>

    private init(port: Int, group: MultiThreadedEventLoopGroup, loop: any EventLoop, core: NIOLoopBound<UpstreamCore>) {
        self.port = port
        self.group = group
        self.loop = loop
        self.core = core
    }

    /// Starts a host on a free port of 127.0.0.1, with a thread of its own.
    static func start(faults: HostFaults) async throws -> UpstreamServer {
        let reserved = try ReservedPort()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let core = try await loop.submit {
            let core = UpstreamCore(faults: faults, reserved: reserved, loop: loop)
            return (NIOLoopBound(core, eventLoop: loop), core.listen())
        }.get()
        try await core.1.get()
        return UpstreamServer(port: reserved.port, group: group, loop: loop, core: core.0)
    }

    /// Starts the plan: offset 0 is `epochUs` on the wall clock. Visits are counted anew.
    func begin(epochUs: Int64) async throws {
        try await loop.submit { self.core.value.begin(epochUs: epochUs) }.get()
    }

    /// Stops listening, closes what is open and ends the thread.
    func stop() async throws {
        try await loop.flatSubmit { self.core.value.stop() }.get()
        try await group.shutdownGracefully()
    }
}

/// The state of a host; lives on its event loop.
final class UpstreamCore {
    private let faults: HostFaults
    private let reserved: ReservedPort
    private let loop: any EventLoop
    private var epoch: NIODeadline?
    private var visits: [UInt64: Int] = [:]
    private var listener: (any Channel)?
    private var open: [ObjectIdentifier: any Channel] = [:]
    private var schedule: [Scheduled<Void>] = []

    init(faults: HostFaults, reserved: ReservedPort, loop: any EventLoop) {
        self.faults = faults
        self.reserved = reserved
        self.loop = loop
    }

    func listen() -> EventLoopFuture<Void> {
        let core = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(UpstreamHandler(core: core.value))
                }
            }
            .bind(host: "127.0.0.1", port: reserved.port)
            .map { channel in core.value.listener = channel }
    }

    func begin(epochUs: Int64) {
        let epoch = NIODeadline.now() + .microseconds(epochUs - WallClock.nowUs)
        self.epoch = epoch
        visits = [:]
        schedule.forEach { $0.cancel() }
        schedule = faults.outages.filter { $0.kind == .gone }.flatMap { outage in
            [(outage.fromUs, false), (outage.toUs, true)].map { offsetUs, isBack in
                loop.assumeIsolated().scheduleTask(deadline: epoch + .microseconds(offsetUs)) {
                    if isBack { _ = self.listen() } else { self.leave() }
                }
            }
        }
    }

    func stop() -> EventLoopFuture<Void> {
        schedule.forEach { $0.cancel() }
        open.values.forEach { $0.close(promise: nil) }
        guard let listener else { return loop.makeSucceededVoidFuture() }
        self.listener = nil
        return listener.close().flatMapErrorThrowing { _ in }
    }

    /// What becomes of a request that arrives now.
    func answer(request: UInt64) -> HostFaults.Answer {
        let visit = visits[request, default: 0]
        visits[request] = visit + 1
        guard let epoch else { return .status(200, afterUs: 0) }
        let offsetUs = (NIODeadline.now() - epoch).nanoseconds / 1000
        return faults.answer(atUs: offsetUs, request: request, visit: visit)
    }

    func connected(_ channel: any Channel) { open[ObjectIdentifier(channel)] = channel }

    func disconnected(_ channel: any Channel) { open[ObjectIdentifier(channel)] = nil }

    /// A connection that breaks as when its process is killed: with a reset, not with a goodbye.
    static func cut(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }

    private func leave() {
        listener?.close(promise: nil)
        listener = nil
        open.values.forEach(Self.cut)
    }
}

/// One connection of a host.
private final class UpstreamHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let core: UpstreamCore
    private var head: HTTPRequestHead?

    init(core: UpstreamCore) { self.core = core }

    func channelActive(context: ChannelHandlerContext) { core.connected(context.channel) }

    func channelInactive(context: ChannelHandlerContext) { core.disconnected(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let number = head.uri.split(separator: "=").last.flatMap { UInt64($0) } ?? 0
        switch core.answer(request: number) {
        case .reset(let afterUs):
            context.eventLoop.assumeIsolated().scheduleTask(in: .microseconds(afterUs)) {
                UpstreamCore.cut(context.channel)
            }
        case .status(let status, let afterUs):
            context.eventLoop.assumeIsolated().scheduleTask(in: .microseconds(afterUs)) {
                self.write(status: status, to: head, context)
            }
        }
    }

    private func write(status: Int, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let text = status == 200 ? "{\"ok\":true}\n" : "{\"error\":\"unavailable\"}\n"
        var response = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
        response.headers.add(name: "content-type", value: "application/json")
        response.headers.add(name: "content-length", value: "\(text.utf8.count)")
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !head.isKeepAlive { context.close(promise: nil) }
    }
}
