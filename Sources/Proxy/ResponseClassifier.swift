import NIOHTTP1
import Retry

/// What the head of a response says about the attempt.
struct Classification: Equatable {
    var outcome: Outcome
    /// HTTP status, or the gRPC status when `isGRPC`.
    var status: Int
    var isGRPC: Bool
    /// What the server asked for, 0 for none.
    var retryAfterUs: Int64
}

/// From a response's head to an outcome: what happened, not what to do about it.
enum ResponseClassifier {
    /// `wallUs` is UNIX time: a `Retry-After` may name a date.
    static func classify(_ head: HTTPResponseHead, wallUs: () -> Int64) -> Classification {
        let http = Int(head.status.code)
        if http == 200, let grpc = grpcStatus(head) {
            return Classification(outcome: Outcome(grpcStatus: grpc), status: grpc, isGRPC: true, retryAfterUs: 0)
        }
        let outcome = Outcome(httpStatus: http)
        var retryAfterUs: Int64 = 0
        if outcome != .success, let value = head.headers.first(name: "retry-after") {
            retryAfterUs = RetryAfter.parse(value, wallUs: wallUs())
        }
        return Classification(outcome: outcome, status: http, isGRPC: false, retryAfterUs: retryAfterUs)
    }

    /// A gRPC failure without a message has its status in the head ("trailers only").
    private static func grpcStatus(_ head: HTTPResponseHead) -> Int? {
        guard let status = head.headers.first(name: "grpc-status"),
            head.headers.first(name: "content-type")?.lowercased().hasPrefix("application/grpc") == true
        else { return nil }
        return Int(status.trimmingSpaces)
    }
}
