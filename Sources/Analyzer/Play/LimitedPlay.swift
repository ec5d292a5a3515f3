import Retry

/// Plays one rule on all requests of a route in the order of time through the rate limiter behind it: a retry that is
/// served takes a token that a later request then lacks, and whoever it is refused to may come back as well.
///
/// Whether an attempt is refused is the buckets' decision and nobody's chance; everything else that may happen is
/// followed with its probability, as everywhere. Tokens are taken as on one of the courses: each request has a number
/// drawn, what may become of it divides [0, 1), and an attempt takes a token if the number falls into its share. An
/// attempt that was refused in the log and is served here meets its host as a retry would. methods: pricing
struct LimitedPlay {
    /// A request's way so far.
    private struct Way {
        let row: Int32
        /// The host of the last attempt.
        var host: Int32
        /// Hosts tried, as a bit set.
        var tried: UInt64
        var retries: Int32 = 0
        /// Where its share of [0, 1) begins.
        var from = 0.0
        /// Whether the last attempt was refused by the limiter.
        var isRefused: Bool
    }

    private struct Event {
        var ended: AttemptPlay.Ended
        var way: Way
        /// The wait before the next attempt is over; otherwise an attempt has ended.
        var isWaitOver = false
    }

    private let asked: LimitedRows
    private let play: AttemptPlay
    private let path: [Backoff.Pause]
    private let isByHost: Bool
    private var buckets: [TokenBucket]
    private var budget: ExpectedBudget
    private var queue = PlayQueue<Event>()
    private var totals: UnitTotals

    /// - Parameters:
    ///   - facts: of the rows.
    ///   - isFree: no budget refuses anything.
    ///   - stretch: outages are played as if each had lasted this many times as long.
    private init(
        _ rule: Rule, on rows: PlayedRows, _ asked: LimitedRows, _ facts: RouteFacts, isFree: Bool, stretch: Double
    ) {
        self.asked = asked
        play = AttemptPlay(rule, on: facts, stretch: stretch)
        path = (0..<(rule.retry?.maxRetries ?? 0)).map { rule.retry?.backoff.pause(retry: $0 + 1) ?? .exact(0) }
        isByHost = asked.limit.isByHost
        buckets = asked.limit.buckets(hosts: facts.hostCount)
        budget = ExpectedBudget(isFree ? nil : rule.budget, rows)
        totals = UnitTotals(units: facts.units)
        totals.costUs = facts.fixedCostUs
        totals.successes = facts.fixedSuccesses
    }

    /// What a rule costs, through its budget; and at other lengths of the outages, if they are asked for, while that
    /// refuses nothing.
    static func played(
        _ rule: Rule, on rows: PlayedRows, _ asked: LimitedRows, _ facts: RouteFacts, at stretches: PlayedStretches
    ) -> PlayedRule {
        var play = LimitedPlay(rule, on: rows, asked, facts, isFree: false, stretch: 1)
        play.run()
        return PlayedRule(
            rule: rule, totals: play.totals,
            stretchedUs: stretches.isUsual ? [] : freeCostUs(rule, on: rows, asked, facts, at: stretches),
            refusedShare: play.budget.refusedShare)
    }

    /// What it costs while its budget refuses nothing, by unit, at four lengths of the outages.
    static func freeCostUs(
        _ rule: Rule, on rows: PlayedRows, _ asked: LimitedRows, _ facts: RouteFacts, at stretches: PlayedStretches
    ) -> [SIMD4<Double>] {
        var costs = [SIMD4<Double>](repeating: .zero, count: facts.units)
        for factor in Set((0..<4).map { stretches.factors[$0] }) {
            var play = LimitedPlay(rule, on: rows, asked, facts, isFree: true, stretch: factor)
            play.run()
            for unit in costs.indices {
                costs[unit].replace(with: play.totals.costUs[unit], where: stretches.factors .== factor)
            }
        }
        return costs
    }

    private mutating func run() {
        asked.requests.withUnsafeBufferPointer { requests in
            for request in requests {
                while let dueUs = queue.earliestUs, dueUs <= request.startUs { takeEarliest(dueUs) }
                begin(request)
            }
        }
        while let dueUs = queue.earliestUs { takeEarliest(dueUs) }
    }

