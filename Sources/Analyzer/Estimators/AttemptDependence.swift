public import Retry

/// Whether a request that was slow once is slow again: what decides if a timeout may be shortened or a hedge added.
///
/// "Slow" means no answer within a limit: the one that cut off the first attempt, or the delay after which a hedge was
/// sent beside it. The log shows a second attempt of a slow request only where a rule retried its timeouts or hedged;
/// a first attempt that answered slowly and in time is not seen again, so slowness below the limit stays unknown.
///
/// Attempts on a host that was probably down are left out (an outage, not the request, made them slow), but only where
/// another request's attempt beside them failed too: a big request that times out twice in quiet traffic looks like an
/// outage, and must not hide itself that way. Where there are several hosts, second attempts on the same one are left
/// out too: retries go elsewhere, and a host that stands still would pass for a request that is slow by itself.
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

    /// How long second attempts of slow requests, and first attempts, were watched.
    private var seconds: [Watched] = []
    private var firsts: [Watched] = []

    /// The greatest P(slow | slow) beyond P(slow) that still counts as independent.
    public static let negligibleExcess = 0.1

    /// Reads it off a route's log. Cost: O(n).
    ///
    /// - Parameter deadlineUs: a first attempt that had no answer by then tells of an outage, not of slowness: it is
    ///   left out. No rule could have made its answer count.
    public init(columns: AttemptColumns, states: HostStates?, deadlineUs: Int64 = .max) {
        let isOutage = Self.outageRows(columns, states)
        var pairing = SlowPairs(columns)
        func isLeftOut(_ row: Int) -> Bool {
            isOutage[row] || columns.attempt[row] == 1 && columns.isUnanswered(row, byUs: deadlineUs)
        }
        for row in 0..<columns.count { pairing.add(row, isOutage: isLeftOut(row)) }
        limitUs = pairing.middleLimitUs
        slowAfterSlow = pairing.slowAfterSlow
        slow = Proportion(hits: 0, trials: 0)
        verdict = .notIdentified
        guard limitUs > 0 else { return }
        seconds = pairing.secondRows.compactMap(columns.watched)
        for row in 0..<columns.count where columns.attempt[row] == 1 && !isLeftOut(row) {
            if let watched = columns.watched(row) { firsts.append(watched) }
        }
        slow = Self.slowShare(of: firsts, limitUs: limitUs)
        verdict = Self.verdict(slowAfterSlow: slowAfterSlow, slow: slow)
    }

    /// Whether a shorter limit would be followed by fast retries too.
    ///
    /// Its pairs were not recorded: a first attempt that answered before the limit in force was not sent again. But
    /// what was slow at that limit was slow at the shorter one, and how long *its* second attempts took is known. A big
    /// request that was cut off once in a while answers its retry within the limit in force, and still takes far longer
    /// than others: at the shorter limit it is slow again.
    public func verdict(atLimitUs shorterUs: Int64) -> Verdict {
        if shorterUs >= limitUs || verdict != .independent { return verdict }
        return Self.verdict(
            slowAfterSlow: Self.slowShare(of: seconds, limitUs: shorterUs),
            slow: Self.slowShare(of: firsts, limitUs: shorterUs))
    }

    /// P(a request whose attempt was this slow is as slow again because of what it asks for); `nil` where the log does
    /// not tell.
    public func ownShare(ofDurationUs durationUs: Int64) -> Double? {
        let atUs = min(durationUs, limitUs)
        guard atUs > 0, verdict(atLimitUs: atUs) != .notIdentified,
            atUs == limitUs || verdict == .independent,
            let again = Self.slowShare(of: seconds, limitUs: atUs).estimate,
            let usual = Self.slowShare(of: firsts, limitUs: atUs).estimate, usual < 1
        else { return nil }
        return min(1, max(0, (again - usual) / (1 - usual)))
    }

    /// How long second attempts of slow requests took; `nil` with less than `leastPairs` of them.
    var secondLaw: LatencyLaw? {
        guard seconds.count >= Self.leastPairs else { return nil }
        return LatencyLaw(durationsUs: seconds.map(\.durationUs), isEvent: seconds.map(\.isAnswered))
    }

    /// So many second attempts say by themselves how long another one will take.
    static let leastPairs = 30

    private static func slowShare(of attempts: [Watched], limitUs: Int64) -> Proportion {
        var share = Proportion(hits: 0, trials: 0)
        for attempt in attempts {
            guard let isSlow = attempt.isSlow(limitUs: limitUs) else { continue }
            share.trials += 1
            if isSlow { share.hits += 1 }
        }
        return share
    }

    /// Rows on a host that was probably down, as another request's nearest attempt on it confirms. What its client gave
    /// up is no probe, so the host's state owes nothing to it and needs no confirmation.
    static func outageRows(_ columns: AttemptColumns, _ states: HostStates?) -> [Bool] {
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
        for row in isOutage.indices where columns.outcome[row] == .cancelled {
            let host = states.hostCount == 1 ? 0 : Int(columns.host[row])
            isOutage[row] = states.upProbability(host: host, atUs: columns.startUs[row]) < 0.5
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
    private(set) var secondRows: [Int] = []
    private let columns: AttemptColumns
    private var limitsUs: [Int64] = []
    /// The limit that an open request has exceeded once.
    private var exceededUs: [UInt64: Int64] = [:]
    /// Where such a request's first attempt went.
    private var firstHost: [UInt64: Int32] = [:]
    private let hasOtherHosts: Bool
    /// When the first attempt of a request that was hedged began.
    private var beganUs: [UInt64: Int64] = [:]
    private let hedged: Set<UInt64>

    init(_ columns: AttemptColumns) {
        self.columns = columns
        var hedged: Set<UInt64> = []
        for row in 0..<columns.count where columns.hedge[row] { hedged.insert(columns.request[row]) }
        self.hedged = hedged
        hasOtherHosts = columns.host.contains { $0 != columns.host.first }
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
            if hedged.contains(request) {
                beganUs[request] = columns.startUs[row]
                firstHost[request] = columns.host[row]
            }
            if columns.outcome[row] == .timeout {
                let limitUs = columns.timeoutUs[row]
                exceededUs[request] = limitUs > 0 ? limitUs : columns.durationUs[row]
                firstHost[request] = columns.host[row]
            }
            return
        }
        let retried = exceededUs.removeValue(forKey: request)
        let began = beganUs.removeValue(forKey: request)
        let beside = columns.hedge[row] ? began.map { columns.startUs[row] - $0 } : nil
        let isElsewhere = firstHost.removeValue(forKey: request) != columns.host[row]
        guard !isOutage, isElsewhere || !hasOtherHosts, let limitUs = beside ?? retried, limitUs > 0,
            let isSlow = columns.watched(row)?.isSlow(limitUs: limitUs)
        else { return }
        secondRows.append(row)
        limitsUs.append(limitUs)
        slowAfterSlow.trials += 1
        if isSlow { slowAfterSlow.hits += 1 }
    }
}

/// How long an attempt ran, and whether an answer ended it.
private struct Watched: Equatable, Sendable {
    var durationUs: Int64
    var isAnswered: Bool

    /// Whether it took longer than a limit; `nil` if it was cut off before.
    func isSlow(limitUs: Int64) -> Bool? {
        if isAnswered { return durationUs > limitUs }
        // Limits fire a little late, never early.
        return durationUs >= limitUs ? true : nil
    }
}

extension AttemptColumns {
    /// Whether a row was waited for so long and got no answer.
    func isUnanswered(_ row: Int, byUs: Int64) -> Bool { outcome[row].isCensored && durationUs[row] >= byUs }

    /// What a row tells of slowness; `nil` if it failed in another way.
    fileprivate func watched(_ row: Int) -> Watched? {
        switch outcome[row] {
        case .success: Watched(durationUs: durationUs[row], isAnswered: true)
        case .timeout, .cancelled: Watched(durationUs: durationUs[row], isAnswered: false)
        default: nil
        }
    }
}
