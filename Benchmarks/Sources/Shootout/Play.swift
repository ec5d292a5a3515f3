import Retry

/// Plays a day under rules: every request runs the real retry machine and the real budget, in virtual time.
///
/// With one rule for each layer. A request whose first attempt succeeds before any limit of its rule, and whose answer
/// depends on nobody else, is settled without a machine: it would have been told `begin` and `success`.
struct Play {
    private let day: Day
    private let contestants: [Contestant]
    private var upstreams: [Upstream]
    private var budgets: [RetryBudget?]
    private var hedgeBudgets: [RetryBudget]
    private var governors: [Governor]
    private var events = EventHeap()
    private var lives: [Life] = []
    private var free: [Int] = []
    private var findings = Findings()
    private var log: [Attempt]?
    /// What the attempt that is about to begin comes to, where that was looked up before.
    private var known: Upstream.Reply?

    /// Finagle's backup requests may add one request in a hundred.
    private static let hedgeBudget = BudgetPolicy(ratio: 0.01, minPerSecond: 0, windowUs: 30_000_000)
    /// The log's clock.
    static let epochUs: Int64 = 1_700_000_000_000_000

    /// A request under way.
    private struct Life {
        var machine: RetryMachine
        var number: UInt64
        var layer: Int
        /// The attempt of the layer above that waits for it.
        var parent: (slot: Int, epoch: Int)?
        var startUs: Int64
        var epoch: Int
        var attempt = 0
        var sentUs: Int64 = 0
        var endedUs: Int64
        var limitUs: Int64?
        var host: Int?
        var tried: UInt64 = 0
        var taken = 0.0
        var holdsRetry = false
        var isHedging = false
        var hedge = (sentUs: Int64(0), host: 0)
        /// The failure of an attempt whose hedge still runs.
        var held: AttemptResult?
    }

    private init(_ day: Day, _ contestants: [Contestant], isLogged: Bool) {
        self.day = day
        self.contestants = contestants
        upstreams = contestants.indices.map { Upstream(day, layer: $0) }
        budgets = contestants.map { $0.rule.budget.map(RetryBudget.init) }
        hedgeBudgets = contestants.map { _ in RetryBudget(Self.hedgeBudget) }
        governors = contestants.map { Governor($0.governor) }
        log = isLogged ? [] : nil
    }

    /// The findings of a day.
    static func findings(_ day: Day, _ contestants: [Contestant]) -> Findings {
        var play = Play(day, contestants, isLogged: false)
        play.run()
        return play.findings
    }

    /// The attempts of a day as the proxy records them, one route a layer (`r0` is the client's).
    static func log(_ day: Day, _ contestants: [Contestant]) -> [Attempt] {
        var play = Play(day, contestants, isLogged: true)
        play.run()
        return play.log ?? []
    }

    private mutating func run() {
        let rule = contestants[0].rule
        let shortestUs = [rule.perTryTimeoutUs, rule.timeoutUs, rule.hedge?.delayUs].compactMap { $0 }.min() ?? .max
        for (index, atUs) in day.arrivalsUs.enumerated() {
            while let nextUs = events.earliestUs, nextUs <= atUs { step() }
            if log == nil, contestants.count == 1 {
                let first = first(index, nowUs: atUs)
                if first.result.outcome == .success && first.durationUs <= shortestUs {
                    budgets[0]?.recordRequest(nowUs: atUs)
                    if rule.hedge != nil { hedgeBudgets[0].recordRequest(nowUs: atUs) }
                    governors[0].succeeded(taken: 0)
                    findings.settle(latencyUs: first.durationUs, isSuccess: true, day.world.objective)
                    continue
                }
                known = first
            }
            begin(number: UInt64(index), layer: 0, parent: nil, nowUs: atUs)
        }
        while events.earliestUs != nil { step() }
        findings.lastLongWaitUs = upstreams.last?.lastLongWaitUs
    }

    /// What the first attempt of a request comes to when nothing cuts it short.
    private mutating func first(_ index: Int, nowUs: Int64) -> Upstream.Reply {
        if !day.firsts.isEmpty { return day.firsts[index] }
        let host = upstreams[0].host(of: UInt64(index), attempt: 1, choice: .any, tried: 0, last: nil)
        return upstreams[0].serve(UInt64(index), attempt: 1, host: host, nowUs: nowUs)
    }

