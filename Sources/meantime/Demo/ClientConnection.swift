import NIOCore
import NIOHTTP1

/// One request on its way and back; lives on the load generator's event loop.
final class Exchange {
    let index: Int
    let planned: Arrivals.Planned
    let lateUs: Int64
    var isFinished = false
    var deadline: Scheduled<Void>?
    weak var connection: ClientConnection?

    init(index: Int, planned: Arrivals.Planned, lateUs: Int64) {
        self.index = index
        self.planned = planned
        self.lateUs = lateUs
    }
}

/// A keep-alive connection of the load generator: one request at a time.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Takes the request that ended, its status (0: no whole answer) and the connection if it can serve another.
    typealias OnEnd = (Exchange, Int, ClientConnection?) -> Void

    private let onEnd: OnEnd
    private var context: ChannelHandlerContext?
    private var current: Exchange?
    private var status = 0
    private var staysOpen = true

    init(onEnd: @escaping OnEnd) { self.onEnd = onEnd }

    /// Whether a request can be sent on it now.
    var isUsable: Bool { staysOpen && current == nil && context?.channel.isActive == true }

    /// Sends a request; its end comes by `onEnd`.
    func send(_ exchange: Exchange, _ head: HTTPRequestHead) {
        current = exchange
        exchange.connection = self
        guard let context, context.channel.isActive else { return end(status: 0) }
        var head = head
        let body = head.method == .POST ? ByteBuffer(string: "{\"request\":\(exchange.planned.number)}") : nil
        if let body { head.headers.add(name: "content-length", value: "\(body.readableBytes)") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// The client's deadline has come: it hangs up, as clients do.
    func giveUp() {
        current = nil
        staysOpen = false
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            staysOpen = head.isKeepAlive
        case .body: break
        case .end:
            end(status: status)
            if !staysOpen { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        staysOpen = false
        end(status: 0)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        staysOpen = false
        context.close(promise: nil)
    }

    private func end(status: Int) {
        guard let exchange = current else { return }
        current = nil
        onEnd(exchange, status, staysOpen ? self : nil)
    }
}
