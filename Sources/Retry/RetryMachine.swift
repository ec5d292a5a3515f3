/// One request's way through its rule: events and the time go in, one action comes out.
///
/// A value without clock, chance or I/O of its own. The proxy runs it on real events; the analyzer copies it at every
/// fork of what might happen and so prices exactly what is enforced. Times are microseconds of any one monotone clock.
///
/// The machine asks three things that never ask each other: the rule *which* failures are retried, the budget *how
/// many* (before the wait, so that a refused retry costs the client nothing), and the caller's dice *when* exactly.
public struct RetryMachine: Equatable, Sendable {
    /// What happened.
    public enum Event: Equatable, Sendable {
        /// The request is there. Only in `ready`.
        case begin
        /// The running attempt ended. Only in `attempting`.
        case attemptEnded(AttemptResult)
        /// The response's head went to the client: from now on nothing can be retried. Only in `attempting`.
        case responseStarted
        /// The wait is over. Only in `waiting`.
        case waitOver
        /// The client is gone, in any state.
        case clientGone
    }

    /// What to do.
    public enum Action: Equatable, Sendable {
        /// Send attempt `attempt`; cut it off `limitUs` later (`nil`: never). `other` asks for a host not tried yet.
        case send(attempt: Int, host: HostChoice, limitUs: Int64?)
        /// Do nothing until `untilUs`, then say `waitOver`.
        case wait(untilUs: Int64)
        /// Give the client the last real answer; no more attempts.
        case answer(Verdict)
        /// The event changes nothing.
        case none
    }

    /// Why the request ended as it did: one counter each.
    public enum Verdict: String, Equatable, Sendable, CaseIterable {
        /// The last attempt succeeded.
        case success
        /// The rule has no retries.
        case noRetries = "no_retries"
        /// The rule does not retry this failure.
        case notRetryable = "not_retryable"
        /// It may have been executed and the route is not idempotent.
        case notIdempotent = "not_idempotent"
        /// The request's body was too large to keep.
        case bodyNotReplayable = "body_not_replayable"
        /// Part of the response is with the client already.
        case responseStarted = "response_started"
        /// All retries are used.
        case retriesExhausted = "retries_exhausted"
        /// The retry budget refuses.
        case budgetExhausted = "budget_exhausted"
        /// The retry would begin at or after the deadline.
        case deadline
        /// Nobody waits for the answer.
        case clientGone = "client_gone"
    }

    /// Where the request stands.
    public enum State: Equatable, Sendable {
        /// Nothing was sent.
        /// Can transition to: `attempting` by `begin`; `ended` by `begin` at or after the deadline, or by `clientGone`.
        case ready
        /// Attempt `attempt` runs.
        /// Can transition to: `waiting` by `attemptEnded` when a retry is allowed; `attempting` when its wait is zero;
        /// `answering` by `responseStarted`; `ended` by `attemptEnded` when none is allowed, or by `clientGone`.
        case attempting(attempt: Int)
        /// Attempt `attempt` runs and its response is on the way to the client.
        /// Can transition to: `ended` by `attemptEnded` or `clientGone`.
        case answering(attempt: Int)
        /// Attempt `next` starts at `untilUs`.
        /// Can transition to: `attempting` by `waitOver`; `ended` by `waitOver` that comes so late that the deadline
        /// has passed, or by `clientGone`.
        case waiting(next: Int, untilUs: Int64)
        /// No way out.
        case ended(Verdict)
    }

    /// The rule this request began under; a swap of rules does not reach it.
    public let rule: Rule
    /// Where the request stands.
    public private(set) var state: State = .ready
    private let isIdempotent: Bool
    private let startUs: Int64

    /// A machine for a request that arrived at `startUs`.
    public init(rule: Rule, isIdempotent: Bool, startUs: Int64) {
        self.rule = rule
        self.isIdempotent = isIdempotent
        self.startUs = startUs
    }

    /// The first instant that is too late for this request; `nil` without a timeout.
    public var deadlineUs: Int64? { rule.timeoutUs.map { startUs + $0 } }

