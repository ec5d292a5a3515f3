/// The retry and timeout policy of one route, as data: made by the analyzer, enforced by the proxy. Times are
/// microseconds.
public struct Rule: Equatable, Hashable, Sendable {
    /// Limit of the whole request, all attempts and waits included; `nil`: none.
    public var timeoutUs: Int64?
    /// Limit of each attempt; `nil`: the rest of `timeoutUs`.
    public var perTryTimeoutUs: Int64?
    /// Which failures are retried, how often and after which waits; `nil`: no retries.
    public var retry: RetryPolicy?
    /// The cap on retries as a share of requests; `nil`: none.
    public var budget: BudgetPolicy?
    /// A second attempt beside a slow one; `nil`: none.
    public var hedge: HedgePolicy?
    /// How long a failing host is given a rest; `nil`: none.
    public var ejectionUs: Int64?

    /// A rule; without arguments, one attempt without a limit.
    public init(
        timeoutUs: Int64? = nil, perTryTimeoutUs: Int64? = nil, retry: RetryPolicy? = nil, budget: BudgetPolicy? = nil,
        hedge: HedgePolicy? = nil, ejectionUs: Int64? = nil
    ) {
        self.timeoutUs = timeoutUs
        self.perTryTimeoutUs = perTryTimeoutUs
        self.retry = retry
        self.budget = budget
        self.hedge = hedge
        self.ejectionUs = ejectionUs
    }
}

/// Which failures are retried, how often, where and after which waits.
public struct RetryPolicy: Equatable, Hashable, Sendable {
    /// Attempts after the first.
    public var maxRetries: Int
    /// What is retried.
    public var on: [RetryCondition]
    /// Where a retry goes.
    public var host: HostChoice
    /// What a retry does with Retry-After.
    public var retryAfter: RetryAfterPolicy
    /// The waits before the retries.
    public var backoff: Backoff

    /// A policy.
    public init(
        maxRetries: Int, on: [RetryCondition], host: HostChoice = .other, retryAfter: RetryAfterPolicy = .heed,
        backoff: Backoff
    ) {
        self.maxRetries = maxRetries
        self.on = on
        self.host = host
        self.retryAfter = retryAfter
        self.backoff = backoff
    }
}

/// A failure that a rule names: a class of outcomes, or one exact status.
public enum RetryCondition: Equatable, Hashable, Sendable {
    /// Every attempt with this outcome (a failure).
    case outcome(Outcome)
    /// Attempts that got this HTTP status, 400 ... 599.
    case http(Int)
    /// Attempts that got this gRPC status, 1 ... 16.
    case grpc(Int)

    /// As written in rule files: `error_status`, `http_503`, `grpc_14`.
    public var name: String {
        switch self {
        case .outcome(let outcome): outcome.name
        case .http(let status): "http_\(status)"
        case .grpc(let status): "grpc_\(status)"
        }
    }

    /// The condition of that name, if it is one.
    public init?(name: String) {
        if let outcome = Outcome(name: name), outcome.isFailure {
            self = .outcome(outcome)
        } else if name.hasPrefix("http_"), let status = Int(name.dropFirst(5)), (400...599).contains(status),
            name == "http_\(status)"
        {
            self = .http(status)
        } else if name.hasPrefix("grpc_"), let status = Int(name.dropFirst(5)), (1...16).contains(status),
            name == "grpc_\(status)"
        {
            self = .grpc(status)
        } else {
            return nil
        }
    }

    /// Whether a failed attempt meets the condition.
    public func matches(outcome: Outcome, status: Int, isGRPC: Bool) -> Bool {
        switch self {
        case .outcome(let wanted): outcome == wanted
        case .http(let wanted): !isGRPC && outcome.isFailure && status == wanted
        case .grpc(let wanted): isGRPC && outcome.isFailure && status == wanted
        }
    }
}

/// Where a retry goes.
public enum HostChoice: String, Equatable, Hashable, Sendable, CaseIterable {
    /// A host that this request has not tried, while there is one.
    case other
    /// Any host, as for a first attempt.
    case any
}

/// What a retry does with Retry-After, by which a server says how long the client "ought to wait" (RFC 9110 §10.2.3).
public enum RetryAfterPolicy: String, Equatable, Hashable, Sendable, CaseIterable {
    /// It waits at least as long as the server asks.
    case heed
    /// It waits as the backoff says, whatever the server asks.
    case ignore
}

/// The waits before retries.
public enum Backoff: Equatable, Hashable, Sendable {
    /// The wait before retry *n* is the *n*-th (the last repeats), times uniform [1 − jitter, 1 + jitter].
    case waits([Int64], jitter: Double)
    /// The wait before retry *n* is min(base × multiplier^(n−1), max); with `full` jitter uniform in [0, that).
    case exponential(baseUs: Int64, maxUs: Int64, multiplier: Double, jitter: ExponentialJitter)

    /// One wait before chance has had its say.
    public enum Pause: Equatable, Hashable, Sendable {
        /// So many microseconds.
        case exact(Int64)
        /// So many microseconds, times uniform [1 − jitter, 1 + jitter).
        case around(Int64, jitter: Double)
        /// Uniform in [0, so many microseconds).
        case below(Double)

