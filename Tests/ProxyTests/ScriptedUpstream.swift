import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A host that does to each request what a script says.
final class ScriptedUpstream: Sendable {
    /// What the host does, one step after the other.
    enum Step: Sendable {
        /// Writes these bytes.
        case send(String)
        /// Writes body bytes as fast as the other side takes them, this many in parts of 64 KiB.
        case stream(Int)
        /// Goes on when the test says so.
        case await(Signal)
        /// Goes on when the whole request has come. Without it, steps begin at the request's head.
        case request
        /// Stops reading the request until the test says so.
        case stopReading(Signal)
        /// Closes with a FIN.
        case close
        /// Closes its sending side only.
        case halfClose
        /// Closes with a RST.
        case reset
    }

    /// A request as the host got it.
    struct Request: Sendable {
        /// From 0, over all connections.
        var number: Int
        /// From 0: which connection it came on.
        var connection: Int
        var head: HTTPRequestHead
        var body = ByteBuffer()
        var trailers: HTTPHeaders?
        var isWhole = false
    }

    private struct State {
        var requests: [Request] = []
        var connections = 0
        var openConnections = 0
        var written = 0
        var bodyBytes = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let script: @Sendable (Request) -> [Step]
    private let listener: Mutex<(any Channel)?> = Mutex(nil)
    let port: Int

