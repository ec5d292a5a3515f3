/// How one attempt ended.
///
/// The raw value is what the store writes; it never changes meaning. The name is what files and reports say.
public enum Outcome: UInt8, CaseIterable, Sendable, Hashable {
    /// A response the route's owner would call an answer (HTTP below 500 and not 429, gRPC 0).
    case success = 0
    /// A response that says the host failed (HTTP 5xx, some gRPC statuses).
    case errorStatus = 1
    /// The host refused for load (HTTP 429, gRPC 8).
    case rateLimited = 2
    /// Our own limit fired before an answer: the duration is right-censored at it.
    case timeout = 3
    /// No connection: the request was never sent.
    case connectFailure = 4
    /// The connection broke after the request was sent and before the response was whole.
    case reset = 5
    /// Given up by our side for a reason that says nothing of the host: the client left, or a sibling won.
    /// Right-censored.
    case cancelled = 6

    /// The name in files, reports and SQL.
    public var name: String {
        switch self {
        case .success: "success"
        case .errorStatus: "error_status"
        case .rateLimited: "rate_limited"
        case .timeout: "timeout"
        case .connectFailure: "connect_failure"
        case .reset: "reset"
        case .cancelled: "cancelled"
        }
    }

    /// The outcome of that name, if there is one.
    public init?(name: some StringProtocol) {
        guard let found = Outcome.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// What a response's HTTP status says: 429 is a refusal for load, 5xx the host's failure, all else an answer.
    public init(httpStatus status: Int) {
        self = status == 429 ? .rateLimited : status >= 500 ? .errorStatus : .success
    }

    /// What a gRPC status says. CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS (1, 2, 4,
    /// 13, 14, 15) are the host's failure, RESOURCE_EXHAUSTED (8) is a refusal for load; the others are answers to the
    /// call, as HTTP 404 is.
    public init(grpcStatus status: Int) {
        self = status == 8 ? .rateLimited : [1, 2, 4, 13, 14, 15].contains(status) ? .errorStatus : .success
    }

    /// Whether a policy may answer it with a retry; `cancelled` is neither success nor failure.
    public var isFailure: Bool { self != .success && self != .cancelled }

    /// Whether the duration is only a lower bound of the time to an answer.
    public var isCensored: Bool { self == .timeout || self == .cancelled }
}
