public import Retry

/// Whether a request that was slow once is slow again: what decides if a timeout may be shortened or a hedge added.
///
/// "Slow" means no answer within the limit that cut off the first attempt. The log shows a second attempt of a slow
/// request only where a rule retried its timeouts, or hedged it; a first attempt that answered slowly is not seen again.
/// Attempts that started while their host was probably down are left out: an outage, not the request, made them slow.
///
/// methods: dependence
public struct AttemptDependence: Equatable, Sendable {
    /// What the log can tell.
    public enum Verdict: String, Equatable, Sendable {
        /// Too few second attempts of slow requests, or an interval that holds both answers: leave the timeout alone.
        case notIdentified = "not identified"
        /// A second attempt is slow hardly more often than any attempt.
        case independent
        /// A second attempt of a slow request is slow more often than any attempt.
        case dependent
    }

    /// Second attempts of slow requests: how many were slow too.
    public var slowAfterSlow: Proportion
    /// First attempts under the same limits: how many were slow.
    public var slow: Proportion
    /// What follows.
    public var verdict: Verdict

    /// The widest 95 % interval of P(slow | slow) that still tells the answers apart.
    public static let widestInterval = 0.4
    /// The greatest P(slow | slow) beyond P(slow) that still counts as independent.
    public static let negligibleExcess = 0.1

    /// Reads it off a route's log. Cost: O(n).
    public init(columns: AttemptColumns, states: HostStates?) {
        var tally = DependenceTally()
        for row in 0..<columns.count {
            // A first attempt that went to a host that was down tells of the host.
            if let states, states.probeUpProbability[row] < 0.5 { continue }
            tally.add(columns, row)
        }
        slowAfterSlow = tally.slowAfterSlow
        slow = tally.slow
        verdict = Self.verdict(slowAfterSlow: tally.slowAfterSlow, slow: tally.slow)
    }

    /// The verdict on two proportions.
    static func verdict(slowAfterSlow: Proportion, slow: Proportion) -> Verdict {
        guard slowAfterSlow.trials > 0, slow.trials > 0 else { return .notIdentified }
        let again = slowAfterSlow.interval()
        let usual = slow.interval()
        if again.upperBound <= usual.upperBound + negligibleExcess { return .independent }
        if again.lowerBound > usual.upperBound && again.lowerBound > negligibleExcess { return .dependent }
        if again.upperBound - again.lowerBound > widestInterval { return .notIdentified }
        return again.lowerBound > usual.upperBound ? .dependent : .notIdentified
    }
}

/// Goes through a log in order of start and pairs attempts of a request.
private struct DependenceTally {
    var slowAfterSlow = Proportion(hits: 0, trials: 0)
    var slow = Proportion(hits: 0, trials: 0)
    /// The limit that an open request has exceeded once.
    private var exceededUs: [UInt64: Int64] = [:]

    mutating func add(_ columns: AttemptColumns, _ row: Int) {
        let request = columns.request[row]
        let isFirst = columns.attempt[row] == 1
        if !isFirst, let limitUs = exceededUs.removeValue(forKey: request) {
            count(columns, row, limitUs: limitUs, into: \.slowAfterSlow)
            return
        }
        guard isFirst else { return }
        let limitUs = columns.timeoutUs[row]
        if limitUs > 0 { count(columns, row, limitUs: limitUs, into: \.slow) }
        if columns.outcome[row] == .timeout {
            exceededUs[request] = limitUs > 0 ? limitUs : columns.durationUs[row]
        }
    }

    /// An attempt counts if it was watched as long as the limit or answered before.
    private mutating func count(
        _ columns: AttemptColumns, _ row: Int, limitUs: Int64, into proportion: WritableKeyPath<Self, Proportion>
    ) {
        let durationUs = columns.durationUs[row]
        switch columns.outcome[row] {
        case .success:
            self[keyPath: proportion].trials += 1
            if durationUs > limitUs { self[keyPath: proportion].hits += 1 }
        case .timeout, .cancelled:
            // Cut off before the limit: neither fast nor slow. Limits fire a little late, never early.
            guard durationUs >= limitUs else { return }
            self[keyPath: proportion].trials += 1
            self[keyPath: proportion].hits += 1
        default:
            return
        }
    }
}