    private mutating func begin(number: UInt64, layer: Int, parent: (slot: Int, epoch: Int)?, nowUs: Int64) {
        budgets[layer]?.recordRequest(nowUs: nowUs)
        hedgeBudgets[layer].recordRequest(nowUs: nowUs)
        let machine = RetryMachine(rule: contestants[layer].rule, isIdempotent: true, startUs: nowUs)
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            lives[slot] = Life(
                machine: machine, number: number, layer: layer, parent: parent, startUs: nowUs,
                epoch: lives[slot].epoch + 1, endedUs: nowUs)
        } else {
            slot = lives.count
            lives.append(
                Life(
                    machine: machine, number: number, layer: layer, parent: parent, startUs: nowUs, epoch: 0,
                    endedUs: nowUs))
        }
        tell(slot, .begin, nowUs: nowUs)
    }

    private mutating func step() {
        guard let event = events.pop(), lives[event.slot].epoch == event.epoch else { return }
        let (slot, nowUs) = (event.slot, event.timeUs)
        switch event.kind {
        case .attemptEnded(let result): ended(slot, result, nowUs: nowUs)
        case .limit: ended(slot, AttemptResult(outcome: .timeout), nowUs: nowUs)
        case .waitOver: tell(slot, .waitOver, nowUs: nowUs)
        case .hedgeDue: hedge(slot, nowUs: nowUs)
        case .hedgeEnded(let result):
            recordHedge(slot, result, nowUs: nowUs)
            lives[slot].isHedging = false
            if result.outcome == .success {
                if lives[slot].held == nil { record(slot, AttemptResult(outcome: .cancelled), nowUs: nowUs) }
                conclude(slot, result, nowUs: nowUs)
            } else if let held = lives[slot].held {
                conclude(slot, held, nowUs: nowUs)
            }
        }
    }

    private mutating func ended(_ slot: Int, _ result: AttemptResult, nowUs: Int64) {
        if lives[slot].held != nil { return }
        record(slot, result, nowUs: nowUs)
        if lives[slot].isHedging && result.outcome != .success {
            lives[slot].held = result
        } else {
            if lives[slot].isHedging { recordHedge(slot, AttemptResult(outcome: .cancelled), nowUs: nowUs) }
            conclude(slot, result, nowUs: nowUs)
        }
    }

    /// Tells the machine how its attempt ended; events of that attempt that are still to come mean nothing any more.
    private mutating func conclude(_ slot: Int, _ result: AttemptResult, nowUs: Int64) {
        lives[slot].epoch += 1
        lives[slot].held = nil
        lives[slot].isHedging = false
        lives[slot].endedUs = nowUs
        let life = lives[slot]
        if life.holdsRetry {
            governors[life.layer].released()
            lives[slot].holdsRetry = false
        }
        var told = result
        if result.outcome == .success {
            governors[life.layer].succeeded(taken: life.taken)
        } else {
            governors[life.layer].failed()
            var dice = Dice(seed: day.seed, request: life.number, attempt: life.attempt, salt: 31)
            told.retryAfterUs = governors[life.layer].leastWaitUs(
                result, attempt: life.attempt, unit: dice.unit())
        }
        tell(slot, .attemptEnded(told), nowUs: nowUs)
    }

    private mutating func tell(_ slot: Int, _ what: RetryMachine.Event, nowUs: Int64) {
        let life = lives[slot]
        var dice = Dice(seed: day.seed, request: life.number, attempt: life.attempt, salt: 57 + UInt64(life.layer))
        var machine = life.machine
        let action = machine.next(what, nowUs: nowUs, unit: dice.unit()) {
            withdraw(slot, after: what, nowUs: nowUs)
        }
        lives[slot].machine = machine
        switch action {
        case .send(let attempt, let choice, let limitUs):
            send(slot, attempt: attempt, choice, limitUs: limitUs, nowUs: nowUs)
        case .wait(let untilUs):
            events.push(Event(timeUs: untilUs, slot: slot, epoch: lives[slot].epoch, kind: .waitOver))
        case .answer(let verdict):
            answer(slot, isSuccess: verdict == .success, nowUs: nowUs)
        case .none:
            break
        }
    }

    private mutating func withdraw(_ slot: Int, after event: RetryMachine.Event, nowUs: Int64) -> Bool {
        guard case .attemptEnded(let result) = event else { return false }
        let layer = lives[slot].layer
        if !(budgets[layer]?.withdraw(nowUs: nowUs) ?? true) { return false }
        let (isAllowed, taken) = governors[layer].allows(after: result.outcome)
        if isAllowed {
            lives[slot].taken = taken
            lives[slot].holdsRetry = true
        }
        return isAllowed
    }

    private mutating func send(
        _ slot: Int, attempt: Int, _ choice: HostChoice, limitUs: Int64?, nowUs: Int64
    ) {
        let layer = lives[slot].layer
        if attempt > 1 { countExtra() }
        let host = pick(slot, attempt: attempt, choice)
        lives[slot].attempt = attempt
        lives[slot].sentUs = nowUs
        lives[slot].limitUs = limitUs
        let reply = attempted(slot, attempt: attempt, host: host, nowUs: nowUs)
        let epoch = lives[slot].epoch
        if let limitUs, reply.map({ $0.durationUs > limitUs }) ?? true {
            events.push(Event(timeUs: nowUs + limitUs, slot: slot, epoch: epoch, kind: .limit))
        } else if let reply {
            events.push(
                Event(timeUs: nowUs + reply.durationUs, slot: slot, epoch: epoch, kind: .attemptEnded(reply.result)))
        }
        if attempt == 1, let hedge = contestants[layer].rule.hedge {
            events.push(Event(timeUs: nowUs + hedge.delayUs, slot: slot, epoch: epoch, kind: .hedgeDue))
        }
        if reply == nil {
            let number = lives[slot].number << 6 | UInt64(attempt & 63)
            begin(number: number, layer: layer + 1, parent: (slot, epoch), nowUs: nowUs)
        }
    }

    /// What the attempt comes to; `nil` when it is up to the layer below.
    private mutating func attempted(_ slot: Int, attempt: Int, host: Int, nowUs: Int64) -> Upstream.Reply? {
        let life = lives[slot]
        if life.layer + 1 < contestants.count { return nil }
        if let known {
            self.known = nil
            return known
        }
        return upstreams[life.layer].serve(life.number, attempt: attempt, host: host, nowUs: nowUs)
    }

    private mutating func pick(_ slot: Int, attempt: Int, _ choice: HostChoice) -> Int {
        let life = lives[slot]
        let host = upstreams[life.layer].host(
            of: life.number, attempt: attempt, choice: choice, tried: life.tried, last: life.host)
        lives[slot].host = host
        lives[slot].tried |= 1 << UInt64(host)
        return host
    }

    /// A second attempt beside the first; whoever succeeds first answers.
    private mutating func hedge(_ slot: Int, nowUs: Int64) {
        let layer = lives[slot].layer
        guard lives[slot].held == nil, layer + 1 == contestants.count,
            hedgeBudgets[layer].withdraw(nowUs: nowUs), budgets[layer]?.withdraw(nowUs: nowUs) ?? true
        else { return }
        countExtra()
        // Hedges draw from a stream that no retry uses.
        let host = upstreams[layer].host(
            of: lives[slot].number, attempt: 1001, choice: .any, tried: lives[slot].tried, last: lives[slot].host)
        guard let reply = attempted(slot, attempt: 1001, host: host, nowUs: nowUs) else { return }
        lives[slot].isHedging = true
        lives[slot].hedge = (nowUs, host)
        events.push(
            Event(
                timeUs: nowUs + reply.durationUs, slot: slot, epoch: lives[slot].epoch,
                kind: .hedgeEnded(reply.result)))
    }

    private mutating func answer(_ slot: Int, isSuccess: Bool, nowUs: Int64) {
        let life = lives[slot]
        free.append(slot)
        guard let parent = life.parent else {
            findings.settle(latencyUs: nowUs - life.startUs, isSuccess: isSuccess, day.world.objective)
            return
        }
        guard lives[parent.slot].epoch == parent.epoch else { return }
        var dice = Dice(seed: day.seed, request: life.number, attempt: 1, salt: 77)
        let ownUs = upstreams[life.layer - 1].answerUs(life.number, &dice)
        let result =
            isSuccess
            ? AttemptResult(outcome: .success, status: 200) : AttemptResult(outcome: .errorStatus, status: 503)
        events.push(
            Event(timeUs: nowUs + ownUs, slot: parent.slot, epoch: parent.epoch, kind: .attemptEnded(result)))
    }

    private mutating func countExtra() {
        findings.extra += 1
        findings.costUs += Double(day.world.objective.attemptCostUs)
    }

    private mutating func recordHedge(_ slot: Int, _ result: AttemptResult, nowUs: Int64) {
        let life = lives[slot]
        log?.append(
            Attempt(
                startUs: Self.epochUs + life.hedge.sentUs, durationUs: nowUs - life.hedge.sentUs,
                route: "r\(life.layer)", host: "h\(life.hedge.host)", request: life.number + 1, attempt: 2,
                outcome: result.outcome, status: result.status, method: "GET", hedge: true, ruleVersion: 1))
    }

    private mutating func record(_ slot: Int, _ result: AttemptResult, nowUs: Int64) {
        guard log != nil else { return }
        let life = lives[slot]
        log?.append(
            Attempt(
                startUs: Self.epochUs + life.sentUs, durationUs: nowUs - life.sentUs, route: "r\(life.layer)",
                host: "h\(life.host ?? 0)", request: life.number + 1, attempt: life.attempt,
                waitUs: life.sentUs - life.endedUs, outcome: result.outcome, status: result.status,
                timeoutUs: life.limitUs ?? 0, retryAfterUs: result.retryAfterUs, method: "GET", ruleVersion: 1))
    }
}
