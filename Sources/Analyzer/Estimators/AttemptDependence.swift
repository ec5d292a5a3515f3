public import Retry

/// Whether a request that was slow once is slow again: what decides if a timeout may be shortened or a hedge added.
///
/// "Slow" means no answer within a limit: the one that cut off the first attempt, or the delay after which a hedge was
/// sent beside it. The log shows a second attempt of a slow request only where a rule retried its timeouts or hedged;
/// a first attempt that answered slowly and in time is not seen again, so slowness below the limit stays unknown.
///
/// Attempts on a host that was probably down are left out (an outage, not the request, made them slow), but only where
/// another request's attempt beside them failed too: a big request that times out twice in quiet traffic looks like an
/// outage, and must not hide itself that way.
///
/// methods: attempt dependence
public struct AttemptDependence: Equatable, Sendable {
    /// What the log can tell.
    public enum Verdict: String, Equatable, Sendable {
        /// Too few second attempts of slow requests to tell the other two apart: leave the timeout alone.
        case notIdentified = "not identified"
        /// A second attempt is slow hardly more often than any attempt: the upper ends of the two 95 % intervals
        /// differ by at most `negligibleExcess`.
        case independent
        /// A second attempt of a slow request is slow more often than any attempt: the intervals are apart.
        case dependent
    }

    /// Second attempts of slow requests: how many were slow too.
    public var slowAfterSlow: Proportion
    /// First attempts, measured by the middle one of those limits: how many were slow.
    public var slow: Proportion
    /// That limit, microseconds; 0 when the log has no limit at all.
    public var limitUs: Int64
    /// What follows.
    public var verdict: Verdict

    /// The greatest P(slow | slow) beyond P(slow) that still counts as independent.
    public static let negligibleExcess = 0.1

    /// Reads it off a route's log. Cost: O(n).
    public init(columns: AttemptColumns, states: HostStates?) {
        let isOutage = Self.outageRows(columns, states)
        var pairing = SlowPairs(columns)
        for row in 0..<columns.count { pairing.add(row, isOutage: isOutage[row]) }
        limitUs = pairing.middleLimitUs
        slowAfterSlow = pairing.slowAfterSlow
        slow = Proportion(hits: 0, trials: 0)
        if limitUs > 0 {
            for row in 0..<columns.count where columns.attempt[row] == 1 && !isOutage[row] {
                guard let isSlow = columns.isSlow(row, limitUs: limitUs) else { continue }
                slow.trials += 1
                if isSlow { slow.hits += 1 }
            }
        }
        verdict = Self.verdict(slowAfterSlow: slowAfterSlow, slow: slow)
    }

    /// Rows on a host that was probably down, as another request's nearest attempt on it confirms.
    private static func outageRows(_ columns: AttemptColumns, _ states: HostStates?) -> [Bool] {
        var isOutage = [Bool](repeating: false, count: columns.count)
        guard let states else { return isOutage }
        for track in states.tracks {
            for index in track.row.indices {
                let row = Int(track.row[index])
                guard states.probeUpProbability[row] < 0.5 else { continue }
                isOutage[row] = [-1, 1].contains { direction in
                    var near = index + direction
                    while track.row.indices.contains(near) {
                        let other = Int(track.row[near])
                        if columns.request[other] != columns.request[row] { return columns.outcome[other].isFailure }
                        near += direction
                    }
                    return false
                }
            }
        }
        return isOutage
    }

    /// The verdict on two proportions.
    static func verdict(slowAfterSlow: Proportion, slow: Proportion) -> Verdict {
        guard slowAfterSlow.trials > 0, slow.trials > 0 else { return .notIdentified }
        let again = slowAfterSlow.interval()
        let usual = slow.interval()
        if again.upperBound <= usual.upperBound + negligibleExcess { return .independent }
        return again.lowerBound > usual.upperBound ? .dependent : .notIdentified
    }
}

/// Goes through a log in order of start and pairs the first two attempts of requests whose first was slow.
private struct SlowPairs {
    var slowAfterSlow = Proportion(hits: 0, trials: 0)
    private let columns: AttemptColumns
    private var limitsUs: [Int64] = []
    /// The limit that an open request has exceeded once.
    private var exceededUs: [UInt64: Int64] = [:]
    /// When the first attempt of a request that was hedged began.
    private var beganUs: [UInt64: Int64] = [:]
    private let hedged: Set<UInt64>

    init(_ columns: AttemptColumns) {
        self.columns = columns
        var hedged: Set<UInt64> = []
        for row in 0..<columns.count where columns.hedge[row] { hedged.insert(columns.request[row]) }
        self.hedged = hedged
    }

    /// The middle limit of the pairs; without pairs, that of the first attempts that had one.
    var middleLimitUs: Int64 {
        var limits = limitsUs
        if limits.isEmpty {
            for row in 0..<columns.count where columns.attempt[row] == 1 && columns.timeoutUs[row] > 0 {
                limits.append(columns.timeoutUs[row])
            }
        }
        limits.sort()
        return limits.isEmpty ? 0 : limits[limits.count / 2]
    }

    mutating func add(_ row: Int, isOutage: Bool) {
        let request = columns.request[row]
        if columns.attempt[row] == 1 {
            if isOutage { return }
            if hedged.contains(request) { beganUs[request] = columns.startUs[row] }
            if columns.outcome[row] == .timeout {
                let limitUs = columns.timeoutUs[row]
                exceededUs[request] = limitUs > 0 ? limitUs : columns.durationUs[row]
            }
            return
        }
        let retried = exceededUs.removeValue(forKey: request)
        let began = beganUs.removeValue(forKey: request)
        let beside = columns.hedge[row] ? began.map { columns.startUs[row] - $0 } : nil
        guard !isOutage, let limitUs = beside ?? retried, limitUs > 0,
            let isSlow = columns.isSlow(row, limitUs: limitUs)
        else { return }
        limitsUs.append(limitUs)
        slowAfterSlow.trials += 1
        if isSlow { slowAfterSlow.hits += 1 }
    }
}

extension AttemptColumns {
    /// Whether a row took longer than a limit; `nil` if it was cut off before or failed in another way.
    fileprivate func isSlow(_ row: Int, limitUs: Int64) -> Bool? {
        switch outcome[row] {
        case .success: durationUs[row] > limitUs
        // Limits fire a little late, never early.
        case .timeout, .cancelled: durationUs[row] >= limitUs ? true : nil
        default: nil
        }
    }
}
