import Retry

@testable import Analyzer

/// The slow second way to price a rule, against which the fast one is held: one rule at a time through the retry state
/// machine itself, on the recorded requests of a route in the order of time.
///
/// At every attempt the machine is copied and each copy is told one of the things that might happen, with its
/// probability: an answer, the failure that the outage showed, or the limit firing. So a price is a sum of products
/// along the rule's schedule, without sampling noise that an optimiser could exploit, and the decisions are the proxy's
/// own code.
///
/// For a retry at time *u* on host *h*: P(answer at all) = P(h up at u) (1 − ε) + P(h down at u) δ, and an answer comes
/// within *x* with the route's latency law. Jitter and the choice of host are spread over the rows by a fixed additive
/// recurrence (Weyl), the same for every candidate, so that candidates are compared on common random numbers.
struct MachinePlay {
    let facts: RouteFacts
    let rule: Rule
    private(set) var totals: UnitTotals
    /// Retries refused by the budget, as a share of those asked for.
    private(set) var refusedShare = 0.0

    private var pending: [MachineEvent] = []
    private var asked = 0.0
    private var refused = 0.0

    /// Branches rarer than this are not followed further but counted as failed there.
    private static let leastWeight = 1e-6

    init(_ rule: Rule, on facts: RouteFacts) {
        self.facts = facts
        self.rule = rule
        totals = UnitTotals(units: facts.units)
        totals.costUs = facts.fixedCostUs
        totals.successes = facts.fixedSuccesses
    }

    /// Plays every row as if the budget always allowed: rows are independent and need no order.
    mutating func playWithoutBudget() {
        for (index, first) in played {
            begin(first, index)
            while let event = pending.popLast() { take(event, withdraw: { _ in true }) }
        }
    }

    /// Plays all rows in time order through the rule's budget, withdrawing the expected share of each retry.
    mutating func playWithBudget() {
        guard let policy = rule.budget else { return playWithoutBudget() }
        var budget = RetryBudget(policy)
        var nextArrival = 0
        var queue = PlayQueue<MachineEvent>()
        for (index, first) in played {
            begin(first, index)
            for event in pending { queue.push(event, atUs: event.timeUs) }
            pending.removeAll()
        }
        while let event = queue.popEarliest() {
            while nextArrival < facts.arrivals.count, facts.arrivals[nextArrival].startUs <= event.timeUs {
                let arrival = facts.arrivals[nextArrival]
                budget.recordRequest(nowUs: arrival.startUs, amount: arrival.count * RetryBudget.whole)
                nextArrival += 1
            }
            take(event) { weight in
                budget.withdraw(nowUs: event.timeUs, amount: Int64(weight * Double(RetryBudget.whole)))
            }
            for next in pending { queue.push(next, atUs: next.timeUs) }
            pending.removeAll()
        }
        refusedShare = asked > 0 ? refused / asked : 0
    }

    /// The rows whose course this rule can change, with their numbers for the recurrence.
    private var played: some Sequence<(Int, RouteFacts.First)> {
        let failed = facts.failed.enumerated().map { ($0.offset, $0.element) }
        let slow = facts.slow.enumerated().map { (facts.failed.count + $0.offset, $0.element) }
        return failed + slow
    }

