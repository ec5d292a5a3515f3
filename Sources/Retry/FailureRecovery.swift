/// When a failed attempt's route and hosts recovered, as later probes tell: anyone's attempts, not just its retries.
///
/// Time 0 is the end of the failed attempt. Recovery lies in (L, R]: R is the start of the first later attempt that
/// succeeded, L that of the last one before it that failed (0 if none did); R is infinite where none succeeded before
/// the log ends. Only attempts that started at or after the end count. Cancelled attempts tell nothing.
///
/// methods: recovery
public struct FailureRecovery: Equatable, Sendable {
    /// Its row among the attempts of the route in the asked range, sorted by start.
    public var row: Int
    /// The number of its host.
    public var host: Int
    /// How it failed.
    public var outcome: Outcome
    /// UNIX time at which it had failed, in microseconds.
    public var endUs: Int64
    /// Recovery of any host of the route.
    public var route: CensoredInterval
    /// Recovery of the host that failed.
    public var sameHost: CensoredInterval
    /// Recovery of any other host; `nil` on a route with one host.
    public var otherHost: CensoredInterval?

    /// A failed attempt.
    public init(
        row: Int, host: Int, outcome: Outcome, endUs: Int64, route: CensoredInterval, sameHost: CensoredInterval,
        otherHost: CensoredInterval?
    ) {
        self.row = row
        self.host = host
        self.outcome = outcome
        self.endUs = endUs
        self.route = route
        self.sameHost = sameHost
        self.otherHost = otherHost
    }
}
