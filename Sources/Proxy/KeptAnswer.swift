import NIOCore
import NIOHTTP1

/// A failed response that is retried but kept: if no later attempt does better, it is what the client gets.
///
/// Its body is read beside the next attempt, up to a bound; a longer one is not kept and its connection is closed.
final class KeptAnswer: UpstreamConsumer {
    let head: HTTPResponseHead
    private(set) var body = ByteBuffer()
    private(set) var trailers: HTTPHeaders?
    /// Whether the whole response is here.
    private(set) var isWhole = false
    private var connection: UpstreamConnection?
    private let limit: Int

    /// Takes over `connection`, whose response's head was just read.
    init(head: HTTPResponseHead, from connection: UpstreamConnection, limit: Int) {
        self.head = head
        self.limit = limit
        self.connection = connection
        connection.pass(to: self)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limit { discard() }
    }

    /// Whether it can be given to the client: it is whole, or still coming.
    var canBeGiven: Bool { isWhole || connection != nil }

    /// Hands a response that is still coming to another consumer; `body` is what came so far.
    func pass(to consumer: any UpstreamConsumer) -> UpstreamConnection? {
        let passed = connection
        connection = nil
        passed?.pass(to: consumer)
        return passed
    }

    /// Stops reading; what is not whole by now never will be.
    func discard() {
        connection?.abandon()
        connection = nil
    }

    var wantsResponse: Bool { true }

    func upstreamSent(_ connection: UpstreamConnection, _ part: ByteBuffer) {
        body.writeImmutableBuffer(part)
        if body.readableBytes > limit {
            body = ByteBuffer()
            discard()
        }
    }

    func upstreamEnded(_ connection: UpstreamConnection, _ trailers: HTTPHeaders?) {
        self.connection = nil
        self.trailers = trailers
        isWhole = true
    }

    func upstreamBroke(_ connection: UpstreamConnection) { self.connection = nil }

    func upstreamInformed(_ connection: UpstreamConnection, _ head: HTTPResponseHead) {}

    func upstreamAnswered(_ connection: UpstreamConnection, _ head: HTTPResponseHead) {}

    func upstreamReadComplete(_ connection: UpstreamConnection) {}

    func upstreamWritabilityChanged(_ connection: UpstreamConnection) {}
}
