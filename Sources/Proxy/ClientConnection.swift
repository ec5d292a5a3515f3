import Glibc
import NIOCore
import NIOHTTP1

/// One client's connection: takes requests apart, gives each an `Exchange`, and frames what the exchange sends back.
///
/// Pipelined requests are served one after the other (`HTTPServerPipelineHandler` stands before this handler). A client
/// that closes its side while a request runs counts as gone, half-closed or not: nothing on the wire tells the two
/// apart, and most clients that close have left (Envoy and nginx judge likewise).
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// The next whole head begins a request.
        case idle
        /// A request is being answered.
        case serving
        /// The last response is sent; what still comes is thrown away.
        case lingering
        case closed
    }

    let timer: LoopTimer
    private let shared: LoopContext
    private var context: ChannelHandlerContext?
    private var state = State.idle
    private var exchange: Exchange?
    private var clientAddress = ""
    /// Between the first part of a read and its end: a flush is sure to follow.
    private(set) var isReading = false
    private var readOutstanding = false
    private var requestEnded = true
    private var requestMinorVersion = 1
    private var requestMethod = HTTPMethod.GET
    private var closesAfterResponse = false
    private var responseStarted = false
    private var isChunked = false
    private var hasNoBody = false
    private var endsByClosing = false

    init(shared: LoopContext) {
        self.shared = shared
        timer = LoopTimer(loop: shared.loop)
    }

    // MARK: The exchange's side

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func flush() { context?.flush() }

    /// Reads on, if nothing stands against it and no read is outstanding.
    func readMore() {
        guard let context, !readOutstanding, state != .closed else { return }
        if state == .serving, !requestEnded, let exchange, !exchange.wantsRequest { return }
        readOutstanding = true
        context.read()
    }

    /// A 1xx response; clients of HTTP/1.0 do not know them.
    func inform(_ status: HTTPResponseStatus, _ fields: HTTPHeaders) {
        guard let context, requestMinorVersion > 0, !responseStarted else { return }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
    }

    /// The head of the answer; fields that frame the message on this side are added here.
    func send(_ answer: HTTPResponseHead) {
        guard let context else { return }
        var head = answer
        hasNoBody = requestMethod == .HEAD || head.status == .noContent || head.status == .notModified
        isChunked = false
        endsByClosing = false
        if hasNoBody {
            if head.status == .noContent { head.headers.remove(name: "content-length") }
        } else if !head.headers.contains(name: "content-length") {
            isChunked = requestMinorVersion > 0
            endsByClosing = !isChunked
            if isChunked { head.headers.add(name: "transfer-encoding", value: "chunked") }
        }
        if endsByClosing || !requestEnded || shared.core.isDraining { closesAfterResponse = true }
        if closesAfterResponse {
            head.headers.add(name: "connection", value: "close")
        } else if requestMinorVersion == 0 {
            head.headers.add(name: "connection", value: "keep-alive")
        }
        responseStarted = true
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
    }

    func send(_ part: ByteBuffer) {
        guard !hasNoBody, part.readableBytes > 0, let context else { return }
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
    }

    /// The end of the answer. Only after the state is right for the next request is it written: writing it can deliver
    /// a pipelined request before it returns.
    func finish(_ trailers: HTTPHeaders?) {
        guard let context, state == .serving else { return }
        exchange = nil
        responseStarted = false
        let end = Self.wrapOutboundOut(.end(isChunked ? trailers : nil))
        guard closesAfterResponse else {
            state = .idle
            timer.arm(shared.loop.nowUs + shared.core.limits.clientIdleUs)
            context.writeAndFlush(end, promise: nil)
            return readMore()
        }
        state = .lingering
        timer.arm(shared.loop.nowUs + shared.core.limits.clientIdleUs)
        context.writeAndFlush(end).assumeIsolated().whenComplete { [self] _ in closeSlowly() }
    }

    /// Closes this side, and the other when the client has closed its own or some time has passed.
    private func closeSlowly() {
        guard let context, state != .closed, context.channel.isActive else { return close() }
        state = .lingering
        timer.arm(shared.loop.nowUs + shared.core.limits.lingerUs)
        context.close(mode: .output, promise: nil)
        guard context.channel.isActive else { return }
        do {
            try context.pipeline.syncOperations.addHandler(LingerHandler(), position: .first)
        } catch {
            close()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is DrainEvent else { return context.fireUserInboundEventTriggered(event) }
        switch state {
        case .idle: closeSlowly()
        case .serving: closesAfterResponse = true
        case .lingering, .closed: break
        }
    }

    /// Breaks the connection off in the middle of a response, so that the client notices. A body that ends with the
    /// connection would look whole, so there it is reset.
    func abort() {
        if endsByClosing && responseStarted {
            let provider = context?.channel as? any SocketOptionProvider
            _ = provider?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        close()
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        timer.onDue = { [unowned self] in timeIsUp() }
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer.stop()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard clientAddress.isEmpty else { return }
        clientAddress = context.remoteAddress?.ipAddress ?? ""
        timer.arm(shared.loop.nowUs + shared.core.limits.headTimeoutUs)
        readMore()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            if state == .idle { serve(head) }
        case .body(let part):
            exchange?.clientSent(part)
        case .end(let trailers):
            requestEnded = true
            exchange?.clientEnded(trailers)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        readOutstanding = false
        exchange?.clientReadComplete()
        readMore()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.clientTakesMore() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard state != .lingering else { return }
        guard let problem = error as? HTTPParserError, state != .closed else { return close() }
        if state == .serving {
            // The rest of a request that has begun makes no sense.
            guard !responseStarted else { return close() }
            let left = exchange
            exchange = nil
            left?.clientBroke(status: 400)
        }
        requestEnded = false
        state = .serving
        if case .headerOverflow = problem {
            refuse(
                .requestHeaderFieldsTooLarge, "the request's head is larger than \(shared.core.limits.headBytes) bytes")
        } else {
            refuse(.badRequest, "not an HTTP/1.1 request")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        timer.stop()
        let left = exchange
        exchange = nil
        left?.clientLeft()
        context.fireChannelInactive()
    }

    private func close() {
        guard state != .closed else { return }
        state = .closed
        context?.close(promise: nil)
    }

    private func timeIsUp() {
        if let exchange { exchange.timeIsUp() } else { close() }
    }

    // MARK: Requests

    private func serve(_ head: HTTPRequestHead) {
        state = .serving
        timer.arm(nil)
        requestEnded = false
        requestMinorVersion = head.version.minor
        requestMethod = head.method
        let body = FieldRules.body(of: head.headers)
        // After an upgrade was asked for, what follows on the connection can no longer be told for requests: the
        // upgrade is ignored, as a server may (RFC 9110 §7.8), and the connection closed after the answer.
        closesAfterResponse = !head.isKeepAlive || head.headers.contains(name: "upgrade")
        if head.method == .CONNECT { return refuseSoon(.notImplemented, "this proxy opens no tunnels") }
        guard let target = RequestTarget(head) else {
            return refuseSoon(.badRequest, "the request must name one host and a path")
        }
        if body == .endless {
            return refuseSoon(.badRequest, "the last transfer coding of a request must be chunked")
        }
        if body == .unsupported {
            return refuseSoon(.notImplemented, "the only transfer coding known here is chunked")
        }
        let core = shared.core
        guard let route = core.table.route(host: target.host, path: target.path, method: head.method.rawValue) else {
            core.metrics.unrouted.add()
            return refuseSoon(.notFound, "no route matches this host, path and method")
        }
        let passing = FieldRules.upstreamHead(
            head, uri: target.uri, host: target.authority, clientAddress: clientAddress)
        let exchange = Exchange(client: self, context: shared, route: route, head: passing)
        self.exchange = exchange
        exchange.begin()
        // A pipelined request that waited here is handed over outside of a read, but as one.
        if !isReading { shared.loop.assumeIsolated().execute { exchange.isFirstRead = false } }
    }

    /// Not at once: a row of pipelined requests that are all refused would be answered one inside the other.
    private func refuseSoon(_ status: HTTPResponseStatus, _ reason: String) {
        shared.loop.assumeIsolated().execute { [self] in
            if state == .serving { refuse(status, reason) }
        }
    }

    private func refuse(_ status: HTTPResponseStatus, _ reason: String) {
        if status != .notFound {
            closesAfterResponse = true
            shared.core.metrics.refused.add()
        }
        let answer = OwnAnswer(status: status, reason: reason)
        send(answer.head)
        send(answer.body)
        finish(nil)
    }
}
