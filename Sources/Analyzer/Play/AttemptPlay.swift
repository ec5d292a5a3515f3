import Retry

/// What may become of the attempts of a recorded request under one limit and one choice of hosts, each thing with its
/// probability.
///
/// For a retry at time *u* on host *h*: P(answer at all) = P(h up at u) (1 − ε) + P(h down at u) δ, and an answer comes
/// within *x* with the host's latency law. Jitter and the choice of host are spread over the rows by a fixed additive
/// recurrence (Weyl), the same for every rule, so that rules are compared on common random numbers.
final class AttemptPlay {
    /// An attempt that did not answer in time, and how probable that is.
    struct Ended {
        var weight = 0.0
        var atUs: Int64 = 0
        /// Whether our own limit fired; otherwise it failed as the outage fails.
        var isTimeout = false
        /// Whether the request is slow by itself: what outlasted one limit outlasts the next.
        var isOwn = false
        /// Whether it takes as long as second attempts of slow requests do.
        var isSeenAgain = false
    }

    /// What became of an attempt: what is settled, and in which ways it may go on.
    struct Fate {
        /// Cost of what is settled, microseconds.
        var costUs = 0.0
        /// P(answered in time).
        var success = 0.0
        /// A weight of 0: this does not happen.
        var first = Ended()
        /// See `first`.
        var second = Ended()
    }

    /// The first attempt of a row, and what may be retried after it.
    struct Start {
        var fate = Fate()
        var retries = Retries()
    }

    /// What of a row may be retried, and when at the soonest.
    struct Retries {
        var isAfterFailure = false
        var isAfterTimeout = false
        var retryAfterUs: Int64 = 0

        /// Whether an end is followed by a retry after some wait, and when.
        @inline(__always)
        func nextUs(afterTimeout isTimeout: Bool, atUs: Int64, waitUs: Int64, deadlineUs: Int64) -> Int64? {
            if isTimeout ? !isAfterTimeout : !isAfterFailure { return nil }
            let (nextUs, overflow) = atUs.addingReportingOverflow(isTimeout ? waitUs : max(waitUs, retryAfterUs))
            return overflow || nextUs >= deadlineUs ? nil : nextUs
        }
    }

    let facts: RouteFacts
    let rule: Rule
    private let timeoutUs: Int64
    let perTryUs: Int64
    private let hostCount: Int
    let failureUs: Int64
    let objectiveUs: Int64
    private let failureCostUs: Int64
    let attemptCostUs: Double
    /// What a request costs that is never answered in time.
    let lostCostUs: Double
    private let choice: HostChoice
    private let isRetryAfterHeeded: Bool
    let latency: LatencyTables
    /// Where the law of second attempts of slow requests stands among those of the hosts.
    let secondLaw: Int?
    private let isUp: (Int, Int64) -> Double
    private let answers: (Int, Int64) -> Double
    private let availability: Availability.Reader?
    /// The same rule with retries without end: how many there are is the schedule's matter.
    private let endless: Rule
    private let stretch: Double

    /// Branches rarer than this are not followed further but counted as failed there.
    static let leastWeight = 1e-6

    /// - Parameters:
    ///   - rule: its limits, what it retries and where; its waits and its budget are others' matter.
    ///   - stretch: outages are played as if each had lasted this many times as long: a request meets the states of
    ///     hosts as if time since it began passed so much more slowly.
    init(_ rule: Rule, on facts: RouteFacts, stretch: Double = 1) {
        self.stretch = stretch
        self.facts = facts
        self.rule = rule
        timeoutUs = rule.timeoutUs ?? .max
        perTryUs = rule.perTryTimeoutUs ?? .max
        hostCount = facts.hostCount
        failureUs = facts.failureUs
        objectiveUs = facts.objective.deadlineUs
        failureCostUs = facts.objective.failureCostUs
        attemptCostUs = Double(facts.objective.attemptCostUs)
        lostCostUs = Double(objectiveUs) + Double(failureCostUs)
        choice = rule.retry?.host ?? .any
        isRetryAfterHeeded = rule.retry?.retryAfter != .ignore
        latency = LatencyTables(
            facts.latency + (facts.secondLatency.map { [$0] } ?? []), usualLimitUs: perTryUs)
        secondLaw = facts.secondLatency.map { _ in facts.latency.count }
        answers = facts.answerProbability
        availability = facts.availability
        isUp = facts.upProbability ?? facts.answerProbability
        var endless = rule
        endless.retry?.maxRetries = .max
        self.endless = endless
    }

    /// The instant from which no attempt of a request is begun.
    func deadlineUs(_ first: RouteFacts.First) -> Int64 {
        let (deadlineUs, overflow) = first.startUs.addingReportingOverflow(timeoutUs)
        return overflow ? .max : deadlineUs
    }

    /// What a failure at an instant costs.
    @inline(__always)
    func failureCostUs(_ first: RouteFacts.First, atUs: Int64) -> Double {
        Double(min(atUs &- first.startUs, objectiveUs) + failureCostUs)
    }

    // MARK: The first attempt

    /// The recorded first attempt under the limits of the rule.
    func begin(_ first: RouteFacts.First) -> Start {
        var start = Start()
        let limit = min(perTryUs, timeoutUs)
        if limit <= 0 { return start }
        start.retries = retries(after: first)
        switch first.outcome {
        case .success:
            if first.durationUs <= limit {
                succeed(&start.fate, latencyUs: Double(first.durationUs), weight: first.weight)
            } else {
                cut(first, first.weight, limit, &start.fate)
            }
        case .timeout where !first.hasStarted, .cancelled where !first.hasStarted:
            beginCensored(first, limit, &start.fate)
        default:
            start.fate.first = Ended(
                weight: first.weight, atUs: first.startUs + min(first.durationUs, limit),
                isTimeout: isTimeout(first, limit: limit))
        }
        return start
    }

