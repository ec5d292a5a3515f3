import Retry

@testable import Analyzer

/// The slow second way to price hedges and ejection: one course of events at a time, drawn by chance, through the retry
/// state machine itself. The mean over many courses is what `TimedPlay` works out.
///
/// Hosts are picked by the same recurrence as there, so that only what becomes of attempts is left to chance.
struct RequestSimulation {
    private(set) var costUs = 0.0
    private(set) var extra = 0.0
    private(set) var successes = 0.0

    private let facts: RouteFacts
    private let rule: Rule
    private var dice: SplitMix64
    private let firsts: [RouteFacts.First]
    private var requests: [Request] = []
    private var queue = PlayQueue<Event>()
    private var budget: RetryBudget?
    /// Until when each host rests.
    private var restsUntilUs: [Int64]

    private struct Request {
        var machine: RetryMachine
        var row: Int
        var isOwn: Bool
        var isSeenAgain: Bool
        var tried: Set<Int>
        var lastHost: Int
        var retries = 0
        var hedges = 0
        /// Attempts under way.
        var running = 0
        var isOver = false
    }

    private struct Event {
        var request: Int
        var what: What
        enum What {
            case ended(AttemptResult, host: Int)
            case hedgeDue
            case waitOver
        }
    }

    init(_ rule: Rule, on facts: RouteFacts, seed: UInt64) {
        self.facts = facts
        self.rule = rule
        dice = SplitMix64(seed: seed, "simulation")
        budget = rule.budget.map(RetryBudget.init)
        firsts = facts.failed + facts.slow + facts.answered.map { RouteFacts.First($0) }
        restsUntilUs = Array(repeating: .min, count: facts.hostCount)
        let order = firsts.indices.sorted { firsts[$0].startUs < firsts[$1].startUs }
        for row in order {
            while let dueUs = queue.earliestUs, dueUs <= firsts[row].startUs {
                if let event = queue.popEarliest() { take(event, nowUs: dueUs) }
            }
            begin(row)
        }
        while let dueUs = queue.earliestUs, let event = queue.popEarliest() { take(event, nowUs: dueUs) }
    }

    private func isCensored(_ first: RouteFacts.First) -> Bool {
        [.timeout, .cancelled].contains(first.outcome) && !first.hasStarted
    }

    private func isResting(_ host: Int, _ nowUs: Int64) -> Bool { nowUs < restsUntilUs[host] }