        /// The wait in microseconds; `unit` is uniform in [0, 1).
        @inlinable
        public func us(unit: Double) -> Int64 {
            switch self {
            case .exact(let waitUs): waitUs
            case .around(let waitUs, let jitter): Int64((Double(waitUs) * (1 + jitter * (2 * unit - 1))).rounded())
            case .below(let waitUs): Int64(waitUs * unit)
            }
        }
    }

    /// The wait before retry `retry` (1, 2, ...).
    public func pause(retry: Int) -> Pause {
        switch self {
        case .waits(let list, let jitter):
            guard let last = list.last else { return .exact(0) }
            let wait = retry <= list.count ? list[retry - 1] : last
            return jitter == 0 ? .exact(wait) : .around(wait, jitter: jitter)
        case .exponential(let baseUs, let maxUs, let multiplier, let jitter):
            var cap = Double(baseUs)
            for _ in 1..<max(1, retry) where cap < Double(maxUs) { cap *= multiplier }
            cap = min(cap, Double(maxUs))
            return jitter == .full ? .below(cap) : .exact(Int64(cap.rounded()))
        }
    }

    /// The wait before retry `retry` (1, 2, ...) in microseconds; `unit` is uniform in [0, 1).
    public func waitUs(retry: Int, unit: Double) -> Int64 { pause(retry: retry).us(unit: unit) }

    /// The longest wait before retry `retry`.
    public func longestWaitUs(retry: Int) -> Int64 { waitUs(retry: retry, unit: 1) }
}

/// How an exponential wait is spread.
public enum ExponentialJitter: String, Equatable, Hashable, Sendable, CaseIterable {
    /// Uniform in [0, wait): what Envoy 1.40 draws.
    case full
    /// Exact.
    case none
}

/// The cap on retries: in the last `windowUs`, retries ≤ max(ratio × requests, minPerSecond × window).
public struct BudgetPolicy: Equatable, Hashable, Sendable {
    /// Retries per request, 0 ... 1 (more than 1 is allowed up to 10 for rules that only imitate "no budget").
    public var ratio: Double
    /// Retries a second that are always allowed.
    public var minPerSecond: Double
    /// The window in microseconds.
    public var windowUs: Int64

    /// A cap.
    public init(ratio: Double, minPerSecond: Double, windowUs: Int64) {
        self.ratio = ratio
        self.minPerSecond = minPerSecond
        self.windowUs = windowUs
    }
}

/// A second attempt beside one that is slow.
public struct HedgePolicy: Equatable, Hashable, Sendable {
    /// How long the running attempt is given first, in microseconds.
    public var delayUs: Int64
    /// Hedges per request.
    public var max: Int

    /// A hedge.
    public init(delayUs: Int64, max: Int) {
        self.delayUs = delayUs
        self.max = max
    }
}

/// The facts that justify a rule, written beside it.
public struct Evidence: Equatable, Hashable, Sendable {
    /// Attempts, failures among them, and outages: the unit of independent evidence.
    public var attempts: Int
    /// Failed attempts.
    public var failures: Int
    /// Outages.
    public var outages: Int
    /// The observed span, UNIX microseconds.
    public var windowUs: ClosedRange<Int64>?
    /// Mean cost of a request in seconds under the rule before, and predicted under this one.
    public var cost: CostEvidence?
    /// Why this rule, or why it was left alone.
    public var reason: String

    /// Evidence.
    public init(
        attempts: Int, failures: Int, outages: Int, windowUs: ClosedRange<Int64>? = nil, cost: CostEvidence? = nil,
        reason: String
    ) {
        self.attempts = attempts
        self.failures = failures
        self.outages = outages
        self.windowUs = windowUs
        self.cost = cost
        self.reason = reason
    }
}

/// Mean cost of a request, in seconds, before and after; the interval is the 95 % interval of after − before.
public struct CostEvidence: Equatable, Hashable, Sendable {
    /// Under the rule that was in force.
    public var before: Double
    /// Predicted under this rule.
    public var after: Double
    /// 95 % interval of after − before, seconds per request.
    public var interval: ClosedRange<Double>

    /// Costs.
    public init(before: Double, after: Double, interval: ClosedRange<Double>) {
        self.before = before
        self.after = after
        self.interval = interval
    }
}

/// The rules of all routes, with a version.
public struct RuleSet: Equatable, Sendable {
    /// A route's rule and what justifies it.
    public struct Entry: Equatable, Hashable, Sendable {
        /// The rule.
        public var rule: Rule
        /// What justifies it, when Meantime wrote it.
        public var evidence: Evidence?

        /// An entry.
        public init(rule: Rule, evidence: Evidence? = nil) {
            self.rule = rule
            self.evidence = evidence
        }
    }

    /// Grows by one with every set that is put in force; ≥ 1.
    public var version: Int
    /// When the set was made, UNIX microseconds.
    public var createdUs: Int64
    /// By route name.
    public var routes: [String: Entry]

    /// A set.
    public init(version: Int, createdUs: Int64, routes: [String: Entry]) {
        self.version = version
        self.createdUs = createdUs
        self.routes = routes
    }

    /// The rule of a route, if the set has one. An entry with nothing but evidence leaves its route as it is: no rule.
    public func rule(for route: String) -> Rule? {
        routes[route].flatMap { $0.rule == Rule() ? nil : $0.rule }
    }
}
