import NIOCore
import NIOHTTP1
import Retry

/// One request on its way through the proxy: the shell around `RetryMachine`. The machine decides what happens next;
/// this sends it, times it, and tells it what came of it.
///
/// What is measured, and when an attempt's outcome is known:
/// - `start_us` is when the attempt was sent or, if the client was still sending its request then, when the request was
///   whole: how slow a client is says nothing of the host. From there `duration_us` runs (connecting included, if no
///   connection waits) to the response's *head*, for which the per-try limit also waits: the limit censors exactly what
///   is measured. So also for failures that have a head. An answer that came before the request was whole counts from
///   the send.
/// - While the client still sends, only the request's timeout runs. What it cuts is `cancelled`, unless it was the host
///   that did not connect or did not take what the client had sent.
/// - From the head on nothing can be retried; only the request's timeout still runs. A success is offered to the sink
///   when its body is whole. A body that breaks turns it into a `reset`, one cut by the request's timeout into a
///   `timeout` (`cancelled` if the client did not take it), one whose client left into `cancelled`; these three last
///   until that moment.
/// - A response that fails by its status has its outcome at its head and keeps it, whatever becomes of its body.
final class Exchange {
    enum Phase: Equatable {
        /// An attempt runs and has not answered.
        case attempting
        /// The machine waits.
        case waiting
        /// A response is on its way to the client. `isLogged`: its attempt has its outcome already.
        case relaying(isLogged: Bool)
        case ended
    }

    /// The attempt that runs.
    struct Running {
        let number: Int
        let host: UpstreamHost
        let startUs: Int64
        let waitUs: Int64
        /// When its clock began to run: the request was whole. `nil`: it is not.
        var clockUs: Int64?
        /// The limit until the head; `nil`: none.
        var limitUs: Int64?
        var connection: UpstreamConnection?
        /// Whether any of the request may have reached the host.
        var isSent = false
        /// Whether the rest of the request goes to it; not so when an earlier attempt's answer is given after all.
        var takesRequest = true
        var answer: Classification?
        var headUs: Int64 = 0
        /// Where what is measured begins.
        var beginUs: Int64 { clockUs ?? startUs }
    }

    unowned let client: ClientConnection
    let context: LoopContext
    let route: Route
    let rule: RouteRule
    let method: String
    let request: UInt64
    let startUs: Int64
    let wallUs: Int64
    var machine: RetryMachine
    var phase = Phase.waiting
    var running: Running?
    var head: HTTPRequestHead
    var replay: RequestReplay
    /// The last real answer.
    var kept: KeptAnswer?
    /// The one before it, if that is whole: given when the last one turns out too long to keep, or breaks.
    var keptBefore: KeptAnswer?
    var tried: [Int] = []
    var lastOutcome = Outcome.reset
    var lastEndUs: Int64
    var verdict: RetryMachine.Verdict?
    var sentStatus = 0
    var informed = false
    /// Whether the proxy itself had nothing left to go on with.
    var isExhausted = false
    /// Whether what came with the request's head is still being handed over: its end among it is as old as the head.
    var isFirstRead = true

    /// A request that belongs to `route`; `head` is what hosts get to see.
    init(client: ClientConnection, context: LoopContext, route: Route, head: HTTPRequestHead) {
        self.client = client
        self.context = context
        self.route = route
        self.head = head
        let core = context.core
        rule = core.rules.rule(at: route.index)
        method = head.method.rawValue
        request = core.nextRequest()
        startUs = context.loop.nowUs
        wallUs = core.wallUs()
        lastEndUs = startUs
        machine = RetryMachine(
            rule: rule.rule, isIdempotent: route.configuration.isIdempotent(method: method), startUs: startUs)
        let mayRetry = (rule.rule.retry?.maxRetries ?? 0) > 0
        replay = RequestReplay(limit: mayRetry ? core.limits.replayBytes : 0)
    }

    /// The first attempt.
    func begin() {
        route.metrics.active.add()
        rule.budget?.recordRequest(nowUs: startUs)
        perform(advance(.begin, nowUs: startUs))
    }

    // MARK: The machine's actions

    /// Tells the machine what happened. The budget is asked in here, before any wait.
    func advance(_ event: RetryMachine.Event, nowUs: Int64) -> RetryMachine.Action {
        machine.next(event, nowUs: nowUs, unit: context.unit()) { rule.budget?.withdraw(nowUs: nowUs) ?? true }
    }