    /// Takes an event at `nowUs`. `unit`, uniform in [0, 1), spreads the wait; `withdraw` asks the retry budget for one
    /// retry and is called at most once, only when everything else allows the retry.
    ///
    /// - Precondition: the event belongs to the state (see `Event`); events after the end are ignored.
    public mutating func next(
        _ event: Event, nowUs: Int64, unit: Double, withdraw: () -> Bool
    ) -> Action {
        switch (state, event) {
        case (.ended, _):
            return .none
        case (_, .clientGone):
            return end(.clientGone)
        case (.ready, .begin):
            return send(attempt: 1, host: .any, nowUs: nowUs)
        case (.waiting(let attempt, _), .waitOver):
            return send(attempt: attempt, host: rule.retry?.host ?? .any, nowUs: nowUs)
        case (.attempting(let attempt), .responseStarted):
            state = .answering(attempt: attempt)
            return .none
        case (.answering, .attemptEnded(let result)):
            return end(result.outcome == .success ? .success : .responseStarted)
        case (.attempting(let attempt), .attemptEnded(let result)):
            return afterAttempt(attempt, result, nowUs: nowUs, unit: unit, withdraw: withdraw)
        default:
            preconditionFailure("event \(event) does not belong to state \(state)")
        }
    }

    private mutating func afterAttempt(
        _ attempt: Int, _ result: AttemptResult, nowUs: Int64, unit: Double, withdraw: () -> Bool
    ) -> Action {
        if result.outcome == .success { return end(.success) }
        if let refusal = rule.refusal(of: result, after: attempt, isIdempotent: isIdempotent) { return end(refusal) }
        guard let retry = rule.retry else { return end(.noRetries) }
        let askedUs = retry.retryAfter == .heed ? result.retryAfterUs : 0
        let waitUs = max(retry.backoff.waitUs(retry: attempt, unit: unit), askedUs)
        let (untilUs, overflow) = nowUs.addingReportingOverflow(waitUs)
        if overflow { return end(.deadline) }
        if let deadlineUs, untilUs >= deadlineUs { return end(.deadline) }
        guard withdraw() else { return end(.budgetExhausted) }
        if waitUs == 0 { return send(attempt: attempt + 1, host: retry.host, nowUs: nowUs) }
        state = .waiting(next: attempt + 1, untilUs: untilUs)
        return .wait(untilUs: untilUs)
    }

    /// A wait can end late; an attempt is still never begun at or after the deadline.
    private mutating func send(attempt: Int, host: HostChoice, nowUs: Int64) -> Action {
        let restUs = deadlineUs.map { $0 - nowUs }
        if let restUs, restUs <= 0 { return end(.deadline) }
        state = .attempting(attempt: attempt)
        let limitUs = min(rule.perTryTimeoutUs ?? .max, restUs ?? .max)
        return .send(attempt: attempt, host: host, limitUs: limitUs == .max ? nil : limitUs)
    }

    private mutating func end(_ verdict: Verdict) -> Action {
        state = .ended(verdict)
        return .answer(verdict)
    }
}

extension Rule {
    /// Why a failure of attempt `attempt` may not be retried whatever the time and the budget say; `nil`: it may.
    public func refusal(of result: AttemptResult, after attempt: Int, isIdempotent: Bool) -> RetryMachine.Verdict? {
        guard let retry, retry.maxRetries > 0 else { return .noRetries }
        let isNamed = retry.on.contains {
            $0.matches(outcome: result.outcome, status: result.status, isGRPC: result.isGRPC)
        }
        if !isNamed { return .notRetryable }
        if attempt > retry.maxRetries { return .retriesExhausted }
        if result.mayHaveExecuted && !isIdempotent { return .notIdempotent }
        if !result.isReplayable { return .bodyNotReplayable }
        return nil
    }
}

/// What an attempt came to, as far as the decision to retry needs it.
public struct AttemptResult: Equatable, Sendable {
    /// How it ended.
    public var outcome: Outcome
    /// HTTP or gRPC status, 0 if none.
    public var status: Int
    /// Whether `status` is a gRPC status.
    public var isGRPC: Bool
    /// What the server asked for, microseconds, 0 for none.
    public var retryAfterUs: Int64
    /// Whether the host may have acted on it: false when it was never sent or was refused for load.
    public var mayHaveExecuted: Bool
    /// Whether the request can be sent again (its body was kept).
    public var isReplayable: Bool

    /// A result. `mayHaveExecuted` defaults to what the outcome implies.
    public init(
        outcome: Outcome, status: Int = 0, isGRPC: Bool = false, retryAfterUs: Int64 = 0, mayHaveExecuted: Bool? = nil,
        isReplayable: Bool = true
    ) {
        self.outcome = outcome
        self.status = status
        self.isGRPC = isGRPC
        self.retryAfterUs = retryAfterUs
        self.mayHaveExecuted = mayHaveExecuted ?? !(outcome == .connectFailure || outcome == .rateLimited && !isGRPC)
        self.isReplayable = isReplayable
    }
}
