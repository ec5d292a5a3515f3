/// One try of a request on one host: the unit of the log. Times are microseconds.
public struct Attempt: Equatable, Hashable, Sendable {
    /// UNIX time at which the attempt was sent.
    public var startUs: Int64
    /// From the start until the outcome was known.
    public var durationUs: Int64
    /// The unit that has a rule.
    public var route: String
    /// The endpoint that was tried; empty when the log does not say.
    public var host: String
    /// Shared by the attempts of one request.
    public var request: UInt64
    /// 1 is the first; hedges count.
    public var attempt: Int
    /// The pause before this attempt; 0 for the first.
    public var waitUs: Int64
    /// How it ended.
    public var outcome: Outcome
    /// HTTP status, or gRPC status when `isGRPC`; 0 if none.
    public var status: Int
    /// Whether `status` is a gRPC status.
    public var isGRPC: Bool
    /// The limit in force on this attempt, 0 for none: what censors `durationUs`.
    public var timeoutUs: Int64
    /// What the server asked for, 0 for none.
    public var retryAfterUs: Int64
    /// The request's method; empty when the log does not say.
    public var method: String
    /// Whether it ran beside another attempt of its request.
    public var hedge: Bool
    /// The version of the rule set in force; 0 when unknown.
    public var ruleVersion: Int

    /// An attempt; what the log does not say takes the value that says so.
    public init(
        startUs: Int64, durationUs: Int64, route: String, host: String = "", request: UInt64 = 0, attempt: Int = 1,
        waitUs: Int64 = 0, outcome: Outcome, status: Int = 0, isGRPC: Bool = false, timeoutUs: Int64 = 0,
        retryAfterUs: Int64 = 0, method: String = "", hedge: Bool = false, ruleVersion: Int = 0
    ) {
        self.startUs = startUs
        self.durationUs = durationUs
        self.route = route
        self.host = host
        self.request = request
        self.attempt = attempt
        self.waitUs = waitUs
        self.outcome = outcome
        self.status = status
        self.isGRPC = isGRPC
        self.timeoutUs = timeoutUs
        self.retryAfterUs = retryAfterUs
        self.method = method
        self.hedge = hedge
        self.ruleVersion = ruleVersion
    }

    /// UNIX time at which the outcome was known, in microseconds.
    public var endUs: Int64 { startUs + durationUs }
}