    func perform(_ action: RetryMachine.Action) {
        switch action {
        case .send(let attempt, let choice, let limitUs):
            start(attempt, on: choice, limitUs: limitUs, nowUs: attempt == 1 ? startUs : context.loop.nowUs)
        case .wait(let untilUs):
            phase = .waiting
            client.timer.arm(untilUs)
            client.readMore()
        case .answer(let verdict):
            conclude(verdict)
        case .none:
            break
        }
    }

    private func start(_ number: Int, on choice: HostChoice, limitUs: Int64?, nowUs: Int64) {
        let place = route.pick(choice, tried: tried, unit: context.unit)
        tried.append(place)
        let host = route.hosts[place]
        phase = .attempting
        running = Running(
            number: number, host: host, startUs: nowUs, waitUs: number == 1 ? 0 : nowUs - lastEndUs)
        if replay.hasEnded { startClock(limitUs: limitUs, nowUs: nowUs) } else { limitUpload(nowUs: nowUs) }
        if number > 1 { route.metrics.retries.add() }
        if let connection = context.pool.takeIdle(host) { return attach(connection) }
        context.pool.connect(host) { [self] opened in connected(opened, attempt: number) }
    }

    private func startClock(limitUs: Int64?, nowUs: Int64) {
        running?.clockUs = nowUs
        running?.limitUs = limitUs
        client.timer.arm(limitUs.map { nowUs + $0 })
    }

    /// The running attempt has the whole request now.
    func requestIsWhole() {
        guard phase == .attempting, let attempt = running, attempt.clockUs == nil else { return }
        let nowUs = isFirstRead ? attempt.startUs : context.loop.nowUs
        let restUs = machine.deadlineUs.map { max($0 - nowUs, 1) }
        startClock(limitUs: [rule.rule.perTryTimeoutUs, restUs].compactMap { $0 }.min(), nowUs: nowUs)
    }

    /// While the client sends its request, the request's timeout runs; without one, the client must not fall silent.
    func limitUpload(nowUs: Int64) {
        let startUs = running?.startUs ?? nowUs
        running?.limitUs = machine.deadlineUs.map { $0 - startUs }
        client.timer.arm(machine.deadlineUs ?? nowUs + context.core.limits.clientIdleUs)
    }

    private func connected(_ opened: UpstreamPool.Opened, attempt number: Int) {
        guard phase == .attempting, running?.number == number, running?.connection == nil else {
            // The attempt was cut off meanwhile: the next one to that host can use the connection.
            if case .connection(let connection) = opened { connection.park() }
            return
        }
        switch opened {
        case .connection(let connection): attach(connection)
        case .refused: fail(.connectFailure)
        case .exhausted: failHere()
        }
    }

    /// There was nothing to connect with: no attempt was made, and another would only need the same.
    private func failHere() {
        context.core.metrics.exhausted.add()
        isExhausted = true
        running = nil
        let result = AttemptResult(outcome: .cancelled, mayHaveExecuted: false, isReplayable: false)
        perform(advance(.attemptEnded(result), nowUs: context.loop.nowUs))
    }

    /// Sends what there is of the request; the rest follows as the client sends it.
    private func attach(_ connection: UpstreamConnection) {
        guard connection.lease(to: self) else { return fail(.connectFailure) }
        running?.connection = connection
        running?.isSent = true
        var sending = head
        let body = replay.takeForSending()
        if body.readableBytes > 0 || replay.hasEnded || informed { sending.headers.remove(name: "expect") }
        connection.send(.head(sending))
        if body.readableBytes > 0 { connection.send(.body(.byteBuffer(body))) }
        if replay.hasEnded { connection.send(.end(replay.trailers)) }
        if !client.isReading { connection.flush() }
        client.readMore()
    }

    /// The running attempt failed before its head came.
    func fail(_ outcome: Outcome) {
        guard let attempt = running else { return }
        let nowUs = context.loop.nowUs
        log(outcome, endUs: nowUs)
        running = nil
        lastOutcome = outcome
        lastEndUs = nowUs
        let result = AttemptResult(outcome: outcome, mayHaveExecuted: attempt.isSent, isReplayable: replay.isWhole)
        perform(advance(.attemptEnded(result), nowUs: nowUs))
    }

