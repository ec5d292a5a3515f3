import Retry

/// Plays one rule on some units in the order of time through its budget, withdrawing the expected share of each retry.
struct BudgetPlay {
    /// What is told next, and when.
    struct Event {
        /// What has ended, or did before the wait.
        var ended: AttemptPlay.Ended
        /// When it is told.
        var timeUs: Int64
        /// Hosts tried, as a bit set.
        var tried: UInt64
        var row: Int32
        /// The host of the last attempt, and its number.
        var host: Int32
        var attempt: Int32
        /// The wait before the next attempt is over; otherwise an attempt has ended.
        var isWaitOver = false
    }

    /// The first attempts of the rows of some units, which are the same under every rule of a frame.
    struct Opening {
        let units: Range<Int>
        /// Their ends, in order of time.
        private(set) var events: [Event] = []
        /// What is settled with them, by unit.
        private(set) var settled: [(costUs: Double, success: Double)]

        init(_ units: Range<Int>, of rows: PlayedRows, _ starts: [AttemptPlay.Start]) {
            self.units = units
            settled = Array(repeating: (0, 0), count: units.count)
            for row in rows.rows(of: units) {
                let first = rows.firsts[row]
                let fate = starts[row].fate
                settled[first.unit - units.lowerBound].costUs += fate.costUs
                settled[first.unit - units.lowerBound].success += fate.success
                for ended in [fate.first, fate.second] where ended.weight > 0 {
                    events.append(
                        Event(
                            ended: ended, timeUs: ended.atUs, tried: 1 << UInt64(first.host & 63), row: Int32(row),
                            host: Int32(first.host), attempt: 1))
                }
            }
            // What ends at one instant comes row by row, and of a row what is slow by itself last.
            events.sort { one, other in
                if one.timeUs != other.timeUs { return one.timeUs < other.timeUs }
                if one.row != other.row { return one.row < other.row }
                return !one.ended.isOwn && other.ended.isOwn
            }
        }
    }

    private let rows: PlayedRows
    private let starts: [AttemptPlay.Start]
    private let play: AttemptPlay
    private let path: [Backoff.Pause]
    private var budget: RetryBudget
    private var arrivals: RequestCursor
    private var queue = PlayQueue<Event>()
    private(set) var totals: UnitTotals
    private(set) var asked: [Double]
    private(set) var refused = 0.0

    /// - Parameter known: what the rule costs as long as nothing is refused; it stays so in all other units.
    init(
        _ path: [Backoff.Pause], _ policy: BudgetPolicy, _ play: AttemptPlay, _ starts: [AttemptPlay.Start],
        on rows: PlayedRows, knowing known: FreeTotals
    ) {
        self.path = path
        self.play = play
        self.starts = starts
        self.rows = rows
        budget = RetryBudget(policy)
        arrivals = RequestCursor(rows, from: .min)
        totals = known.totals
        asked = known.asked
    }

    /// Plays units that follow each other, from the ends of the first attempts of their rows.
    mutating func run(_ opening: Opening) {
        for (place, unit) in opening.units.enumerated() {
            totals.costUs[unit] = rows.facts.fixedCostUs[unit] + opening.settled[place].costUs
            totals.successes[unit] = rows.facts.fixedSuccesses[unit] + opening.settled[place].success
            totals.extra[unit] = 0
            asked[unit] = 0
        }
        let opening = opening.events
        guard let first = opening.first else { return }
        budget = RetryBudget(budget.policy)
        arrivals = RequestCursor(rows, from: first.timeUs - 2 * max(64, budget.policy.windowUs))
        var next = 0
        while true {
            let event: Event
            if next < opening.count, queue.earliestUs.map({ opening[next].timeUs <= $0 }) ?? true {
                event = opening[next]
                next += 1
            } else if let queued = queue.popEarliest() {
                event = queued
            } else {
                return
            }
            take(event)
        }
    }

    private mutating func take(_ event: Event) {
        let first = rows.firsts[Int(event.row)]
        if event.isWaitOver { return send(event, first) }
        let attempt = Int(event.attempt)
        let ended = event.ended
        guard attempt <= path.count else { return fail(event, first) }
        let waitUs = path[attempt - 1].us(unit: AttemptPlay.spread(row: Int(event.row), attempt: attempt))
        let nextUs = starts[Int(event.row)].retries.nextUs(
            afterTimeout: ended.isTimeout, atUs: event.timeUs, waitUs: waitUs, deadlineUs: play.deadlineUs(first))
        guard let nextUs else { return fail(event, first) }
        asked[first.unit] += ended.weight
        let inside = arrivals.count(from: budget.oldestUs(nowUs: event.timeUs), to: event.timeUs)
        let amount = Int64(ended.weight * Double(RetryBudget.whole))
        guard budget.withdraw(nowUs: event.timeUs, amount: amount, requests: inside * RetryBudget.whole) else {
            refused += ended.weight
            return fail(event, first)
        }
        var next = event
        next.timeUs = nextUs
        next.isWaitOver = true
        if nextUs == event.timeUs { send(next, first) } else { queue.push(next, atUs: nextUs) }
    }

    private mutating func send(_ event: Event, _ first: RouteFacts.First) {
        let attempt = Int(event.attempt) + 1
        let host = play.pickHost(row: Int(event.row), attempt: attempt, tried: event.tried, last: Int(event.host))
        totals.extra[first.unit] += event.ended.weight
        let fate = play.send(
            first, event.ended, host: host, nowUs: event.timeUs, deadlineUs: play.deadlineUs(first))
        totals.costUs[first.unit] += fate.costUs
        totals.successes[first.unit] += fate.success
        let tried = event.tried | 1 << UInt64(host & 63)
        goOn(fate.first, event, host, attempt, tried)
        goOn(fate.second, event, host, attempt, tried)
    }

    @inline(__always)
    private mutating func goOn(
        _ ended: AttemptPlay.Ended, _ event: Event, _ host: Int, _ attempt: Int, _ tried: UInt64
    ) {
        if ended.weight <= 0 { return }
        queue.push(
            Event(
                ended: ended, timeUs: ended.atUs, tried: tried, row: event.row, host: Int32(host),
                attempt: Int32(attempt)),
            atUs: ended.atUs)
    }

    private mutating func fail(_ event: Event, _ first: RouteFacts.First) {
        totals.costUs[first.unit] += event.ended.weight * play.failureCostUs(first, atUs: event.timeUs)
    }
}
