public import Retry

/// For every failed attempt of a route's log, when the route recovered. The definition is `FailureRecovery`'s.
///
/// methods: recovery
public struct RecoveryIntervals: Sendable {
    /// One failed attempt.
    public struct Failure: Equatable, Sendable {
        /// Its row in the columns.
        public var row: Int
        /// How it failed.
        public var outcome: Outcome
        /// Recovery of the host that failed.
        public var sameHost: CensoredInterval
        /// Recovery of any other host; `nil` on a route with one host.
        public var otherHost: CensoredInterval?
    }

    /// All failed attempts, in order of their start.
    public let failures: [Failure]

    /// Reads them off a route's log; `RecoveryPass` has the cost.
    public init(columns: AttemptColumns) {
        var pass = RecoveryPass()
        var found: [FailureRecovery] = []
        var first = 0
        while first < columns.count {
            let rows = first..<min(first + 4096, columns.count)
            let host = columns.host[rows].map { Int64($0) }
            let outcome = columns.outcome[rows].map { Int64($0.rawValue) }
            pass.add(
                startUs: columns.startUs.span.extracting(rows), durationUs: columns.durationUs.span.extracting(rows),
                host: host.span, outcome: outcome.span, into: &found)
            first = rows.upperBound
        }
        pass.finish(into: &found)
        found.sort { $0.row < $1.row }
        failures = found.map {
            Failure(row: $0.row, outcome: $0.outcome, sameHost: $0.sameHost, otherHost: $0.otherHost)
        }
    }
}
