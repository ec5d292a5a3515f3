/// A source that sums attempts up where they lie, so that nobody has to load them: the store is one, a fleet's
/// warehouse could be another.
///
/// Attempts that cannot be read are left out of every summary and counted by `missingAttempts`.
public protocol SummarySource: AttemptSource {
    /// How long the attempts of each route took, by outcome; routes by name. Routes without attempts are left out.
    func latencyHistograms(_ scope: SummaryScope) throws -> [RouteLatency]
    /// Exact quantiles of each route's durations by nearest rank (`LatencyHistogram.rank`): the least duration that is
    /// not exceeded by the share; routes by name. Routes without such attempts are left out.
    ///
    /// - Parameters:
    ///   - shares: 0 ... 1 each.
    ///   - outcomes: only attempts that ended so.
    ///   - scope: which attempts.
    func latencyQuantiles(_ shares: [Double], outcomes: Set<Outcome>, _ scope: SummaryScope) throws -> [RouteQuantiles]
    /// The recovery of every failed attempt, as `RecoveryPass` reads it off each route's attempts, sorted by start,
    /// then attempt number, as `attempts` gives them.
    ///
    /// - Parameters:
    ///   - scope: which attempts; what lies outside tells nothing.
    ///   - body: is given the failures of a route whose recovery has become known; a route comes many times. The order
    ///     of the calls depends on the attempts alone.
    func recoveryIntervals(_ scope: SummaryScope, _ body: (RouteRecoveries) throws -> Void) throws
    /// What every attempt says about its host.
    ///
    /// - Parameters:
    ///   - scope: which attempts.
    ///   - body: is given a stretch of a route's probes; a route comes many times, its probes in order of their start.
    func hostProbes(_ scope: SummaryScope, _ body: (RouteProbes) throws -> Void) throws
}

/// Which attempts a summary is about.
public struct SummaryScope: Equatable, Sendable {
    /// One route, or `nil` for all.
    public var route: String?
    /// The earliest start, UNIX microseconds; `nil`: from the beginning.
    public var fromUs: Int64?
    /// The end of the starts, exclusive; `nil`: to the last.
    public var toUs: Int64?

    /// A scope; without arguments, everything.
    public init(route: String? = nil, fromUs: Int64? = nil, toUs: Int64? = nil) {
        self.route = route
        self.fromUs = fromUs
        self.toUs = toUs
    }
}

/// How long the attempts of one route took.
public struct RouteLatency: Equatable, Sendable {
    /// The route's name.
    public var route: String
    /// The durations by outcome; outcomes that did not occur are left out.
    public var histograms: [Outcome: LatencyHistogram]

    /// The durations of one route.
    public init(route: String, histograms: [Outcome: LatencyHistogram]) {
        self.route = route
        self.histograms = histograms
    }
}

/// Exact quantiles of one route's durations.
public struct RouteQuantiles: Equatable, Sendable {
    /// The route's name.
    public var route: String
    /// How many attempts they are of.
    public var attempts: Int
    /// The quantiles in microseconds, in the order of the shares asked for.
    public var quantilesUs: [Int64]

    /// Quantiles of one route.
    public init(route: String, attempts: Int, quantilesUs: [Int64]) {
        self.route = route
        self.attempts = attempts
        self.quantilesUs = quantilesUs
    }
}

/// Some failures of one route with their recovery.
public struct RouteRecoveries: Equatable, Sendable {
    /// The route's name.
    public var route: String
    /// The names behind `FailureRecovery.host`; other routes' hosts may be among them.
    public var hostNames: [String]
    /// The failures, in no promised order; their `row` tells it.
    public var failures: [FailureRecovery]

    /// Failures of one route.
    public init(route: String, hostNames: [String], failures: [FailureRecovery]) {
        self.route = route
        self.hostNames = hostNames
        self.failures = failures
    }
}

/// Some attempts of one route as probes of its hosts, sorted by start; cancelled ones are left out, for they tell
/// nothing. The columns have one length.
public struct RouteProbes: Equatable, Sendable {
    /// The route's name.
    public var route: String
    /// The names behind `host`; other routes' hosts may be among them.
    public var hostNames: [String]
    /// UNIX start times, microseconds.
    public var startUs: [Int64] = []
    /// UNIX times at which the outcomes were known, microseconds.
    public var endUs: [Int64] = []
    /// Index into `hostNames`.
    public var host: [Int32] = []
    /// Whether the attempt failed.
    public var isFailure: [Bool] = []

    /// No probes yet.
    public init(route: String, hostNames: [String]) {
        self.route = route
        self.hostNames = hostNames
    }
}
