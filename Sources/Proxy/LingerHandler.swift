import NIOCore

/// Reads a connection whose last answer is sent, and throws away what comes: closing it with bytes unread would reset
/// it, and a reset takes the answer from a client that has not read it yet (RFC 9112 §9.6).
final class LingerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelReadComplete(context: ChannelHandlerContext) { context.read() }
}

/// Tells a client's connection to close once it has answered the request it is at, if any.
struct DrainEvent {}