    private mutating func takeEarliest(_ nowUs: Int64) {
        guard let event = queue.popEarliest() else { return }
        if event.isWaitOver { retry(event, nowUs: nowUs) } else { goOn(event, nowUs: nowUs) }
    }

    @inline(__always)
    private mutating func isServed(_ host: Int, atUs: Int64, counts: Bool = true) -> Bool {
        buckets[isByHost ? host : 0].take(atUs: atUs, counts: counts)
    }

    @inline(__always)
    private mutating func begin(_ request: LimitedRows.Request) {
        let isServed = !request.isReaching || isServed(Int(request.host), atUs: request.startUs)
        // Most are answered as they were.
        if isServed && request.isAnswered { return }
        begin(request, isServed: isServed)
    }

    private mutating func begin(_ request: LimitedRows.Request, isServed: Bool) {
        let row = Int(request.row)
        let way = Way(
            row: request.row, host: request.host, tried: 1 << UInt64(request.host & 63), isRefused: !isServed)
        if request.isAnswered {
            let first = asked.served(row)
            totals.costUs[first.unit] -= Double(first.durationUs)
            totals.successes[first.unit] -= 1
        }
        if isServed && request.wasRefused {
            // Nobody knows how its host would have answered: as it would have answered a retry.
            let first = asked.served(row)
            let sent = AttemptPlay.Ended(weight: first.weight, atUs: first.startUs)
            var fate = play.send(
                first, sent, host: first.host, nowUs: first.startUs, deadlineUs: play.deadlineUs(first))
            fate.costUs -= first.weight * play.attemptCostUs
            settle(fate, first, way)
        } else {
            let first = isServed ? asked.served(row) : asked.refused(row)
            settle(play.begin(first).fate, first, way)
        }
    }

    private mutating func settle(_ fate: AttemptPlay.Fate, _ first: RouteFacts.First, _ way: Way) {
        totals.costUs[first.unit] += fate.costUs
        totals.successes[first.unit] += fate.success
        var way = way
        for ended in [fate.first, fate.second] where ended.weight > 0 {
            queue.push(Event(ended: ended, way: way), atUs: ended.atUs)
            way.from += ended.weight / first.weight
        }
    }

    /// The number of a request, uniform in [0, 1) and of no other draw's kind.
    private static func number(_ row: Int32) -> Double {
        var generator = SplitMix64(seed: UInt64(UInt32(bitPattern: row)))
        return generator.unit()
    }

    private mutating func goOn(_ event: Event, nowUs: Int64) {
        let (ended, way) = (event.ended, event.way)
        let first = way.isRefused ? asked.refused(Int(way.row)) : asked.served(Int(way.row))
        guard Int(way.retries) < path.count else { return settleFailure(ended, first) }
        let waitUs = path[Int(way.retries)].us(
            unit: AttemptPlay.spread(row: Int(way.row), attempt: Int(way.retries) + 1))
        let nextUs = play.retries(after: first).nextUs(
            afterTimeout: ended.isTimeout, atUs: nowUs, waitUs: waitUs, deadlineUs: play.deadlineUs(first))
        guard let nextUs, budget.withdraw(ended.weight, nowUs: nowUs) else { return settleFailure(ended, first) }
        var next = event
        next.isWaitOver = true
        if nextUs == nowUs { retry(next, nowUs: nowUs) } else { queue.push(next, atUs: nextUs) }
    }

    private mutating func retry(_ event: Event, nowUs: Int64) {
        let (ended, way) = (event.ended, event.way)
        let first = asked.served(Int(way.row))
        let attempt = Int(way.retries) + 2
        let host = play.pickHost(row: Int(way.row), attempt: attempt, tried: way.tried, last: Int(way.host))
        totals.extra[first.unit] += ended.weight
        var next = way
        next.retries += 1
        next.host = Int32(host)
        next.tried |= 1 << UInt64(host & 63)
        let place = (Self.number(way.row) - way.from) * first.weight
        let counts = place >= 0 && place < ended.weight
        next.isRefused = !isServed(host, atUs: nowUs, counts: counts)
        if next.isRefused {
            totals.costUs[first.unit] += ended.weight * play.attemptCostUs
            var refusal = AttemptPlay.Ended(weight: ended.weight, atUs: nowUs)
            refusal.atUs += asked.refused(Int(way.row)).durationUs
            queue.push(Event(ended: refusal, way: next), atUs: refusal.atUs)
        } else {
            settle(
                play.send(first, ended, host: host, nowUs: nowUs, deadlineUs: play.deadlineUs(first)), first, next)
        }
    }

