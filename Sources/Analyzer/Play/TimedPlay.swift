import Retry

/// Plays one rule on all recorded requests of a route in the order of time: for rules that hedge or eject hosts, which
/// `TreePlay` does not know.
///
/// Every thing that may happen is followed with its probability, as everywhere. A hedge asks the budget when it is due.
/// A host that failed rests, so that what the log shows of it holds only as far as it does not rest; as far as it does,
/// its requests are dealt to others. What is retried and when are the retry machine's own decisions. methods: pricing
struct TimedPlay {
    /// A request's way so far.
    private struct Way {
        var row: Int
        /// The host of the last attempt.
        var host: Int
        /// Hosts tried, as a bit set.
        var tried: UInt64
        var retries = 0
        /// P(the first attempt could be sent to its host).
        var open = 1.0
        var isForced = false
        /// What may be retried.
        var start: AttemptPlay.Start
    }

    /// First attempts and what runs beside them.
    private struct Round {
        var way: Way
        /// How many requests of the log take it.
        var weight: Double
        /// The same as a share of the row.
        var share: Double
        /// Another host than recorded.
        var elsewhere: Int?
        var hedges: [RaceStart.Hedge] = []
    }

    private enum Event {
        case hedgeDue(Round)
        /// A host has failed: P(that | an attempt could be sent).
        case failed(host: Int, sentUs: Int64, share: Double, open: Double, isForced: Bool)
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
    private var budget: RetryBudget?
    private var rests: HostRests?
    private var arrivals: RequestCursor
    private var queue = PlayQueue<Event>()
    private var totals: UnitTotals
    private var asked = 0.0
    private var refused = 0.0

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
        budget = isFree ? nil : rule.budget.map(RetryBudget.init)
        if let restUs = rule.ejectionUs, restUs > 0, rows.facts.hostCount > 1 {
            let longestUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max, 4 * objective.deadlineUs)
            rests = HostRests(restUs: restUs, hosts: rows.facts.hostCount, longestAttemptUs: longestUs)
        }
        arrivals = RequestCursor(rows, from: .min)
        totals = UnitTotals(units: rows.facts.units)
        totals.costUs = rows.facts.fixedCostUs
        totals.successes = rows.facts.fixedSuccesses
    }

    /// What a rule costs, through its budget.
    static func played(_ rule: Rule, on rows: PlayedRows) -> PlayedRule {
        var play = TimedPlay(rule, on: rows, isFree: false, stretch: 1)
        play.run()
        return PlayedRule(
            rule: rule, totals: play.totals, refusedShare: play.asked > 0 ? play.refused / play.asked : 0)
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
        case .failed(let host, let sentUs, let share, let open, let isForced):
            rests?.fail(host, sentUs: sentUs, atUs: nowUs, share: share, open: open, isForced: isForced)
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
        if resting < 1 { begin(row, first, share: 1 - resting, on: nil, isForced: false) }
        if resting > 0 { beginElsewhere(row, first, share: resting) }
    }

    /// A request that is answered alike whatever the rule, unless its host rests.
    private mutating func dealAgain(_ answered: RouteFacts.Answered, row: Int) {
        guard let rests, rests.isAnyResting(atUs: answered.startUs) else { return }
        let resting = rests.share(Int(answered.host), atUs: answered.startUs)
        if resting <= 0 { return }
        let first = RouteFacts.First(answered)
        totals.costUs[first.unit] -= resting * Double(first.durationUs)
        totals.successes[first.unit] -= resting
        beginElsewhere(row, first, share: resting)
    }

    private mutating func beginElsewhere(_ row: Int, _ first: RouteFacts.First, share: Double) {
        let open = openHosts(row, attempt: 1, atUs: first.startUs).filter { $0 != first.host }
        let place = Int(AttemptPlay.spread(row: row, attempt: 1 + 17) * Double(open.count))
        if open.isEmpty { return begin(row, first, share: share, on: nil, isForced: true) }
        begin(row, first, share: share, on: open[min(open.count - 1, place)], isForced: false)
    }

    private mutating func begin(
        _ row: Int, _ first: RouteFacts.First, share: Double, on elsewhere: Int?, isForced: Bool
    ) {
        // Elsewhere no response has begun yet.
        var other = first
        if elsewhere != nil { other.hasStarted = false }
        let host = elsewhere ?? first.host
        let way = Way(
            row: row, host: host, tried: 1 << UInt64(host & 63), open: openShare(host, isForced, atUs: first.startUs),
            isForced: isForced, start: play.begin(other))
        let round = Round(way: way, weight: first.weight * share, share: share, elsewhere: elsewhere)
        if let hedge, other.isIdempotent, !other.hasStarted,
            elsewhere != nil || races.endUs(first) > hedge.delayUs
        {
            hold(round, other, dueUs: hedge.delayUs, afterUs: -1)
        } else if elsewhere != nil {
            finish(round, other, afterUs: -1)
        } else {
            settle(way, first, share: share)
        }
    }

    /// The recorded first attempt alone.
    private mutating func settle(_ way: Way, _ first: RouteFacts.First, share: Double) {
        let fate = way.start.fate
        totals.costUs[first.unit] += share * fate.costUs
        totals.successes[first.unit] += share * fate.success
        // A client that left in the middle of a response is not its host's failure.
        if rests != nil, fate.first.weight > 0, first.outcome != .cancelled || !first.hasStarted {
            // Two readings of one timeout end at one instant.
            let failed = (fate.first.weight + fate.second.weight) / first.weight
            queue.push(
                .failed(
                    host: first.host, sentUs: first.startUs, share: failed, open: way.open, isForced: way.isForced),
                atUs: fate.first.atUs)
        }
        for var ended in [fate.first, fate.second] where ended.weight > 0 {
            ended.weight *= share
            queue.push(.ended(ended, way), atUs: ended.atUs)
        }
    }

    // MARK: Hedges

    /// Lets a round run until its next hedge is due.
    private mutating func hold(_ round: Round, _ first: RouteFacts.First, dueUs: Int64, afterUs: Int64) {
        for reading in races.readings(first, elsewhere: round.elsewhere, round.hedges) {
            end(reading, round, first, afterUs: afterUs, throughUs: dueUs)
        }
        fail(round, first, afterUs: afterUs, throughUs: dueUs)
        queue.push(.hedgeDue(round), atUs: first.startUs + dueUs)
    }

    private mutating func sendHedge(_ round: Round, nowUs: Int64) {
        var first = first(round.way.row)
        if round.elsewhere != nil { first.hasStarted = false }
        let sinceUs = nowUs - first.startUs
        let readings = races.readings(first, elsewhere: round.elsewhere, round.hedges)
        let open = readings.reduce(0) { $0 + $1.share * $1.race.open(byUs: sinceUs) }
        let weight = round.weight * open
        guard weight > AttemptPlay.leastWeight, withdraw(weight, nowUs: nowUs) else {
            return finish(round, first, afterUs: sinceUs)
        }
        totals.extra[first.unit] += weight
        totals.costUs[first.unit] += weight * Double(objective.attemptCostUs)
        var next = round
        // Hedges draw from a stream that no retry uses.
        let attempt = 34 + round.hedges.count
        let picked = pick(round.way, attempt: attempt, atUs: nowUs)
        next.hedges.append(
            RaceStart.Hedge(
                host: picked.host, sentUs: sinceUs, open: openShare(picked.host, picked.isForced, atUs: nowUs),
                isForced: picked.isForced))
        next.way.host = picked.host
        next.way.tried |= 1 << UInt64(picked.host & 63)
        let (dueUs, overflow) = sinceUs.addingReportingOverflow(hedge?.delayUs ?? .max)
        if next.hedges.count < hedge?.max ?? 0, !overflow, dueUs < rule.timeoutUs ?? .max {
            hold(next, first, dueUs: dueUs, afterUs: sinceUs)
        } else {
            finish(next, first, afterUs: sinceUs)
        }
    }

    /// No further hedge comes: what is answered is settled, and all other ways go on when they end.
    private mutating func finish(_ round: Round, _ first: RouteFacts.First, afterUs: Int64) {
        let (deadlineUs, lateUs) = (objective.deadlineUs, Double(objective.deadlineUs + objective.failureCostUs))
        for reading in races.readings(first, elsewhere: round.elsewhere, round.hedges) {
            let weight = round.weight * reading.share
            let race = reading.race
            let unanswered = race.unanswered(byUs: deadlineUs)
            let inTimeUs = race.unansweredArea(untilUs: deadlineUs) - Double(deadlineUs) * unanswered
            let late = max(0, unanswered - race.unanswered(byUs: .max))
            totals.costUs[first.unit] += weight * (inTimeUs + late * lateUs)
            totals.successes[first.unit] += weight * (1 - unanswered)
            end(reading, round, first, afterUs: afterUs, throughUs: .max)
        }
        fail(round, first, afterUs: afterUs, throughUs: .max)
    }

    private mutating func end(
        _ reading: RaceStart.Reading, _ round: Round, _ first: RouteFacts.First, afterUs: Int64, throughUs: Int64
    ) {
        var ends: [RacingAttempt.Ending] = []
        reading.race.eachEnding(after: afterUs, through: throughUs) { ends.append($0) }
        for end in ends {
            let weight = round.weight * reading.share * end.weight
            if end.atUs == .max {
                totals.costUs[first.unit] += weight * Double(objective.deadlineUs + objective.failureCostUs)
                continue
            }
            let ended = AttemptPlay.Ended(
                weight: weight, atUs: first.startUs + end.atUs, isTimeout: end.isTimeout, isOwn: reading.isOwn,
                isSeenAgain: reading.isSeenAgain)
            if weight > AttemptPlay.leastWeight {
                queue.push(.ended(ended, round.way), atUs: ended.atUs)
            } else {
                fail(ended, first)
            }
        }
    }

    /// Tells when hosts fail in a round while no answer has ended it.
    private mutating func fail(_ round: Round, _ first: RouteFacts.First, afterUs: Int64, throughUs: Int64) {
        if rests == nil { return }
        let readings = races.readings(first, elsewhere: round.elsewhere, round.hedges)
        for place in 0...round.hedges.count {
            // On its own host the request's attempt is sent whenever one could be.
            let sent = place == 0 && round.elsewhere == nil ? 1 : round.share
            let hedge = place > 0 ? round.hedges[place - 1] : nil
            for (atUs, share) in RaceStart.failures(of: place, readings, afterUs: afterUs, throughUs: throughUs) {
                queue.push(
                    .failed(
                        host: hedge?.host ?? round.elsewhere ?? first.host,
                        sentUs: first.startUs + (hedge?.sentUs ?? 0), share: min(1, share * sent),
                        open: hedge?.open ?? round.way.open,
                        isForced: hedge?.isForced ?? round.way.isForced),
                    atUs: first.startUs + atUs)
            }
        }
    }

    // MARK: Retries

    private mutating func goOn(_ ended: AttemptPlay.Ended, _ way: Way, nowUs: Int64) {
        let first = first(way.row)
        guard way.retries < path.count else { return fail(ended, first) }
        let waitUs = path[way.retries].us(unit: AttemptPlay.spread(row: way.row, attempt: way.retries + 1))
        let nextUs = way.start.retries.nextUs(
            afterTimeout: ended.isTimeout, atUs: nowUs, waitUs: waitUs, deadlineUs: play.deadlineUs(first))
        guard let nextUs, withdraw(ended.weight, nowUs: nowUs) else { return fail(ended, first) }
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
        for ended in [fate.first, fate.second] where ended.weight > 0 {
            if rests != nil {
                let share = min(1, ended.weight / first.weight)
                queue.push(
                    .failed(
                        host: picked.host, sentUs: nowUs, share: share,
                        open: openShare(picked.host, picked.isForced, atUs: nowUs), isForced: picked.isForced),
                    atUs: ended.atUs)
            }
            queue.push(.ended(ended, next), atUs: ended.atUs)
        }
    }

    private mutating func fail(_ ended: AttemptPlay.Ended, _ first: RouteFacts.First) {
        totals.costUs[first.unit] += ended.weight * play.failureCostUs(first, atUs: ended.atUs)
    }

    private mutating func withdraw(_ weight: Double, nowUs: Int64) -> Bool {
        asked += weight
        guard let oldestUs = budget?.oldestUs(nowUs: nowUs) else { return true }
        let inside = arrivals.count(from: oldestUs, to: nowUs) * RetryBudget.whole
        let amount = Int64(weight * Double(RetryBudget.whole))
        let isGranted = budget?.withdraw(nowUs: nowUs, amount: amount, requests: inside) ?? true
        if !isGranted { refused += weight }
        return isGranted
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
