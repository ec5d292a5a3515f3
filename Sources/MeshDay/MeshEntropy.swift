/// What the rows told so far, in bits: −log2 of the probability of everything that was drawn, given the law that it
/// was drawn from.
///
/// A lower bound on any lossless store of the rows as a set: whoever knows the law, every route's parameters and every
/// outage cannot need less on average (Shannon 1948). What follows from other cells costs nothing: attempt numbers, the
/// limit, versions, a retry's start (the end of the attempt before it plus the wait), request numbers (the order of
/// the first attempts). `Benchmarks/README.md` derives each term.
public struct MeshEntropy: Equatable, Sendable {
    /// Starts of first attempts and their routes: the points of one Poisson process a route.
    public internal(set) var start = 0.0
    /// Routes of first attempts, by popularity.
    public internal(set) var route = 0.0
    /// Hosts.
    public internal(set) var host = 0.0
    /// Durations, given outcome and route.
    public internal(set) var duration = 0.0
    /// Waits of retries.
    public internal(set) var wait = 0.0
    /// Outcomes, given the outages.
    public internal(set) var outcome = 0.0
    /// Statuses, given outcomes.
    public internal(set) var status = 0.0
    /// What servers asked for.
    public internal(set) var retryAfter = 0.0
    /// Methods of first attempts.
    public internal(set) var method = 0.0

    /// The columns of the attempt record that carry something, and how many bits.
    public var byColumn: [(column: String, bits: Double)] {
        [
            ("start_us", start), ("duration_us", duration), ("route", route), ("host", host), ("request", 0),
            ("attempt", 0), ("wait_us", wait), ("outcome", outcome), ("status", status), ("is_grpc", 0),
            ("timeout_us", 0), ("retry_after_us", retryAfter), ("method", method), ("hedge", 0), ("rule_version", 0),
        ]
    }

    /// All columns together.
    public var total: Double { byColumn.reduce(0) { $0 + $1.bits } }
}