    /// What the rule allows to be tried again, by the decisions of the retry machine.
    func retries(after first: RouteFacts.First) -> Retries {
        if first.hasStarted { return Retries() }
        let failure =
            first.outcome == .success
            ? AttemptResult(outcome: .errorStatus, status: 503)
            : AttemptResult(
                outcome: first.outcome, status: first.status, isGRPC: first.isGRPC, retryAfterUs: first.retryAfterUs)
        let timeout = AttemptResult(outcome: .timeout)
        return Retries(
            isAfterFailure: endless.refusal(of: failure, after: 1, isIdempotent: first.isIdempotent) == nil,
            isAfterTimeout: endless.refusal(of: timeout, after: 1, isIdempotent: first.isIdempotent) == nil,
            retryAfterUs: isRetryAfterHeeded ? failure.retryAfterUs : 0)
    }

    /// The recorded attempt was cut off at `durationUs`; a longer limit might have let it answer.
    private func beginCensored(_ first: RouteFacts.First, _ limit: Int64, _ fate: inout Fate) {
        if limit <= first.durationUs { return cut(first, first.weight, limit, &fate) }
        let (before, within) = (
            latency.within(first.durationUs, first.host), latency.within(min(limit, objectiveUs), first.host)
        )
        let left = 1 - before.share
        // A cut-off attempt may have hung on a host that was down: no limit is long enough for that. A blip would have
        // ended it before.
        let up = isUp(first.host, first.startUs)
        let answered = left > 1e-9 ? up * max(0, within.share - before.share) / left : 0
        if answered > 0 {
            let meanUs = (within.partialMeanUs - before.partialMeanUs) / (within.share - before.share)
            succeed(&fate, latencyUs: meanUs, weight: first.weight * answered)
        }
        let rest = first.weight * (1 - answered)
        if limit == .max {
            fate.costUs += rest * lostCostUs
        } else {
            cut(first, rest, limit, &fate)
        }
    }

    /// A limit fires on a first attempt: whoever is slow by itself will be again.
    private func cut(_ first: RouteFacts.First, _ weight: Double, _ limit: Int64, _ fate: inout Fate) {
        var ended = Ended(
            weight: weight * (1 - first.ownShare), atUs: first.startUs + limit, isTimeout: true,
            isSeenAgain: first.isSeenAgain)
        if first.ownShare < 1 { fate.first = ended }
        if first.ownShare > 0 {
            ended.weight = weight * first.ownShare
            ended.isOwn = true
            if fate.first.weight > 0 { fate.second = ended } else { fate.first = ended }
        }
    }

    @inline(__always)
    private func succeed(_ fate: inout Fate, latencyUs: Double, weight: Double) {
        if latencyUs > Double(objectiveUs) {
            fate.costUs += weight * lostCostUs
        } else {
            fate.costUs += weight * latencyUs
            fate.success += weight
        }
    }

    /// Whether the failure that a host shows while it is down is the limit: what this request met, or the limit if that
    /// is sooner.
    @inline(__always)
    func isTimeout(_ first: RouteFacts.First, limit: Int64) -> Bool {
        if first.outcome.isCensored && !first.hasStarted { return true }
        return (first.outcome == .success ? failureUs : first.durationUs) >= limit
    }

    /// P(an attempt on a host at an instant is answered, sooner or later).
    @inline(__always)
    func answered(_ host: Int, atUs: Int64) -> Double { answers(host, atUs) }

    /// The same for a request that meets the states of hosts more slowly.
    @inline(__always)
    func answered(_ first: RouteFacts.First, _ host: Int, atUs: Int64) -> Double {
        if stretch == 1 { return answers(host, atUs) }
        return answers(host, first.startUs &+ Int64(Double(atUs &- first.startUs) / stretch))
    }

    /// The same at four instants.
    @inline(__always)
    func answered(_ host: Int, atUs: SIMD4<Int64>) -> SIMD4<Double> {
        if let availability { return availability.probabilities(host, atUs) }
        var chances = SIMD4<Double>.zero
        for lane in 0..<4 { chances[lane] = answers(host, atUs[lane]) }
        return chances
    }

    // MARK: Hosts

    /// As the proxy picks: for `other` one not tried; when all were, any but the last.
    ///
    /// - Parameter tried: hosts tried, as a bit set (hosts 64 apart share a bit).
    func pickHost(row: Int, attempt: Int, tried: UInt64, last: Int) -> Int {
        let unit = Self.spread(row: row, attempt: attempt + 17)
        if choice == .any || hostCount <= 1 { return min(hostCount - 1, Int(unit * Double(hostCount))) }
        var free = 0
        for host in 0..<hostCount where tried & (1 << UInt64(host & 63)) == 0 { free += 1 }
        if free == 0 {
            let place = min(hostCount - 2, Int(unit * Double(hostCount - 1)))
            return place < last ? place : place + 1
        }
        var place = min(free - 1, Int(unit * Double(free)))
        for host in 0..<hostCount where tried & (1 << UInt64(host & 63)) == 0 {
            if place == 0 { return host }
            place -= 1
        }
        return last
    }

    /// A point of the additive recurrence of Roberts' R2 sequence: even over rows and over attempts.
    @inline(__always)
    static func spread(row: Int, attempt: Int) -> Double {
        let sum = Double(row) * 0.754_877_666_246_692_7 + Double(attempt) * 0.569_840_290_998_053_2
        return sum - sum.rounded(.down)
    }
}