    /// The client did not send its request in time. No retry could change that.
    func giveUpOnClient() {
        let connection = running?.connection
        let nowUs = context.loop.nowUs
        log(.cancelled, endUs: nowUs)
        running = nil
        connection?.abandon()
        lastOutcome = .cancelled
        lastEndUs = nowUs
        perform(advance(.attemptEnded(AttemptResult(outcome: .cancelled, isReplayable: false)), nowUs: nowUs))
    }

    /// There is no further attempt: the client gets the last real answer, or is told why there is none.
    private func conclude(_ verdict: RetryMachine.Verdict) {
        self.verdict = verdict
        let isInTime = machine.deadlineUs.map { context.loop.nowUs < $0 } ?? true
        if let giving = [kept, keptBefore].compactMap({ $0 }).first(where: { $0.isWhole || (isInTime && $0.canBeGiven) }
        ) {
            give(giving)
        } else {
            let answer =
                isExhausted && kept == nil
                ? OwnAnswer(status: .serviceUnavailable, reason: "the proxy has no descriptors or ports left")
                : OwnAnswer(kept: kept?.head, lastOutcome: lastOutcome, verdict: verdict)
            sentStatus = Int(answer.head.status.code)
            phase = .relaying(isLogged: true)
            client.send(answer.head)
            client.send(answer.body)
            end(nil)
        }
    }

    /// Gives the client an answer that was kept: what is there of it, and the rest as it comes.
    private func give(_ answer: KeptAnswer) {
        relay(answer.head, isLogged: true)
        client.send(answer.body)
        if answer.isWhole { return end(answer.trailers) }
        guard let connection = answer.pass(to: self) else { return }
        running = Running(
            number: tried.count, host: connection.host, startUs: lastEndUs, waitUs: 0,
            connection: connection, isSent: true, takesRequest: false)
        client.flush()
        client.readMore()
    }

    /// Keeps an answer that is retried.
    func keep(_ head: HTTPResponseHead, from connection: UpstreamConnection) {
        if kept?.isWhole == true { keptBefore = kept } else { kept?.discard() }
        kept = KeptAnswer(head: head, from: connection, limit: context.core.limits.keptAnswerBytes)
    }

    /// Forgets what was kept.
    func discardKept() {
        kept?.discard()
        kept = nil
        keptBefore = nil
    }

    /// Sends a response's head to the client; from here on only the request's timeout still runs.
    func relay(_ head: HTTPResponseHead, isLogged: Bool) {
        phase = .relaying(isLogged: isLogged)
        client.timer.arm(machine.deadlineUs)
        var passing = HTTPResponseHead(
            version: .http1_1, status: head.status, headers: FieldRules.endToEnd(head.headers))
        if let verdict, verdict != .success {
            passing.headers.replaceOrAdd(name: OwnAnswer.verdictField, value: verdict.rawValue)
        }
        sentStatus = Int(head.status.code)
        client.send(passing)
    }

    /// The response is whole.
    func end(_ trailers: HTTPHeaders?) {
        settle()
        client.finish(trailers)
    }

    /// The end of the request for the counters, once.
    func settle() {
        guard phase != .ended else { return }
        phase = .ended
        client.timer.arm(nil)
        discardKept()
        running = nil
        route.metrics.active.add(-1)
        route.metrics.requestEnded(
            status: sentStatus, verdict: verdict ?? .success, latencyUs: context.loop.nowUs - startUs)
    }

    /// Offers the running attempt to the sink.
    func log(_ outcome: Outcome, endUs: Int64) {
        guard let attempt = running else { return }
        var timeoutUs = attempt.limitUs ?? 0
        if outcome == .timeout, attempt.answer != nil, let deadlineUs = machine.deadlineUs {
            timeoutUs = deadlineUs - attempt.beginUs
        }
        let isKept = context.core.sink.offer(
            Attempt(
                startUs: wallUs + attempt.beginUs - startUs, durationUs: endUs - attempt.beginUs, route: route.name,
                host: attempt.host.name, request: request, attempt: attempt.number, waitUs: attempt.waitUs,
                outcome: outcome, status: attempt.answer?.status ?? 0, isGRPC: attempt.answer?.isGRPC ?? false,
                timeoutUs: timeoutUs, retryAfterUs: attempt.answer?.retryAfterUs ?? 0, method: method,
                ruleVersion: rule.version))
        if !isKept { route.metrics.dropped.add() }
        route.metrics.attemptEnded(outcome)
    }
}
