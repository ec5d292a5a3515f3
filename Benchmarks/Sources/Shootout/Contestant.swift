import Retry

/// A rule with what its proxy or library does besides: how it limits its retries.
struct Contestant: Sendable {
    let name: String
    var rule: Rule
    var governor = Governor.Kind.none
}

/// What limits a client's retries besides the rule's own budget.
struct Governor {
    enum Kind: Sendable {
        case none
        /// At most so many retries at a time (Envoy's circuit breaker).
        case concurrency(Int)
        /// gRPC A6: a failure takes a token, a success gives `ratio`; retries while more than half is left.
        case throttle(tokens: Double, ratio: Double)
        /// AWS SDKs: a retry takes tokens; what its request then achieves gives them back, and a first success one.
        case bucket(tokens: Double, transient: Double, timeout: Double, throttled: Double, slowThrottle: Bool)
    }

    private let kind: Kind
    private var tokens = 0.0
    private var running = 0

    init(_ kind: Kind) {
        self.kind = kind
        switch kind {
        case .none, .concurrency: break
        case .throttle(let most, _), .bucket(let most, _, _, _, _): tokens = most
        }
    }

    /// Whether a retry after this failure may be made; `taken` is what it took.
    mutating func allows(after outcome: Outcome) -> (isAllowed: Bool, taken: Double) {
        switch kind {
        case .none:
            return (true, 0)
        case .concurrency(let most):
            guard running < most else { return (false, 0) }
            running += 1
            return (true, 1)
        case .throttle(let most, _):
            return (tokens > most / 2, 0)
        case .bucket(_, let transient, let timeout, let throttled, _):
            let cost = outcome == .rateLimited ? throttled : outcome == .timeout ? timeout : transient
            guard tokens >= cost else { return (false, 0) }
            tokens -= cost
            return (true, cost)
        }
    }

    /// An attempt failed.
    mutating func failed() {
        if case .throttle = kind { tokens = max(0, tokens - 1) }
    }

    /// A request succeeded; `taken` is what its last retry took, 0 if it needed none.
    mutating func succeeded(taken: Double) {
        switch kind {
        case .none, .concurrency: break
        case .throttle(let most, let ratio): tokens = min(most, tokens + ratio)
        case .bucket(let most, _, _, _, _): tokens = min(most, tokens + (taken > 0 ? taken : 1))
        }
    }

    /// A retry is over.
    mutating func released() {
        if case .concurrency = kind { running -= 1 }
    }

    /// The wait that a rule that heeds is told of: what the server asked, or what the client makes of it when
    /// throttled.
    func leastWaitUs(_ result: AttemptResult, attempt: Int, unit: Double) -> Int64 {
        guard case .bucket(_, _, _, _, let slowThrottle) = kind, slowThrottle, result.outcome == .rateLimited else {
            return result.retryAfterUs
        }
        // AWS 2026: base 1 s when throttled; what the server asks is clamped to [computed, computed + 5 s].
        var capUs = 1_000_000.0
        for _ in 1..<max(1, attempt) { capUs = min(20_000_000, capUs * 2) }
        let computedUs = Int64(unit * capUs)
        return min(max(result.retryAfterUs, computedUs), computedUs + 5_000_000)
    }
}