    private mutating func begin(_ first: RouteFacts.First, _ index: Int) {
        // Most slow answers come before any limit: no machine is needed to see that.
        if first.outcome == .success, first.durationUs <= min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max) {
            settleSuccess(first, latencyUs: Double(first.durationUs), weight: first.weight)
            return
        }
        var machine = RetryMachine(rule: rule, isIdempotent: first.isIdempotent, startUs: first.startUs)
        let action = machine.next(.begin, nowUs: first.startUs, unit: 0, withdraw: { true })
        guard case .send(_, _, let limitUs) = action else { return }
        if first.hasStarted {
            _ = machine.next(.responseStarted, nowUs: first.startUs, unit: 0, withdraw: { false })
        }
        let branch = MachineBranch(
            machine: machine, row: Int32(index), weight: first.weight, tried: 1 << UInt64(first.host & 63),
            host: first.host)
        let limit = limitUs ?? .max
        switch first.outcome {
        case .success:
            cut(first, branch, atUs: first.startUs + limit)
        case .timeout where !first.hasStarted, .cancelled where !first.hasStarted:
            beginCensored(first, branch, limit: limit)
        default:
            pending.append(
                branch.ended(result(of: first, cutAt: limit), atUs: first.startUs + min(first.durationUs, limit)))
        }
    }

    /// The recorded attempt was cut off at `durationUs`; a longer limit might have let it answer.
    private mutating func beginCensored(_ first: RouteFacts.First, _ branch: MachineBranch, limit: Int64) {
        if limit <= first.durationUs { return cut(first, branch, atUs: first.startUs + limit) }
        let law = facts.latency[first.host]
        let reachUs = min(limit, facts.objective.deadlineUs)
        let (before, within) = (law.within(first.durationUs), law.within(reachUs))
        let left = 1 - before.share
        // A cut-off attempt may have hung on a host that was down: no limit is long enough for that. A blip would have
        // ended it before.
        let up = (facts.upProbability ?? facts.answerProbability)(first.host, first.startUs)
        let answered = left > 1e-9 ? up * max(0, within.share - before.share) / left : 0
        if answered > 0 {
            let meanUs = (within.partialMeanUs - before.partialMeanUs) / (within.share - before.share)
            settleSuccess(first, latencyUs: meanUs, weight: first.weight * answered)
        }
        let rest = branch.weighing(first.weight * (1 - answered))
        if limit == .max {
            settleFailure(first, latencyUs: facts.objective.deadlineUs, weight: rest.weight)
        } else {
            cut(first, rest, atUs: first.startUs + limit)
        }
    }

    /// A limit fires on a first attempt: whoever is slow by itself will be again.
    private mutating func cut(_ first: RouteFacts.First, _ start: MachineBranch, atUs: Int64) {
        var branch = start
        branch.isSeenAgain = first.isSeenAgain
        if first.ownShare < 1 {
            pending.append(branch.weighing(branch.weight * (1 - first.ownShare)).ended(timedOut, atUs: atUs))
        }
        if first.ownShare > 0 {
            var own = branch.weighing(branch.weight * first.ownShare)
            own.isOwn = true
            pending.append(own.ended(timedOut, atUs: atUs))
        }
    }

    private mutating func take(_ event: MachineEvent, withdraw: (Double) -> Bool) {
        var branch = event.branch
        let first = row(branch.row)
        let unit = Self.spread(row: branch.row, attempt: branch.attempt)
        let (weight, nowUs) = (branch.weight, event.timeUs)
        var didAsk = false
        var wasGranted = false
        let action = branch.machine.next(event.what, nowUs: nowUs, unit: unit) {
            didAsk = true
            wasGranted = withdraw(weight)
            return wasGranted
        }
        if didAsk {
            asked += weight
            if !wasGranted { refused += weight }
        }
        switch action {
        case .send(let attempt, let choice, let limitUs):
            branch.attempt = attempt
            send(first, branch, choice: choice, limit: limitUs ?? .max, nowUs: nowUs)
        case .wait(let untilUs):
            pending.append(MachineEvent(timeUs: untilUs, what: .waitOver, branch: branch))
        case .answer:
            settleFailure(first, latencyUs: nowUs - first.startUs, weight: branch.weight)
        case .none:
            break
        }
    }

    /// A retry: what may come of it, each with its probability.
    private mutating func send(
        _ first: RouteFacts.First, _ start: MachineBranch, choice: HostChoice, limit: Int64, nowUs: Int64
    ) {
        var branch = start
        let host = pickHost(branch, choice)
        branch.tried |= 1 << UInt64(host & 63)
        branch.host = host
        totals.extra[first.unit] += branch.weight
        totals.costUs[first.unit] += branch.weight * Double(facts.objective.attemptCostUs)

        let answers = facts.answerProbability(host, nowUs)
        let elapsedUs = nowUs - first.startUs
        let restUs = max(0, facts.objective.deadlineUs - elapsedUs)
        let law = (branch.isSeenAgain ? facts.secondLatency : nil) ?? facts.latency[host]
        // What outlasted one limit by itself outlasts the next.
        let inTime = branch.isOwn ? LatencyTable.Point(share: 0, partialMeanUs: 0) : law.within(min(limit, restUs))
        let success = branch.weight * answers * inTime.share
        if success > 0 {
            settleSuccess(first, latencyUs: Double(elapsedUs) + inTime.partialMeanUs / inTime.share, weight: success)
        }
        let tooLate = branch.weight * answers * (1 - inTime.share)
        if limit == .max {
            settleFailure(first, latencyUs: facts.objective.deadlineUs, weight: tooLate)
        } else if limit > restUs {
            let late = branch.isOwn ? 0 : branch.weight * answers * (law.within(limit).share - inTime.share)
            settleFailure(first, latencyUs: facts.objective.deadlineUs, weight: late)
            end(branch.weighing(tooLate - late), timedOut, atUs: nowUs + limit)
        } else {
            end(branch.weighing(tooLate), timedOut, atUs: nowUs + limit)
        }
        let failed = branch.weighing(branch.weight * (1 - answers))
        let hangs = first.outcome.isCensored
        if hangs && limit == .max {
            settleFailure(first, latencyUs: facts.objective.deadlineUs, weight: failed.weight)
        } else {
            let failsAfterUs = hangs ? limit : first.outcome == .success ? facts.failureUs : first.durationUs
            end(failed, result(of: first, cutAt: limit), atUs: nowUs + min(failsAfterUs, limit))
        }
    }

    private mutating func end(_ branch: MachineBranch, _ result: AttemptResult, atUs: Int64) {
        if branch.weight > Self.leastWeight {
            pending.append(branch.ended(result, atUs: atUs))
        } else if branch.weight > 0 {
            let first = row(branch.row)
            settleFailure(first, latencyUs: atUs - first.startUs, weight: branch.weight)
        }
    }

    private mutating func settleSuccess(_ first: RouteFacts.First, latencyUs: Double, weight: Double) {
        if latencyUs > Double(facts.objective.deadlineUs) {
            settleFailure(first, latencyUs: facts.objective.deadlineUs, weight: weight)
            return
        }
        totals.costUs[first.unit] += weight * latencyUs
        totals.successes[first.unit] += weight
    }

    private mutating func settleFailure(_ first: RouteFacts.First, latencyUs: Int64, weight: Double) {
        let cost = min(latencyUs, facts.objective.deadlineUs) + facts.objective.failureCostUs
        totals.costUs[first.unit] += weight * Double(cost)
    }

    private var timedOut: AttemptResult { AttemptResult(outcome: .timeout) }

    /// The failure that a host shows while it is down: what this request met, or the limit if that is sooner.
    private func result(of first: RouteFacts.First, cutAt limit: Int64) -> AttemptResult {
        if first.outcome.isCensored && !first.hasStarted { return timedOut }
        if first.outcome == .success {
            return facts.failureUs >= limit ? timedOut : AttemptResult(outcome: .errorStatus, status: 503)
        }
        if first.durationUs >= limit { return timedOut }
        return AttemptResult(
            outcome: first.outcome, status: first.status, isGRPC: first.isGRPC, retryAfterUs: first.retryAfterUs)
    }

    private func row(_ index: Int32) -> RouteFacts.First {
        let index = Int(index)
        return index < facts.failed.count ? facts.failed[index] : facts.slow[index - facts.failed.count]
    }

    /// As the proxy picks: for `other` one not tried; when all were, any but the last.
    private func pickHost(_ branch: MachineBranch, _ choice: HostChoice) -> Int {
        let count = facts.hostCount
        let unit = Self.spread(row: branch.row, attempt: branch.attempt + 17)
        var free = Array(0..<count)
        if choice == .other && count > 1 {
            let fresh = free.filter { branch.tried & (1 << UInt64($0 & 63)) == 0 }
            free = fresh.isEmpty ? free.filter { $0 != branch.host } : fresh
        }
        return free[min(free.count - 1, Int(unit * Double(free.count)))]
    }

    /// A point of the additive recurrence of Roberts' R2 sequence: even over rows and over attempts.
    private static func spread(row: Int32, attempt: Int) -> Double {
        let sum = Double(row) * 0.754_877_666_246_692_7 + Double(attempt) * 0.569_840_290_998_053_2
        return sum - sum.rounded(.down)
    }
}

/// One thing that may have become of a request so far, with its probability.
struct MachineBranch {
    var machine: RetryMachine
    var row: Int32
    var weight: Double
    /// Hosts tried, as a bit set (hosts 64 apart share a bit).
    var tried: UInt64
    /// The host of the last attempt.
    var host: Int
    var attempt = 1
    /// Whether the request is slow by itself.
    var isOwn = false
    /// Whether it takes as long as second attempts of slow requests do.
    var isSeenAgain = false

    func weighing(_ weight: Double) -> MachineBranch {
        var copy = self
        copy.weight = weight
        return copy
    }

    func ended(_ result: AttemptResult, atUs: Int64) -> MachineEvent {
        MachineEvent(timeUs: atUs, what: .attemptEnded(result), branch: self)
    }
}

/// What a branch is told next, and when.
struct MachineEvent {
    var timeUs: Int64
    var what: RetryMachine.Event
    var branch: MachineBranch
}
