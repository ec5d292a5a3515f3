/// How one attempt ended.
///
/// The raw value is what the store writes; it never changes meaning. The name is what files and reports say.
public enum Outcome: UInt8, CaseIterable, Sendable, Hashable {
    /// A response the route's owner would call an answer (HTTP below 500 and not 429, gRPC 0).
    case success = 0
    /// A response that says the host failed (HTTP 5xx, a retryable gRPC status).
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

    /// Whether a policy may answer it with a retry; `cancelled` is neither success nor failure.
    public var isFailure: Bool { self != .success && self != .cancelled }

    /// Whether the duration is only a lower bound of the time to an answer.
    public var isCensored: Bool { self == .timeout || self == .cancelled }
}
