import NIOCore
import NIOHTTP1

/// A bounded copy of a request's body, so that another attempt can send it again.
///
/// Past the bound the copy is dropped and the live request goes on; it can then no longer be retried. Parts that no
/// attempt has sent yet are kept whatever the bound: the client is not read from meanwhile, so there is little of them.
/// The copy is one buffer of its own: a slice of what was read would hold all of that read's memory.
struct RequestReplay {
    private let limit: Int
    private(set) var body = ByteBuffer()
    /// Whether all that came so far is still here.
    private(set) var isWhole = true
    /// Whether the request's end was seen.
    private(set) var hasEnded = false
    private(set) var trailers: HTTPHeaders?

    /// `limit` 0: nothing is kept once it was forwarded, for rules that never retry.
    init(limit: Int) { self.limit = limit }

    /// Whether a client that no attempt drains should be read from no further.
    var isFull: Bool { body.readableBytes >= max(limit, 1) }

    /// Takes a part of the body; `isForwarded`: a running attempt has it already.
    mutating func append(_ part: ByteBuffer, isForwarded: Bool) {
        guard isWhole else { return }
        if isForwarded && body.readableBytes + part.readableBytes > limit {
            drop()
        } else {
            body.writeImmutableBuffer(part)
        }
    }

    /// The end of the request.
    mutating func end(trailers: HTTPHeaders?) {
        hasEnded = true
        self.trailers = trailers
    }

    /// What an attempt that begins now must send first. A body beyond the bound is handed out once.
    mutating func takeForSending() -> ByteBuffer {
        let sending = body
        if sending.readableBytes > limit { drop() }
        return sending
    }

    private mutating func drop() {
        isWhole = false
        body = ByteBuffer()
    }
}
