import Retry

/// Plays one rule on all recorded requests of a route in the order of time: for rules that hedge or eject hosts, which
/// `TreePlay` does not know.
///
/// Every thing that may happen is followed with its probability, as everywhere. A hedge asks the budget when it is due.
/// A host that failed rests, so that what the log shows of it holds only as far as it does not rest; as far as it does,
/// its requests are dealt to others. What is retried and when are the retry machine's own decisions. methods: pricing
struct TimedPlay {
    /// A request's way so far.
    struct Way {
        let row: Int
        /// The host of the last attempt.
        var host: Int
        /// Hosts tried, as a bit set.
        var tried: UInt64
        var retries = 0
        /// P(the first attempt could be sent to its host).
        let open: Double
        let isForced: Bool
        /// What may be retried.
        let allowed: AttemptPlay.Retries
    }

    private enum Event {
        case hedgeDue(HedgeRound)
        case failed(HostFailure)
        /// An attempt, or the last of a round, has ended without an answer.
        case ended(AttemptPlay.Ended, Way)
        case waitOver(AttemptPlay.Ended, Way)
    }

    private let rows: PlayedRows
    private let rule: Rule
    private let play: AttemptPlay
    private let races: RaceStart
    private let path: [Backoff.Pause]
    private let hedge: HedgePolicy?
    private let objective: Objective
    private var budget: ExpectedBudget
    private var rests: HostRests?
    private var queue = PlayQueue<Event>()
    private var totals: UnitTotals

    /// Whether a rule says something that only this play knows.
    static func isNeeded(for rule: Rule) -> Bool { hedge(of: rule) != nil || rule.ejectionUs ?? 0 > 0 }

