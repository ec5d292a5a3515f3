import Retry

/// A proxy or client whose configuration can carry a retry rule. What each of them can say is from its own interface
/// as of autumn 2026. methods: dialects
public enum Dialect: String, CaseIterable, Sendable {
    /// Meantime's own proxy: a list of waits, a budget of the route's own.
    case meantime
    /// Envoy 1.40, `route.v3.RouteAction`: waits uniform in [0, min(base × 2^(n−1), max)), as measured on it.
    case envoy
    /// Istio's VirtualService: Envoy's waits with one of the two numbers, max being ten times the base.
    case istio
    /// Linkerd's annotations: a number of retries, all at once.
    case linkerd
    /// A gRPC client's service config (gRFC A6): min(initial × multiplier^(n−1), max) ± 20 %, at most five attempts.
    case grpc

    /// The most retries that it makes, whatever it is told.
    var mostRetries: Int { self == .grpc ? 4 : .max }

    /// Whether it can limit each attempt.
    var hasPerTryTimeout: Bool { self != .grpc }

    /// Where it sends a retry: Envoy and Istio leave out hosts that were tried, if told; the others take whichever the
    /// balancer gives.
    var host: HostChoice { self == .linkerd || self == .grpc ? .any : .other }

    /// What it may do with Retry-After where these are allowed: Envoy heeds it if told to, the others never do.
    func retryAfters(of allowed: [RetryAfterPolicy]) -> [RetryAfterPolicy] {
        self == .meantime || self == .envoy ? allowed : [.ignore]
    }

    /// The gRPC statuses that its conditions have a name for; the service config has all.
    private var grpcStatuses: Set<Int> { self == .meantime || self == .grpc ? Set(1...16) : [1, 4, 8, 13, 14] }

    /// The conditions that say as much of what is wanted as the dialect can.
    func conditions(_ failures: FailureKinds) -> [RetryCondition] {
        var on: [RetryCondition] = []
        // What was sent may have been executed; gRPC has one status for both.
        if self != .linkerd && (self != .grpc || failures.isIdempotent) { on.append(.outcome(.connectFailure)) }
        if failures.isIdempotent {
            // Linkerd looks at answers and at its own limit, not at broken connections (linkerd2-proxy, policy/route/
            // retry.rs, 2026).
            if self != .linkerd { on.append(.outcome(.reset)) }
            let nameless = failures.grpcStatuses.subtracting(grpcStatuses)
            if nameless.isEmpty {
                on.append(.outcome(.errorStatus))
            } else {
                on += failures.grpcStatuses.intersection(grpcStatuses).sorted().map(RetryCondition.grpc)
                on += failures.httpStatuses.union([503]).sorted().map(RetryCondition.http)
            }
        }
        // A gRPC server may have begun on what it then refuses; an HTTP 429 says that it did not.
        if failures.isRefused && (failures.isIdempotent || !failures.isGRPC) && (self != .grpc || failures.isIdempotent)
        {
            on.append(.outcome(.rateLimited))
        }
        return on
    }
}

/// What a route's failures look like, as far as a dialect's words for them depend on it.
struct FailureKinds {
    /// gRPC statuses of failures that are no refusals.
    private(set) var grpcStatuses: Set<Int> = []
    /// HTTP statuses of the same.
    private(set) var httpStatuses: Set<Int> = []
    /// Whether anything was refused for load.
    var isRefused: Bool { isRefusedOverGRPC || isRefusedOverHTTP }
    /// Whether anything was refused for load with a gRPC status.
    private(set) var isRefusedOverGRPC = false
    /// Whether anything was refused for load with HTTP's 429.
    private(set) var isRefusedOverHTTP = false
    /// Whether any failure has a gRPC status.
    private(set) var isGRPC = false
    /// Whether a server said when to come back.
    let isRetryAfterSeen: Bool
    /// Whether some requests may be repeated after they may have been executed.
    private(set) var isIdempotent = false
    /// Whether there are requests that may, and others.
    private(set) var isMixed = false

    /// Reads it off the requests that are played.
    init(_ facts: RouteFacts) {
        var repeatable = 0
        for first in facts.failed + facts.slow where first.isIdempotent { repeatable += 1 }
        isRetryAfterSeen = facts.isRetryAfterSeen
        isIdempotent = repeatable > 0 || facts.failed.isEmpty && facts.slow.isEmpty
        isMixed = repeatable > 0 && repeatable < facts.failed.count + facts.slow.count
        for first in facts.failed {
            if first.outcome == .rateLimited {
                if first.isGRPC { isRefusedOverGRPC = true } else { isRefusedOverHTTP = true }
            }
            isGRPC = isGRPC || first.isGRPC
            if first.outcome != .errorStatus { continue }
            if first.isGRPC { grpcStatuses.insert(first.status) } else { httpStatuses.insert(first.status) }
        }
    }
}
