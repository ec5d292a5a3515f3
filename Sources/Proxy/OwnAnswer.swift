import NIOCore
import NIOHTTP1
import Retry

/// A response that the proxy makes itself, because no host made one that could be passed on.
struct OwnAnswer {
    /// The field that says why there was no further attempt.
    static let verdictField = "x-meantime-verdict"

    let head: HTTPResponseHead
    let body: ByteBuffer

    /// - Parameters:
    ///   - kept: the last real response, when its body was too long or too slow to keep: its status still counts.
    ///   - lastOutcome: how the last attempt ended.
    ///   - verdict: why there was no further attempt.
    init(kept: HTTPResponseHead?, lastOutcome: Outcome, verdict: RetryMachine.Verdict) {
        let status = kept?.status ?? Self.status(of: lastOutcome)
        var head = Self.plain(status, "no answer from the route's hosts: \(lastOutcome.name) (\(verdict.rawValue))\n")
        head.head.headers.add(name: Self.verdictField, value: verdict.rawValue)
        if let wait = kept?.headers.first(name: "retry-after") {
            head.head.headers.add(name: "retry-after", value: wait)
        }
        self = head.answer
    }

    /// A refusal that no route is asked about.
    init(status: HTTPResponseStatus, reason: String) { self = Self.plain(status, reason + "\n").answer }

    private init(head: HTTPResponseHead, body: ByteBuffer) {
        self.head = head
        self.body = body
    }

    /// 503 when nothing was sent, 504 when time ran out, 408 when it was the client's, 502 when the host broke off.
    private static func status(of outcome: Outcome) -> HTTPResponseStatus {
        switch outcome {
        case .timeout: .gatewayTimeout
        case .cancelled: .requestTimeout
        case .connectFailure: .serviceUnavailable
        default: .badGateway
        }
    }

    private struct Draft {
        var head: HTTPResponseHead
        var body: ByteBuffer
        var answer: OwnAnswer { OwnAnswer(head: head, body: body) }
    }

    private static func plain(_ status: HTTPResponseStatus, _ text: String) -> Draft {
        let body = ByteBuffer(string: text)
        let fields = HTTPHeaders([
            ("content-type", "text/plain; charset=utf-8"), ("content-length", "\(body.readableBytes)"),
        ])
        return Draft(head: HTTPResponseHead(version: .http1_1, status: status, headers: fields), body: body)
    }
}