    private mutating func settleFailure(_ ended: AttemptPlay.Ended, _ first: RouteFacts.First) {
        totals.costUs[first.unit] += ended.weight * play.failureCostUs(first, atUs: ended.atUs)
    }
}

/// All requests of a route in order of time, as its rate limiter meets them.
final class LimitedRows {
    /// A first attempt.
    struct Request {
        var startUs: Int64
        /// Its place among the rows that a rule may change, or after them among the answered.
        var row: Int32
        var host: Int32
        /// Whether it gets as far as to the limiter, and was refused there in the log.
        var isReaching: Bool
        var wasRefused: Bool
        /// Whether it is answered as it was under every rule, unless it is refused.
        var isAnswered: Bool
    }

    let limit: RateLimit
    let requests: [Request]
    private let firsts: [RouteFacts.First]
    private let answered: [RouteFacts.Answered]
    private let failureUs: Int64
    /// What the middle refusal of the log looks like.
    private let refusal: RouteFacts.First

    /// - Precondition: the facts hold every request, none thinned.
    init(_ firsts: [RouteFacts.First], _ facts: RouteFacts, _ limit: RateLimit) {
        self.limit = limit
        self.firsts = firsts
        answered = facts.answered
        failureUs = facts.failureUs
        var requests: [Request] = []
        requests.reserveCapacity(firsts.count + facts.answered.count)
        for (place, first) in firsts.enumerated() {
            requests.append(
                Request(
                    startUs: first.startUs, row: Int32(place), host: Int32(first.host),
                    isReaching: RateLimit.isReached(by: first.outcome), wasRefused: first.outcome == .rateLimited,
                    isAnswered: false))
        }
        for (place, answered) in facts.answered.enumerated() {
            requests.append(
                Request(
                    startUs: answered.startUs, row: Int32(firsts.count + place), host: answered.host,
                    isReaching: true, wasRefused: false, isAnswered: true))
        }
        requests.sort { $0.startUs != $1.startUs ? $0.startUs < $1.startUs : $0.row < $1.row }
        self.requests = requests
        refusal = Self.middle(firsts.filter { $0.outcome == .rateLimited })
    }

    private static func middle(_ refusals: [RouteFacts.First]) -> RouteFacts.First {
        func median(_ values: [Int64]) -> Int64 { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
        var middle =
            refusals.first
            ?? RouteFacts.First(
                startUs: 0, durationUs: 0, host: 0, outcome: .rateLimited, status: 429, isGRPC: false, retryAfterUs: 0,
                isIdempotent: true, unit: 0, weight: 1)
        middle.durationUs = median(refusals.map(\.durationUs))
        middle.retryAfterUs = median(refusals.map(\.retryAfterUs))
        return middle
    }

    private func recorded(_ row: Int) -> RouteFacts.First {
        row < firsts.count ? firsts[row] : RouteFacts.First(answered[row - firsts.count])
    }

    /// A request's first attempt as it was served; what was refused in the log fails as its host does.
    func served(_ row: Int) -> RouteFacts.First {
        var first = recorded(row)
        if first.outcome == .rateLimited {
            (first.outcome, first.durationUs, first.retryAfterUs) = (.success, failureUs, 0)
        }
        return first
    }

    /// The same as it was refused; what was served in the log is refused as the middle one was.
    func refused(_ row: Int) -> RouteFacts.First {
        let first = recorded(row)
        if first.outcome == .rateLimited { return first }
        return RouteFacts.First(
            startUs: first.startUs, durationUs: refusal.durationUs, host: first.host, outcome: .rateLimited,
            status: refusal.status, isGRPC: refusal.isGRPC, retryAfterUs: refusal.retryAfterUs,
            isIdempotent: first.isIdempotent, unit: first.unit, weight: first.weight)
    }
}
