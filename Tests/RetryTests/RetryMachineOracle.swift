import Retry

/// What would become of an attempt if it were left alone.
struct Fate {
    var outcome: Outcome
    var afterUs: Int64
    var status = 0
    var retryAfterUs: Int64 = 0
}

/// What a request did, as an observer beside it would write it down.
struct Transcript: Equatable {
    struct Sent: Equatable {
        var attempt: Int
        var atUs: Int64
        var host: HostChoice
        var limitUs: Int64?
    }

    var sent: [Sent] = []
    /// The outcomes of the attempts in `sent`.
    var outcomes: [Outcome] = []
    /// Between which attempts the budget was asked: the attempts that had failed by then.
    var budgetAskedAfter: [Int] = []
    var verdict: RetryMachine.Verdict?
    var endedAtUs: Int64 = 0
}

/// A request's circumstances: everything that is not in the rule.
struct Circumstances {
    var startUs: Int64
    var isIdempotent: Bool
    var isReplayable: Bool
    var unit: Double
    /// How late the shell says that a wait is over.
    var lateUs: Int64
    /// How many retries the budget still has.
    var budget: Int
}

/// The rule file's sentences, one after the other, without a state machine: slow, literal and written apart from it.
func transcriptByTheBook(
    rule: Rule, in circumstances: Circumstances, fate: (Int) -> Fate
) -> Transcript {
    var transcript = Transcript()
    var nowUs = circumstances.startUs
    var budget = circumstances.budget
    let lastUs = rule.timeoutUs.map { circumstances.startUs + $0 - 1 }
    func isTooLate(_ us: Int64) -> Bool { lastUs.map { us > $0 } ?? false }

    for attempt in 1... {
        // "A retry is never started that would begin at or after the deadline."
        if isTooLate(nowUs) {
            transcript.verdict = .deadline
            break
        }
        let untilDeadline = rule.timeoutUs.map { circumstances.startUs + $0 - nowUs }
        var limitUs = rule.perTryTimeoutUs
        if let untilDeadline, limitUs == nil || untilDeadline < limitUs! { limitUs = untilDeadline }
        transcript.sent.append(
            .init(attempt: attempt, atUs: nowUs, host: attempt == 1 ? .any : rule.retry?.host ?? .any, limitUs: limitUs)
        )

        var end = fate(attempt)
        if let limitUs, end.afterUs >= limitUs { end = Fate(outcome: .timeout, afterUs: limitUs) }
        nowUs += end.afterUs
        transcript.outcomes.append(end.outcome)
        if end.outcome == .success {
            transcript.verdict = .success
            break
        }
        if let refusal = refusalByTheBook(rule, circumstances, after: attempt, end) {
            transcript.verdict = refusal
            break
        }
        var waitUs = waitByTheBook(rule.retry!.backoff, retry: attempt, unit: circumstances.unit)
        if rule.retry!.retryAfter == .heed && waitUs < end.retryAfterUs { waitUs = end.retryAfterUs }
        if isTooLate(nowUs + waitUs) {
            transcript.verdict = .deadline
            break
        }
        transcript.budgetAskedAfter.append(attempt)
        if budget == 0 {
            transcript.verdict = .budgetExhausted
            break
        }
        budget -= 1
        nowUs += waitUs == 0 ? 0 : waitUs + circumstances.lateUs
    }
    transcript.endedAtUs = nowUs
    return transcript
}

private func refusalByTheBook(
    _ rule: Rule, _ circumstances: Circumstances, after attempt: Int, _ end: Fate
) -> RetryMachine.Verdict? {
    let allowed = rule.retry?.maxRetries ?? 0
    let names = Set((rule.retry?.on ?? []).map(\.name))
    let isNamed = names.contains(end.outcome.name) || (end.status != 0 && names.contains("http_\(end.status)"))
    // Never sent, or turned away at the door.
    let isSurelyNotExecuted = end.outcome == .connectFailure || end.outcome == .rateLimited
    let objections: [(RetryMachine.Verdict, Bool)] = [
        (.noRetries, allowed == 0),
        (.notRetryable, end.outcome == .cancelled || !isNamed),
        (.retriesExhausted, attempt == allowed + 1),
        (.notIdempotent, !circumstances.isIdempotent && !isSurelyNotExecuted),
        (.bodyNotReplayable, !circumstances.isReplayable),
    ]
    return objections.first { $0.1 }?.0
}

private func waitByTheBook(_ backoff: Backoff, retry: Int, unit: Double) -> Int64 {
    switch backoff {
    case .waits(let list, let jitter):
        // "A wait list shorter than `max_retries` repeats its last wait."
        let wait = (list + Array(repeating: list.last ?? 0, count: retry))[retry - 1]
        let (low, high) = (Double(wait) * (1 - jitter), Double(wait) * (1 + jitter))
        return Int64((low + (high - low) * unit).rounded())
    case .exponential(let baseUs, let maxUs, let multiplier, let jitter):
        var wait = Double(baseUs)
        for _ in 1..<retry { wait *= multiplier }
        wait = min(wait, Double(maxUs))
        return Int64(jitter == .full ? wait * unit : wait)
    }
}

/// The same request through the machine, on a clock that jumps from event to event.
func transcriptOfMachine(
    rule: Rule, in circumstances: Circumstances, fate: (Int) -> Fate
) -> Transcript {
    var transcript = Transcript()
    var machine = RetryMachine(
        rule: rule, isIdempotent: circumstances.isIdempotent, startUs: circumstances.startUs)
    var nowUs = circumstances.startUs
    var budget = circumstances.budget
    var event = RetryMachine.Event.begin
    while true {
        let ended = transcript.sent.count
        let action = machine.next(event, nowUs: nowUs, unit: circumstances.unit) {
            transcript.budgetAskedAfter.append(ended)
            if budget == 0 { return false }
            budget -= 1
            return true
        }
        switch action {
        case .send(let attempt, let host, let limitUs):
            transcript.sent.append(.init(attempt: attempt, atUs: nowUs, host: host, limitUs: limitUs))
            var end = fate(attempt)
            if let limitUs, end.afterUs >= limitUs { end = Fate(outcome: .timeout, afterUs: limitUs) }
            transcript.outcomes.append(end.outcome)
            nowUs += end.afterUs
            event = .attemptEnded(
                AttemptResult(
                    outcome: end.outcome, status: end.status, retryAfterUs: end.retryAfterUs,
                    isReplayable: circumstances.isReplayable))
        case .wait(let untilUs):
            nowUs = untilUs + circumstances.lateUs
            event = .waitOver
        case .answer(let verdict):
            transcript.verdict = verdict
            transcript.endedAtUs = nowUs
            return transcript
        case .none:
            return transcript
        }
    }
}
