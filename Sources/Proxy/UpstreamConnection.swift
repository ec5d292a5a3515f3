import Glibc
import NIOCore
import NIOHTTP1

/// Who is told what a host answers. All calls come on the connection's event loop.
protocol UpstreamConsumer: AnyObject {
    /// A 1xx head that precedes the answer.
    func upstreamInformed(_ connection: UpstreamConnection, _ head: HTTPResponseHead)
    func upstreamAnswered(_ connection: UpstreamConnection, _ head: HTTPResponseHead)
    func upstreamSent(_ connection: UpstreamConnection, _ part: ByteBuffer)
    /// The response is whole; the connection no longer belongs to the consumer.
    func upstreamEnded(_ connection: UpstreamConnection, _ trailers: HTTPHeaders?)
    /// The connection broke before the response was whole; it no longer belongs to the consumer.
    func upstreamBroke(_ connection: UpstreamConnection)
    /// All that was read has been handed over.
    func upstreamReadComplete(_ connection: UpstreamConnection)
    func upstreamWritabilityChanged(_ connection: UpstreamConnection)
    /// Whether more of the response can be taken now; if not, call `resumeReading` later.
    var wantsResponse: Bool { get }
}

/// One connection to a host: serves one request at a time, then goes back to its pool.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        /// In the pool, or about to be: any byte from the host is unsolicited.
        case idle
        /// Serves a request whose response is not whole.
        case leased
        /// The response is whole, what was read with it is not yet seen to the end.
        case finishing
        case closed
    }

    let host: UpstreamHost
    private unowned let pool: UpstreamPool
    private var context: ChannelHandlerContext?
    private var state = State.idle
    private var consumer: (any UpstreamConsumer)?
    private var requestEnded = false
    private var keepsAlive = true
    private var readPaused = false
    /// When it went to the pool, loop microseconds.
    var idleSinceUs: Int64 = 0

    init(host: UpstreamHost, pool: UpstreamPool) {
        self.host = host
        self.pool = pool
    }

    // MARK: The holder's side

    /// Whether a request can be sent on it.
    var isUsable: Bool { state == .idle && context?.channel.isActive == true }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Gives the connection to a consumer for one request.
    ///
    /// - Returns: whether it did; not when the connection has closed since it was opened.
    func lease(to consumer: any UpstreamConsumer) -> Bool {
        guard isUsable else { return false }
        state = .leased
        self.consumer = consumer
        requestEnded = false
        keepsAlive = true
        return true
    }

    /// Hands a leased connection to another consumer, in the middle of a response.
    func pass(to consumer: any UpstreamConsumer) { self.consumer = consumer }

    func send(_ part: HTTPClientRequestPart) {
        guard state == .leased, let context else { return }
        if case .end = part { requestEnded = true }
        context.write(Self.wrapOutboundOut(part), promise: nil)
    }

    func flush() { context?.flush() }

    func resumeReading() {
        guard readPaused, let context else { return }
        readPaused = false
        context.read()
    }

    /// Gives the request up: the connection is closed and the consumer hears no more of it.
    func abandon() {
        consumer = nil
        close()
    }

    /// Whether the host has closed its side, or said something unasked, that the event loop has not seen yet. One
    /// system call before a request saves most of those that would be lost to a host that closes idle connections.
    func isStale() -> Bool {
        guard let context else { return true }
        let answer = try? context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
            var byte: UInt8 = 0
            let count = recv($0, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
            return !(count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        }
        return (answer ?? nil) ?? false
    }

    func close() {
        guard state != .closed else { return }
        leaveIdle()
        state = .closed
        context?.close(promise: nil)
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state == .leased, let consumer else {
            // Bytes that nobody asked for: whatever follows could be taken for the next request's answer.
            if state != .closed { close() }
            return
        }
        switch Self.unwrapInboundIn(data) {
        case .head(let head) where head.status.code == 101:
            broke()
        case .head(let head) where head.status.code < 200:
            consumer.upstreamInformed(self, head)
        case .head(let head):
            keepsAlive = head.isKeepAlive
            if [.unsupported, .endless].contains(FieldRules.body(of: head.headers)) { return broke() }
            consumer.upstreamAnswered(self, head)
        case .body(let part):
            consumer.upstreamSent(self, part)
        case .end(let trailers):
            self.consumer = nil
            state = .finishing
            if !(keepsAlive && requestEnded) { close() }
            consumer.upstreamEnded(self, trailers)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .leased:
            consumer?.upstreamReadComplete(self)
            guard state == .leased else { break }
            if consumer?.wantsResponse == true {
                context.read()
            } else {
                readPaused = true
            }
        case .finishing:
            // Only now is it certain that nothing came behind the response.
            park()
        case .idle:
            context.read()
        case .closed:
            break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { consumer?.upstreamWritabilityChanged(self) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { broke() }

    func channelInactive(context: ChannelHandlerContext) {
        host.openConnections.add(-1)
        broke()
    }

    /// Puts a connection that no request uses into the pool, with a read outstanding so that its end is noticed.
    func park() {
        guard state == .finishing || state == .idle, let context, context.channel.isActive else { return close() }
        state = .idle
        readPaused = false
        context.read()
        pool.park(self)
    }

    private func broke() {
        let left = consumer
        consumer = nil
        close()
        left?.upstreamBroke(self)
    }

    private func leaveIdle() {
        if state == .idle { pool.remove(self) }
    }
}