    private mutating func begin(_ row: Int) {
        let first = firsts[row]
        budget?.recordRequest(nowUs: first.startUs)
        var host = first.host
        let awake = (0..<facts.hostCount).filter { !isResting($0, first.startUs) }
        if isResting(host, first.startUs), !awake.isEmpty {
            host = awake[min(awake.count - 1, Int(spread(row, 1 + 17) * Double(awake.count)))]
        }
        let isElsewhere = host != first.host
        let isSlow = first.outcome == .success || isCensored(first)
        var machine = RetryMachine(rule: rule, isIdempotent: first.isIdempotent, startUs: first.startUs)
        _ = machine.next(.begin, nowUs: first.startUs, unit: 0, withdraw: { true })
        requests.append(
            Request(
                machine: machine, row: row, isOwn: isSlow && dice.unit() < first.ownShare,
                isSeenAgain: isSlow && first.isSeenAgain, tried: [host], lastHost: host))
        let number = requests.count - 1
        let limitUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max)
        let fate =
            isElsewhere
            ? sent(first, host, requests[number].isOwn ? nil : facts.latency[host], limitUs, nowUs: first.startUs)
            : recorded(first, limitUs)
        run(number, fate, host: host, nowUs: first.startUs)
        if let hedge = rule.hedge, first.isIdempotent {
            queue.push(Event(request: number, what: .hedgeDue), atUs: first.startUs + hedge.delayUs)
        }
    }

    /// An attempt is under way; `nil`: it never ends.
    private mutating func run(_ request: Int, _ fate: (us: Int64, result: AttemptResult)?, host: Int, nowUs: Int64) {
        requests[request].running += 1
        guard let fate else { return }
        queue.push(Event(request: request, what: .ended(fate.result, host: host)), atUs: nowUs + fate.us)
    }

    private mutating func recorded(
        _ first: RouteFacts.First, _ limitUs: Int64
    ) -> (us: Int64, result: AttemptResult)? {
        let success = AttemptResult(outcome: .success, status: 200)
        if first.outcome == .success {
            return first.durationUs <= limitUs ? (first.durationUs, success) : (limitUs, timedOut)
        }
        if isCensored(first) {
            if first.durationUs >= limitUs { return (limitUs, timedOut) }
            let law = facts.latency[first.host]
            if dice.unit() < (facts.upProbability ?? facts.answerProbability)(first.host, first.startUs) {
                let before = law.within(first.durationUs).share
                if let us = draw(law, before + dice.unit() * (1 - before)), us <= limitUs { return (us, success) }
            }
            return limitUs == .max ? nil : (limitUs, timedOut)
        }
        return first.durationUs >= limitUs ? (limitUs, timedOut) : (first.durationUs, failure(first))
    }

    /// An attempt that is not in the log; without a law, it takes as long as the recorded one.
    private mutating func sent(
        _ first: RouteFacts.First, _ host: Int, _ law: LatencyTable?, _ limitUs: Int64, nowUs: Int64,
        isRetry: Bool = false
    ) -> (us: Int64, result: AttemptResult)? {
        if dice.unit() < facts.answerProbability(host, nowUs) {
            var us: Int64? = first.durationUs
            if let law {
                us = draw(law, dice.unit())
            } else if first.outcome != .success {
                let before = facts.latency[host].within(first.durationUs).share
                us = draw(facts.latency[host], before + dice.unit() * (1 - before))
            }
            if let us, us <= limitUs { return (us, AttemptResult(outcome: .success, status: 200)) }
            return limitUs == .max ? nil : (limitUs, timedOut)
        }
        var (us, hangs) = (first.durationUs, first.outcome.isCensored)
        if first.outcome == .success, !isRetry {
            let isUp = facts.upProbability ?? facts.answerProbability
            let near = facts.failed.filter { $0.host == host && ($0.outcome.isFailure || isUp(host, $0.startUs) < 0.5) }
                .min { abs($0.startUs - nowUs) < abs($1.startUs - nowUs) }
            (us, hangs) = near.map { ($0.durationUs, $0.outcome.isCensored) } ?? (facts.failureUs, false)
        } else if first.outcome == .success {
            us = facts.failureUs
        }
        if hangs { return limitUs == .max ? nil : (limitUs, timedOut) }
        return us >= limitUs ? (limitUs, timedOut) : (us, failure(first))
    }

    private var timedOut: AttemptResult { AttemptResult(outcome: .timeout) }

    private func failure(_ first: RouteFacts.First) -> AttemptResult {
        if first.outcome == .success { return AttemptResult(outcome: .errorStatus, status: 503) }
        return AttemptResult(
            outcome: first.outcome, status: first.status, isGRPC: first.isGRPC, retryAfterUs: first.retryAfterUs)
    }

    /// The time at which a law reaches a share; `nil`: never.
    private func draw(_ law: LatencyTable, _ share: Double) -> Int64? {
        var (low, high): (Int64, Int64) = (0, 1 << 36)
        if law.within(high).share < share { return nil }
        while high - low > 1 {
            let middle = (low + high) / 2
            if law.within(middle).share < share { low = middle } else { high = middle }
        }
        return high
    }

    private mutating func take(_ event: Event, nowUs: Int64) {
        let request = event.request
        if requests[request].isOver { return }
        let first = firsts[requests[request].row]
        switch event.what {
        case .hedgeDue:
            guard requests[request].running > 0, requests[request].retries == 0,
                requests[request].hedges < rule.hedge?.max ?? 0, nowUs < first.startUs + (rule.timeoutUs ?? .max / 2),
                budget?.withdraw(nowUs: nowUs) ?? true
            else { return }
            send(request, attempt: 34 + requests[request].hedges, nowUs: nowUs)
            requests[request].hedges += 1
            queue.push(Event(request: request, what: .hedgeDue), atUs: nowUs + (rule.hedge?.delayUs ?? 0))
        case .ended(let result, let host):
            requests[request].running -= 1
            if result.outcome == .success {
                requests[request].isOver = true
                let latencyUs = nowUs - first.startUs
                let isLate = latencyUs > facts.objective.deadlineUs
                costUs += Double(isLate ? facts.objective.deadlineUs + facts.objective.failureCostUs : latencyUs)
                successes += isLate ? 0 : 1
                return
            }
            if let restUs = rule.ejectionUs { restsUntilUs[host] = max(restsUntilUs[host], nowUs + restUs) }
            if requests[request].running == 0 { tell(request, .attemptEnded(result), nowUs: nowUs) }
        case .waitOver: tell(request, .waitOver, nowUs: nowUs)
        }
    }

    private mutating func tell(_ request: Int, _ what: RetryMachine.Event, nowUs: Int64) {
        let action = requests[request].machine.next(what, nowUs: nowUs, unit: 0.5) {
            budget?.withdraw(nowUs: nowUs) ?? true
        }
        switch action {
        case .send:
            requests[request].retries += 1
            send(request, attempt: requests[request].retries + 1, nowUs: nowUs)
        case .wait(let untilUs): queue.push(Event(request: request, what: .waitOver), atUs: untilUs)
        case .answer:
            requests[request].isOver = true
            let latencyUs = nowUs - firsts[requests[request].row].startUs
            costUs += Double(min(latencyUs, facts.objective.deadlineUs) + facts.objective.failureCostUs)
        case .none: break
        }
    }

    private mutating func send(_ request: Int, attempt: Int, nowUs: Int64) {
        let one = requests[request]
        let first = firsts[one.row]
        extra += 1
        costUs += Double(facts.objective.attemptCostUs)
        let awake = (0..<facts.hostCount).filter { !isResting($0, nowUs) }
        var among = awake.isEmpty ? Array(0..<facts.hostCount) : awake
        if rule.retry?.host ?? .other == .other {
            let fresh = among.filter { !one.tried.contains($0) }
            let others = among.filter { $0 != one.lastHost }
            among = !fresh.isEmpty ? fresh : !others.isEmpty ? others : among
        }
        let host = among[min(among.count - 1, Int(spread(one.row, attempt + 17) * Double(among.count)))]
        requests[request].tried.insert(host)
        requests[request].lastHost = host
        let limitUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs.map { first.startUs + $0 - nowUs } ?? .max)
        let usual = one.isSeenAgain ? facts.secondLatency : facts.latency[host]
        var law = one.isOwn ? nil : usual
        if one.isOwn, one.retries > 0 {
            // What is slow by itself and was cut off runs into the limit again.
            let limitUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max)
            law = first.outcome != .success || first.durationUs > limitUs ? LatencyTable { _ in 0 } : usual
        }
        run(request, sent(first, host, law, limitUs, nowUs: nowUs, isRetry: attempt < 34), host: host, nowUs: nowUs)
    }

    /// Those that never end have failed.
    mutating func finish() {
        for request in requests where !request.isOver {
            costUs += Double(facts.objective.deadlineUs + facts.objective.failureCostUs)
        }
    }

    private func spread(_ row: Int, _ attempt: Int) -> Double {
        let sum = Double(row) * 0.754_877_666_246_692_7 + Double(attempt) * 0.569_840_290_998_053_2
        return sum - sum.rounded(.down)
    }
}
