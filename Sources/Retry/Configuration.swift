/// What people write: `meantime.yaml`. Times are microseconds.
public struct Configuration: Equatable, Sendable {
    /// The store's path.
    public var store: String
    /// The rule file's path: written by `tune`, watched by the proxy.
    public var rules: String
    /// Where the proxy listens, `host:port`.
    public var listen: String
    /// Where health, metrics and the rules in force are served, `host:port`.
    public var admin: String
    /// What a route's owner cares about, unless the route says otherwise.
    public var objective: Objective
    /// Whether somebody named the deadline of `objective`; where nobody did, no timeout is shortened to it.
    public var isDeadlineGiven: Bool
    /// In the order of the file: the first route that matches serves the request.
    public var routes: [RouteConfiguration]

    /// A configuration; every argument has its default.
    public init(
        store: String = "meantime.db", rules: String = "rules.yaml", listen: String = "127.0.0.1:8080",
        admin: String = "127.0.0.1:9090", objective: Objective = Objective(), isDeadlineGiven: Bool = true,
        routes: [RouteConfiguration] = []
    ) {
        self.store = store
        self.rules = rules
        self.listen = listen
        self.admin = admin
        self.objective = objective
        self.isDeadlineGiven = isDeadlineGiven
        self.routes = routes
    }

    /// The configuration of a route, if it is named.
    public func route(named name: String) -> RouteConfiguration? { routes.first { $0.name == name } }

    /// The objective of a route, named or not.
    public func objective(for route: String) -> Objective { self.route(named: route)?.objective ?? objective }
}

/// One route as people write it.
public struct RouteConfiguration: Equatable, Sendable {
    /// The route's name.
    public var name: String
    /// Which requests belong to it.
    public var match: RouteMatch
    /// Its hosts, `address:port`.
    public var hosts: [String]
    /// Whether a request that may have been executed may be sent again; `nil`: by its method (RFC 9110 §9.2.2).
    public var idempotent: Bool?
    /// What its owner cares about.
    public var objective: Objective
    /// Whether somebody named the deadline of `objective`.
    public var isDeadlineGiven: Bool
    /// What a tuned rule must stay within.
    public var bounds: Bounds

    /// A route.
    public init(
        name: String, match: RouteMatch = RouteMatch(), hosts: [String] = [], idempotent: Bool? = nil,
        objective: Objective = Objective(), isDeadlineGiven: Bool = true, bounds: Bounds = Bounds()
    ) {
        self.name = name
        self.match = match
        self.hosts = hosts
        self.idempotent = idempotent
        self.objective = objective
        self.isDeadlineGiven = isDeadlineGiven
        self.bounds = bounds
    }

    /// Whether a request with this method may be repeated after it may have been executed.
    public func isIdempotent(method: String) -> Bool { idempotent ?? Self.idempotentMethods.contains(method) }

    /// RFC 9110 §9.2.2: the safe methods, PUT and DELETE.
    public static let idempotentMethods: Set<String> = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]
}

/// Which requests belong to a route; what is absent matches everything.
public struct RouteMatch: Equatable, Sendable {
    /// The `Host` header without its port, lower case.
    public var host: String?
    /// How the path begins, on whole segments: `/pay` matches `/pay` and `/pay/x`, not `/payments`.
    public var pathPrefix: String
    /// Methods; empty: all.
    public var methods: [String]

    /// A match; without arguments, everything.
    public init(host: String? = nil, pathPrefix: String = "/", methods: [String] = []) {
        self.host = host
        self.pathPrefix = pathPrefix
        self.methods = methods
    }

    /// Whether a request belongs here. `host` is the header's value without a port, in any case (RFC 9110 §4.2.3); a
    /// query after `path` does not count.
    public func matches(host: String, path: String, method: String) -> Bool {
        if let wanted = self.host, wanted != host, wanted.lowercased() != host.lowercased() { return false }
        if !methods.isEmpty && !methods.contains(method) { return false }
        guard path.utf8.starts(with: pathPrefix.utf8) else { return false }
        if pathPrefix.utf8.last == UInt8(ascii: "/") || path.utf8.count == pathPrefix.utf8.count { return true }
        let next = path.utf8[path.utf8.index(path.utf8.startIndex, offsetBy: pathPrefix.utf8.count)]
        return next == UInt8(ascii: "/") || next == UInt8(ascii: "?")
    }
}

/// What a route's owner cares about: cost of a request = latency up to the deadline + `failureCostUs` if it failed
/// + `attemptCostUs` × (attempts − 1). All in microseconds, so that costs add up to a time.
public struct Objective: Equatable, Hashable, Sendable {
    /// The client's limit for the whole request.
    public var deadlineUs: Int64
    /// What a failed request costs beside its latency.
    public var failureCostUs: Int64
    /// What every attempt after the first costs.
    public var attemptCostUs: Int64
    /// The most extra attempts per request, on average and so for the budget's ratio.
    public var maxExtraAttempts: Double

    /// An objective; without arguments, the default for all routes.
    public init(
        deadlineUs: Int64 = 2_000_000, failureCostUs: Int64 = 10_000_000, attemptCostUs: Int64 = 50_000,
        maxExtraAttempts: Double = 0.2
    ) {
        self.deadlineUs = deadlineUs
        self.failureCostUs = failureCostUs
        self.attemptCostUs = attemptCostUs
        self.maxExtraAttempts = maxExtraAttempts
    }

    /// The cost of one request in microseconds. An answer after the deadline finds nobody waiting: it is a failure.
    public func costUs(latencyUs: Int64, failed: Bool, attempts: Int) -> Int64 {
        let isFailure = failed || latencyUs > deadlineUs
        return min(latencyUs, deadlineUs) + (isFailure ? failureCostUs : 0) + attemptCostUs
            * Int64(max(0, attempts - 1))
    }
}

/// What a tuned rule must stay within.
public struct Bounds: Equatable, Hashable, Sendable {
    /// The most retries.
    public var maxRetries: Int
    /// The shortest and longest per-try timeout that may be chosen, microseconds; `nil`: free.
    public var perTryTimeoutUs: ClosedRange<Int64>?
    /// Whether a retry may come back sooner than the server asks in Retry-After.
    public var mayIgnoreRetryAfter: Bool

    /// Bounds; without arguments, at most four retries, which heed Retry-After.
    public init(
        maxRetries: Int = 4, perTryTimeoutUs: ClosedRange<Int64>? = nil, mayIgnoreRetryAfter: Bool = false
    ) {
        self.maxRetries = maxRetries
        self.perTryTimeoutUs = perTryTimeoutUs
        self.mayIgnoreRetryAfter = mayIgnoreRetryAfter
    }
}