    /// Listens on a free port of this machine.
    static func start(_ script: @escaping @Sendable (Request) -> [Step]) async throws -> ScriptedUpstream {
        let box = Mutex<ScriptedUpstream?>(nil)
        let held = Held(box: box)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_sndbuf), value: 65_536)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let upstream = held.box.withLock({ $0 }) else { throw ChannelError.ioOnClosedChannel }
                    let number = upstream.change { state in
                        state.connections += 1
                        state.openConnections += 1
                        return state.connections - 1
                    }
                    channel.closeFuture.whenComplete { _ in upstream.change { $0.openConnections -= 1 } }
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(HTTPRequestDecoder()), Handler(upstream: upstream, connection: number),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let upstream = ScriptedUpstream(port: channel.localAddress?.port ?? 0, script: script)
        upstream.listener.withLock { $0 = channel }
        held.box.withLock { $0 = upstream }
        return upstream
    }

    private final class Held: Sendable {
        let box: Mutex<ScriptedUpstream?>
        init(box: consuming Mutex<ScriptedUpstream?>) { self.box = box }
    }

    private init(port: Int, script: @escaping @Sendable (Request) -> [Step]) {
        self.port = port
        self.script = script
    }

    var name: String { "127.0.0.1:\(port)" }

    /// Every request so far; the parts that have come.
    var requests: [Request] { state.withLock { $0.requests } }

    /// Connections accepted so far.
    var connections: Int { state.withLock { $0.connections } }

    /// Body bytes of streams that went into the socket.
    var written: Int { state.withLock { $0.written } }

    /// Body bytes of requests that were read.
    var bodyBytes: Int { state.withLock { $0.bodyBytes } }

    func stop() async {
        let channel = listener.withLock { channel in
            let taken = channel
            channel = nil
            return taken
        }
        try? await channel?.close().get()
    }

    /// Waits until that many requests have begun.
    func untilRequests(_ count: Int) async { await until { $0.requests.count >= count } }

    /// Waits until that request is whole.
    func whole(_ number: Int) async -> Request {
        await until { $0.requests.count > number && $0.requests[number].isWhole }
        return requests[number]
    }

    /// Waits until no connection is open.
    func untilNoConnection() async { await until { $0.openConnections == 0 } }

    /// Waits until that many body bytes were written.
    func untilWritten(_ bytes: Int) async { await until { $0.written >= bytes } }

    private func until(_ says: @escaping @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in look(says) { continuation.resume() } }
    }

    private func look(_ says: @escaping @Sendable (borrowing State) -> Bool, _ done: @escaping @Sendable () -> Void) {
        let isTrue = state.withLock { state -> Bool in
            if says(state) { return true }
            state.waiting.append { self.look(says, done) }
            return false
        }
        if isTrue { done() }
    }

    @discardableResult
    private func change<Value: Sendable>(_ body: (inout State) -> sending Value) -> Value {
        let (value, waiting) = state.withLock { state in
            let value = body(&state)
            let waiting = state.waiting
            state.waiting = []
            return (value, waiting)
        }
        for look in waiting { look() }
        return value
    }

    /// Says "go on" to a script, once, from anywhere.
    final class Signal: Sendable {
        private let waiting = Mutex<(isGiven: Bool, actions: [@Sendable () -> Void])>((false, []))

        func give() {
            let actions = waiting.withLock { state in
                state.isGiven = true
                let actions = state.actions
                state.actions = []
                return actions
            }
            for action in actions { action() }
        }

        func then(_ action: @escaping @Sendable () -> Void) {
            let isGiven = waiting.withLock { state in
                if !state.isGiven { state.actions.append(action) }
                return state.isGiven
            }
            if isGiven { action() }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = ByteBuffer

        private let upstream: ScriptedUpstream
        private let connection: Int
        private var current = 0
        private var steps: ArraySlice<Step> = []
        private var awaitsRequest = false
        private var isWhole = false
        private var streaming = 0

        init(upstream: ScriptedUpstream, connection: Int) {
            self.upstream = upstream
            self.connection = connection
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch Self.unwrapInboundIn(data) {
            case .head(let head):
                let connection = connection
                let request = upstream.change { state in
                    state.requests.append(Request(number: state.requests.count, connection: connection, head: head))
                    return state.requests[state.requests.count - 1]
                }
                current = request.number
                isWhole = false
                steps = upstream.script(request)[...]
                run(context)
            case .body(let part):
                let current = current
                upstream.change { state in
                    state.bodyBytes += part.readableBytes
                    if state.requests[current].body.readableBytes < 1 << 20 {
                        state.requests[current].body.writeImmutableBuffer(part)
                    }
                }
            case .end(let trailers):
                isWhole = true
                let current = current
                upstream.change { state in
                    state.requests[current].isWhole = true
                    state.requests[current].trailers = trailers
                }
                if awaitsRequest {
                    awaitsRequest = false
                    run(context)
                }
            }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) {
            if streaming > 0 && context.channel.isWritable { run(context) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func run(_ context: ChannelHandlerContext) {
            if streaming > 0, !stream(context) { return }
            while let step = steps.popFirst() {
                switch step {
                case .send(let text):
                    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                case .stream(let bytes):
                    streaming = bytes
                    if !stream(context) { return }
                case .await(let signal):
                    let bound = context.loopBound
                    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
                    let loop = context.eventLoop
                    return signal.then { loop.execute { handler.value.run(bound.value) } }
                case .request:
                    if !isWhole {
                        awaitsRequest = true
                        return
                    }
                case .stopReading(let signal):
                    let channel = context.channel
                    _ = channel.setOption(.autoRead, value: false)
                    signal.then { _ = channel.setOption(.autoRead, value: true) }
                case .close:
                    context.close(promise: nil)
                case .halfClose:
                    context.close(mode: .output, promise: nil)
                case .reset:
                    _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                    context.close(promise: nil)
                }
            }
        }

        /// Whether all of the stream is written.
        private func stream(_ context: ChannelHandlerContext) -> Bool {
            while streaming > 0 {
                guard context.channel.isWritable else { return false }
                let count = min(streaming, 65_536)
                streaming -= count
                let upstream = upstream
                context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(repeating: 120, count: count)))
                    .whenSuccess { upstream.change { $0.written += count } }
            }
            return true
        }
    }
}

/// A whole response with a length.
func answer(_ status: Int, _ body: String = "", fields: String = "") -> String {
    "HTTP/1.1 \(status) Scripted\r\ncontent-length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}

/// A port of this machine where nobody listens, held so that no other test can get it.
final class DeadHost: Sendable {
    let name: String
    private let descriptor: CInt

    init() throws {
        let port: Int
        (descriptor, port) = try BoundSocket.open(listens: false)
        name = "127.0.0.1:\(port)"
    }

    deinit { close(descriptor) }
}