    /// The hedges that can come to be sent at all.
    private static func hedge(of rule: Rule) -> HedgePolicy? {
        let limitUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max)
        return rule.hedge.flatMap { $0.max > 0 && $0.delayUs < limitUs ? $0 : nil }
    }

    /// - Parameters:
    ///   - isFree: no budget refuses anything.
    ///   - stretch: outages are played as if each had lasted this many times as long.
    private init(_ rule: Rule, on rows: PlayedRows, isFree: Bool, stretch: Double) {
        self.rows = rows
        self.rule = rule
        hedge = Self.hedge(of: rule)
        objective = rows.facts.objective
        // Without retries hedges go to a host that was not tried, as retries do where nothing else is said.
        var framed = rule
        if rule.retry == nil {
            framed.retry = RetryPolicy(maxRetries: 0, on: [], host: .other, backoff: .waits([], jitter: 0))
        }
        play = AttemptPlay(framed, on: rows.facts, stretch: stretch)
        races = RaceStart(rule, on: rows.facts, stretch: stretch)
        path = (0..<(rule.retry?.maxRetries ?? 0)).map { rule.retry?.backoff.pause(retry: $0 + 1) ?? .exact(0) }
        budget = ExpectedBudget(isFree ? nil : rule.budget, rows)
        if let restUs = rule.ejectionUs, restUs > 0, rows.facts.hostCount > 1 {
            let longestUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max, 4 * objective.deadlineUs)
            rests = HostRests(restUs: restUs, hosts: rows.facts.hostCount, longestAttemptUs: longestUs)
        }
        totals = UnitTotals(units: rows.facts.units)
        totals.costUs = rows.facts.fixedCostUs
        totals.successes = rows.facts.fixedSuccesses
    }

    /// What a rule costs, through its budget.
    static func played(_ rule: Rule, on rows: PlayedRows) -> PlayedRule {
        var play = TimedPlay(rule, on: rows, isFree: false, stretch: 1)
        play.run()
        return PlayedRule(
            rule: rule, totals: play.totals, refusedShare: play.budget.refusedShare)
    }

    /// What it costs while its budget refuses nothing, by unit, had every outage lasted `stretch` times as long.
    static func freeCostUs(_ rule: Rule, on rows: PlayedRows, stretch: Double = 1) -> [Double] {
        var play = TimedPlay(rule, on: rows, isFree: true, stretch: stretch)
        play.run()
        return play.totals.costUs
    }

    private mutating func run() {
        // The requests that are always answered alike are looked at only where their host may rest.
        let answered = rests == nil ? [] : rows.facts.answered
        var (next, nextAnswered) = (0, 0)
        while true {
            let startUs = next < rows.order.count ? rows.firsts[Int(rows.order[next])].startUs : .max
            let answeredUs = nextAnswered < answered.count ? answered[nextAnswered].startUs : .max
            let atUs = min(startUs, answeredUs)
            if let dueUs = queue.earliestUs, dueUs <= atUs {
                if let event = queue.popEarliest() { take(event, nowUs: dueUs) }
            } else if next < rows.order.count, startUs <= answeredUs {
                begin(Int(rows.order[next]))
                next += 1
            } else if nextAnswered < answered.count {
                dealAgain(answered[nextAnswered], row: rows.firsts.count + nextAnswered)
                nextAnswered += 1
            } else {
                return
            }
        }
    }

    private mutating func take(_ event: Event, nowUs: Int64) {
        switch event {
        case .hedgeDue(let round): sendHedge(round, nowUs: nowUs)
        case .failed(let failure): rests?.fail(failure)
        case .ended(let ended, let way): goOn(ended, way, nowUs: nowUs)
        case .waitOver(let ended, let way): retry(ended, way, nowUs: nowUs)
        }
    }

    private func first(_ row: Int) -> RouteFacts.First {
        row < rows.firsts.count ? rows.firsts[row] : RouteFacts.First(rows.facts.answered[row - rows.firsts.count])
    }

    // MARK: First attempts

    private mutating func begin(_ row: Int) {
        let first = rows.firsts[row]
        let resting = rests?.share(first.host, atUs: first.startUs) ?? 0
        if resting <= 0 { return begin(row, first, share: 1, on: nil, isForced: false) }
        guard let other = otherHost(row, first) else {
            // It is sent whether its host rests or not.
            return begin(row, first, share: 1, on: nil, isForced: true)
        }
        if resting < 1 { begin(row, first, share: 1 - resting, on: nil, isForced: false) }
        begin(row, first, share: resting, on: other, isForced: false)
    }

    /// A request that is answered alike whatever the rule, unless its host rests and another does not.
    private mutating func dealAgain(_ answered: RouteFacts.Answered, row: Int) {
        guard let rests, rests.isAnyResting(atUs: answered.startUs) else { return }
        let resting = rests.share(Int(answered.host), atUs: answered.startUs)
        if resting <= 0 { return }
        let first = RouteFacts.First(answered)
        guard let other = otherHost(row, first) else { return }
        totals.costUs[first.unit] -= resting * Double(first.durationUs)
        totals.successes[first.unit] -= resting
        begin(row, first, share: resting, on: other, isForced: false)
    }

    /// Where a request goes whose host rests; `nil`: nowhere else, all others rest.
    private func otherHost(_ row: Int, _ first: RouteFacts.First) -> Int? {
        let open = openHosts(row, attempt: 1, atUs: first.startUs).filter { $0 != first.host }
        let place = Int(AttemptPlay.spread(row: row, attempt: 1 + 17) * Double(open.count))
        return open.isEmpty ? nil : open[min(open.count - 1, place)]
    }

    private mutating func begin(
        _ row: Int, _ recorded: RouteFacts.First, share: Double, on elsewhere: Int?, isForced: Bool
    ) {
        var first = recorded
        if elsewhere != nil { first.hasStarted = false }
        let host = elsewhere ?? first.host
        let start = play.begin(first)
        let way = Way(
            row: row, host: host, tried: 1 << UInt64(host & 63), open: openShare(host, isForced, atUs: first.startUs),
            isForced: isForced, allowed: start.retries)
        if let hedge, first.isIdempotent, !first.hasStarted,
            elsewhere != nil || races.endUs(first) > hedge.delayUs
        {
            let round = HedgeRound(way, first, share: share, elsewhere: elsewhere, races)
            hold(round, dueUs: hedge.delayUs, afterUs: -1)
        } else if elsewhere != nil {
            finish(HedgeRound(way, first, share: share, elsewhere: elsewhere, races), afterUs: -1)
        } else {
            settle(start.fate, way, first, share: share)
        }
    }

    /// The recorded first attempt alone.
    private mutating func settle(_ fate: AttemptPlay.Fate, _ way: Way, _ first: RouteFacts.First, share: Double) {
        totals.costUs[first.unit] += share * fate.costUs
        totals.successes[first.unit] += share * fate.success
        // A client that left in the middle of a response is not its host's failure.
        if fate.first.weight > 0, first.outcome != .cancelled || !first.hasStarted {
            // Two readings of one timeout end at one instant.
            tell(
                HostFailure(
                    host: first.host, sentUs: first.startUs, atUs: fate.first.atUs,
                    share: (fate.first.weight + fate.second.weight) / first.weight, open: way.open,
                    isForced: way.isForced))
        }
        for var ended in [fate.first, fate.second] where ended.weight > 0 {
            ended.weight *= share
            queue.push(.ended(ended, way), atUs: ended.atUs)
        }
    }

    /// What waits for its turn comes before what follows from it at the same instant: a host rests before it is asked
    /// whether it does.
    private mutating func tell(_ failure: HostFailure) {
        if rests != nil, failure.share >= HostRests.leastShare { queue.push(.failed(failure), atUs: failure.atUs) }
    }

    // MARK: Hedges

    /// Lets a round run until its next hedge is due.
    private mutating func hold(_ round: HedgeRound, dueUs: Int64, afterUs: Int64) {
        tellFailures(round, afterUs: afterUs, throughUs: dueUs)
        end(round, afterUs: afterUs, throughUs: dueUs)
        queue.push(.hedgeDue(round), atUs: round.first.startUs + dueUs)
    }

    private mutating func sendHedge(_ round: HedgeRound, nowUs: Int64) {
        let first = round.first
        let sinceUs = nowUs - first.startUs
        let weight = round.weight * round.open(byUs: sinceUs)
        guard weight > AttemptPlay.leastWeight, budget.withdraw(weight, nowUs: nowUs) else {
            return finish(round, afterUs: sinceUs)
        }
        totals.extra[first.unit] += weight
        totals.costUs[first.unit] += weight * Double(objective.attemptCostUs)
        // Hedges draw from a stream that no retry uses.
        let picked = pick(round.way, attempt: 34 + round.hedges.count, atUs: nowUs)
        round.send(
            RaceStart.Hedge(
                host: picked.host, sentUs: sinceUs, open: openShare(picked.host, picked.isForced, atUs: nowUs),
                isForced: picked.isForced),
            races)
        let (dueUs, overflow) = sinceUs.addingReportingOverflow(hedge?.delayUs ?? .max)
        if round.hedges.count < hedge?.max ?? 0, !overflow, dueUs < rule.timeoutUs ?? .max {
            hold(round, dueUs: dueUs, afterUs: sinceUs)
        } else {
            finish(round, afterUs: sinceUs)
        }
    }

    /// No further hedge comes: what is answered is settled, and all other ways go on when they end.
    private mutating func finish(_ round: HedgeRound, afterUs: Int64) {
        let settled = round.settled(objective)
        totals.costUs[round.first.unit] += settled.costUs
        totals.successes[round.first.unit] += settled.successes
        tellFailures(round, afterUs: afterUs, throughUs: .max)
        end(round, afterUs: afterUs, throughUs: .max)
    }

    private mutating func end(_ round: HedgeRound, afterUs: Int64, throughUs: Int64) {
        round.eachEnding(after: afterUs, through: throughUs) { ended in
            if ended.atUs < .max, ended.weight > AttemptPlay.leastWeight {
                queue.push(.ended(ended, round.way), atUs: ended.atUs)
            } else {
                settleFailure(ended, round.first)
            }
        }
    }

    /// Tells when hosts fail in a round while no answer has ended it.
    private mutating func tellFailures(_ round: HedgeRound, afterUs: Int64, throughUs: Int64) {
        if rests == nil { return }
        round.eachFailure(after: afterUs, through: throughUs) { tell($0) }
    }

    // MARK: Retries

    private mutating func goOn(_ ended: AttemptPlay.Ended, _ way: Way, nowUs: Int64) {
        let first = first(way.row)
        guard way.retries < path.count else { return settleFailure(ended, first) }
        let waitUs = path[way.retries].us(unit: AttemptPlay.spread(row: way.row, attempt: way.retries + 1))
        let nextUs = way.allowed.nextUs(
            afterTimeout: ended.isTimeout, atUs: nowUs, waitUs: waitUs, deadlineUs: play.deadlineUs(first))
        guard let nextUs, budget.withdraw(ended.weight, nowUs: nowUs) else { return settleFailure(ended, first) }
        if nextUs == nowUs { retry(ended, way, nowUs: nowUs) } else { queue.push(.waitOver(ended, way), atUs: nextUs) }
    }

    private mutating func retry(_ ended: AttemptPlay.Ended, _ way: Way, nowUs: Int64) {
        let first = first(way.row)
        let picked = pick(way, attempt: way.retries + 2, atUs: nowUs)
        totals.extra[first.unit] += ended.weight
        let fate = play.send(
            first, ended, host: picked.host, nowUs: nowUs, deadlineUs: play.deadlineUs(first))
        totals.costUs[first.unit] += fate.costUs
        totals.successes[first.unit] += fate.success
        var next = way
        next.retries += 1
        next.host = picked.host
        next.tried |= 1 << UInt64(picked.host & 63)
        let open = openShare(picked.host, picked.isForced, atUs: nowUs)
        for ended in [fate.first, fate.second] where ended.weight > 0 {
            tell(
                HostFailure(
                    host: picked.host, sentUs: nowUs, atUs: ended.atUs, share: min(1, ended.weight / first.weight),
                    open: open, isForced: picked.isForced))
            queue.push(.ended(ended, next), atUs: ended.atUs)
        }
    }

    private mutating func settleFailure(_ ended: AttemptPlay.Ended, _ first: RouteFacts.First) {
        totals.costUs[first.unit] += ended.weight * play.failureCostUs(first, atUs: ended.atUs)
    }

    // MARK: Hosts

    private func openShare(_ host: Int, _ isForced: Bool, atUs: Int64) -> Double {
        isForced ? 1 : 1 - (rests?.share(host, atUs: atUs) ?? 0)
    }

    /// The hosts that do not rest.
    private func openHosts(_ row: Int, attempt: Int, atUs: Int64) -> [Int] {
        rests?.openHosts(atUs: atUs) { AttemptPlay.spread(row: row, attempt: 64 + attempt * 64 + $0) }
            ?? Array(0..<rows.facts.hostCount)
    }

    /// As the proxy picks, among the hosts that do not rest; where all rest, none does.
    private func pick(_ way: Way, attempt: Int, atUs: Int64) -> (host: Int, isForced: Bool) {
        let open = openHosts(way.row, attempt: attempt, atUs: atUs)
        if open.isEmpty || open.count == rows.facts.hostCount {
            let host = play.pickHost(row: way.row, attempt: attempt, tried: way.tried, last: way.host)
            return (host, open.isEmpty)
        }
        var among = open
        if rule.retry?.host ?? .other == .other {
            let fresh = open.filter { way.tried & (1 << UInt64($0 & 63)) == 0 }
            let others = open.filter { $0 != way.host }
            among = !fresh.isEmpty ? fresh : !others.isEmpty ? others : open
        }
        let place = Int(AttemptPlay.spread(row: way.row, attempt: attempt + 17) * Double(among.count))
        return (among[min(among.count - 1, place)], false)
    }
}
