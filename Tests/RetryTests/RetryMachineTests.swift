import Retry
import TestSupport
import Testing

@Suite struct RetryMachineTests {
    private static let fates: [Fate] = [
        Fate(outcome: .success, afterUs: 10_000, status: 200),
        Fate(outcome: .errorStatus, afterUs: 10_000, status: 503),
        Fate(outcome: .errorStatus, afterUs: 10_000, status: 500),
        Fate(outcome: .rateLimited, afterUs: 5000, status: 429, retryAfterUs: 60_000),
        Fate(outcome: .success, afterUs: 150_000, status: 200),
        Fate(outcome: .connectFailure, afterUs: 1000),
        Fate(outcome: .reset, afterUs: 20_000),
        Fate(outcome: .cancelled, afterUs: 10_000),
    ]
    private static let conditions: [[RetryCondition]] = [
        Outcome.allCases.filter(\.isFailure).map(RetryCondition.outcome),
        [.outcome(.connectFailure), .outcome(.reset)],
        [.http(503), .outcome(.timeout)],
        [.outcome(.rateLimited), .outcome(.errorStatus)],
    ]
    private static let backoffs: [Backoff] = [
        .waits([0, 40_000], jitter: 0.5),
        .waits([30_000], jitter: 0),
        .exponential(baseUs: 20_000, maxUs: 60_000, multiplier: 2, jitter: .full),
    ]
    private static let pauses: [(backoff: Backoff, retryAfter: RetryAfterPolicy)] =
        backoffs.map { ($0, .heed) } + [(backoffs[1], .ignore)]

    /// Every combination of rule, circumstances and outcomes, as far as the outcomes are called for.
    private static func explore(
        maxRetries: Int?, _ check: (inout Choice, Rule, Circumstances, Transcript, Transcript) throws -> Void
    ) throws -> Int {
        try withEvery { choice in
            let retry = maxRetries.map { most in
                let on = choice.of(Array(conditions.prefix(most < 4 ? 4 : 1)), "on")
                let pause = choice.of(pauses, "pause")
                return RetryPolicy(
                    maxRetries: most, on: on, host: .other, retryAfter: pause.retryAfter, backoff: pause.backoff)
            }
            let rule = Rule(
                timeoutUs: choice.of([nil, 200_000], "timeout"), perTryTimeoutUs: choice.of([nil, 50_000], "per try"),
                retry: retry)
            let circumstances = Circumstances(
                startUs: 1_000_000, isIdempotent: choice.flag("idempotent"), isReplayable: choice.flag("replayable"),
                unit: 0.5, lateUs: retry == nil ? 0 : choice.of([0, 70_000], "late"),
                budget: choice.of([0, 1, 9], "budget"))
            var schedule: [Fate] = []
            let machine = transcriptOfMachine(rule: rule, in: circumstances) { attempt in
                // A machine that sends without end shall end the test, not hang it.
                schedule.append(attempt > 5 ? fates[0] : choice.of(fates, "outcome \(attempt)"))
                return schedule[schedule.count - 1]
            }
            let book = transcriptByTheBook(rule: rule, in: circumstances) { attempt in
                attempt <= schedule.count ? schedule[attempt - 1] : fates[0]
            }
            try check(&choice, rule, circumstances, machine, book)
        }
    }

    @Test(arguments: [nil, 0, 1, 2, 3, 4])
    func `the machine does what the rule file says, in every short schedule`(maxRetries: Int?) throws {
        let runs = try Self.explore(maxRetries: maxRetries) { choice, rule, circumstances, machine, book in
            try choice.require(machine == book, "machine \(machine), by the book \(book)")
            let deadlineUs = rule.timeoutUs.map { circumstances.startUs + $0 }
            try choice.require(machine.sent.count <= 1 + (maxRetries ?? 0), "too many attempts: \(machine)")
            try choice.require(machine.sent.map(\.attempt) == Array(1...machine.sent.count), "numbers: \(machine)")
            try choice.require(machine.verdict != nil, "no verdict: \(machine)")
            try choice.require(
                deadlineUs.map { late in machine.sent.allSatisfy { $0.atUs < late } } ?? true,
                "sent at or after the deadline: \(machine)")
            try choice.require(
                deadlineUs.map { late in machine.sent.allSatisfy { $0.atUs + ($0.limitUs ?? .max) <= late } } ?? true,
                "may run past the deadline: \(machine)")
            let retriedOutcomes = machine.outcomes.dropLast()
            try choice.require(
                circumstances.isIdempotent
                    || retriedOutcomes.allSatisfy { $0 == .connectFailure || $0 == .rateLimited },
                "retried what may have been executed: \(machine)")
            try choice.require(
                circumstances.isReplayable || retriedOutcomes.isEmpty, "retried without a body: \(machine)")
            try choice.require(
                Set(machine.budgetAskedAfter).count == machine.budgetAskedAfter.count, "budget asked twice: \(machine)")
            try choice.require(
                machine.sent.count - 1 <= circumstances.budget, "sent more than the budget gave: \(machine)")
        }
        let atLeast = [nil: 384, 0: 9000, 1: 12_000, 2: 20_000, 3: 45_000, 4: 30_000]
        #expect(runs >= atLeast[maxRetries]!, "the space has shrunk to \(runs) runs")
    }

    @Test func `a machine that retried once too often would be noticed`() {
        let rule = Rule(retry: RetryPolicy(maxRetries: 1, on: Self.conditions[0], backoff: Self.backoffs[1]))
        let more = Rule(retry: RetryPolicy(maxRetries: 2, on: Self.conditions[0], backoff: Self.backoffs[1]))
        let circumstances = Circumstances(
            startUs: 0, isIdempotent: true, isReplayable: true, unit: 0, lateUs: 0, budget: 9)
        let book = transcriptByTheBook(rule: rule, in: circumstances) { _ in Self.fates[1] }
        #expect(transcriptOfMachine(rule: rule, in: circumstances) { _ in Self.fates[1] } == book)
        #expect(transcriptOfMachine(rule: more, in: circumstances) { _ in Self.fates[1] } != book)
    }

    @Test func `a request by hand: two quick failures, a wait, an answer`() {
        let rule = Rule(
            timeoutUs: 800_000, perTryTimeoutUs: 180_000,
            retry: RetryPolicy(
                maxRetries: 3, on: [.outcome(.errorStatus), .outcome(.timeout)],
                backoff: .waits([0, 40_000, 350_000], jitter: 0.1)))
        var machine = RetryMachine(rule: rule, isIdempotent: true, startUs: 100)
        var asked = 0
        func next(_ event: RetryMachine.Event, _ nowUs: Int64) -> RetryMachine.Action {
            machine.next(event, nowUs: nowUs, unit: 0.75) {
                asked += 1
                return true
            }
        }
        let failed = RetryMachine.Event.attemptEnded(AttemptResult(outcome: .errorStatus, status: 503))
        #expect(machine.deadlineUs == 800_100)
        #expect(next(.begin, 100) == .send(attempt: 1, host: .any, limitUs: 180_000))
        #expect(next(failed, 5100) == .send(attempt: 2, host: .other, limitUs: 180_000))
        // 40 ms × (1 + 0.1 × (2 × 0.75 − 1)) = 42 ms.
        #expect(next(failed, 10_100) == .wait(untilUs: 52_100))
        #expect(machine.state == .waiting(next: 3, untilUs: 52_100))
        #expect(next(.waitOver, 700_100) == .send(attempt: 3, host: .other, limitUs: 100_000))
        #expect(asked == 2)
        #expect(next(.responseStarted, 710_000) == .none)
        #expect(next(.attemptEnded(AttemptResult(outcome: .success, status: 200)), 711_000) == .answer(.success))
        #expect(next(failed, 712_000) == .none)
        #expect(machine.state == .ended(.success))
    }

    @Test func `what the server asks for lengthens a wait and never shortens it`() {
        let policy = RetryPolicy(maxRetries: 1, on: [.outcome(.rateLimited)], backoff: .waits([50_000], jitter: 0))
        for (askedUs, untilUs) in [(0, 51_000), (49_999, 51_000), (50_001, 51_001), (400_000, 401_000)]
            as [(Int64, Int64)]
        {
            var machine = RetryMachine(rule: Rule(retry: policy), isIdempotent: false, startUs: 0)
            _ = machine.next(.begin, nowUs: 0, unit: 0) { true }
            let result = AttemptResult(outcome: .rateLimited, status: 429, retryAfterUs: askedUs)
            #expect(machine.next(.attemptEnded(result), nowUs: 1000, unit: 0) { true } == .wait(untilUs: untilUs))
        }
    }

    @Test func `a rule that ignores what the server asks for waits as its backoff says`() {
        for (waitUs, askedUs) in [(50_000, 0), (50_000, 49_999), (50_000, 400_000), (50_000, .max), (1, 50_000)]
            as [(Int64, Int64)]
        {
            let policy = RetryPolicy(
                maxRetries: 1, on: [.outcome(.rateLimited)], retryAfter: .ignore, backoff: .waits([waitUs], jitter: 0))
            var machine = RetryMachine(rule: Rule(timeoutUs: 100_000, retry: policy), isIdempotent: false, startUs: 0)
            _ = machine.next(.begin, nowUs: 0, unit: 0) { true }
            let result = AttemptResult(outcome: .rateLimited, status: 429, retryAfterUs: askedUs)
            let action = machine.next(.attemptEnded(result), nowUs: 1000, unit: 0) { true }
            #expect(action == .wait(untilUs: 1000 + waitUs))
        }
    }

    @Test func `a retry begins one microsecond before the deadline and not at it`() {
        for (waitUs, action) in [
            (89_999, .wait(untilUs: 99_999)), (90_000, .answer(.deadline)), (.max, .answer(.deadline)),
        ] as [(Int64, RetryMachine.Action)] {
            let policy = RetryPolicy(maxRetries: 1, on: [.outcome(.reset)], backoff: .waits([waitUs], jitter: 0))
            var machine = RetryMachine(rule: Rule(timeoutUs: 100_000, retry: policy), isIdempotent: true, startUs: 0)
            _ = machine.next(.begin, nowUs: 0, unit: 0) { true }
            let result = RetryMachine.Event.attemptEnded(AttemptResult(outcome: .reset))
            #expect(machine.next(result, nowUs: 10_000, unit: 0) { action != .answer(.deadline) } == action)
        }
    }

    @Test func `only the documented edges exist, and all of them do`() throws {
        var seen: Set<String> = []
        try withEvery { choice in
            let rule = Rule(
                timeoutUs: 100_000,
                retry: RetryPolicy(
                    maxRetries: 1, on: [.outcome(.errorStatus)],
                    backoff: .waits([choice.of([0, 20_000], "wait")], jitter: 0)))
            var machine = RetryMachine(rule: rule, isIdempotent: true, startUs: 0)
            var nowUs: Int64 = 0
            for step in 1...5 {
                let events = Self.events(in: machine.state)
                let event = choice.of(events, "event \(step)")
                nowUs += choice.of([1000, 100_000], "time \(step)")
                let before = machine.state
                let action = machine.next(event, nowUs: nowUs, unit: 0) { true }
                seen.insert("\(Self.name(before)) -\(Self.name(event))-> \(Self.name(machine.state))")
                if case .ended = before {
                    try choice.require(action == .none && machine.state == before, "the end is no end")
                }
            }
        }
        #expect(
            seen == [
                "ready -begin-> attempting", "ready -begin-> ended", "ready -clientGone-> ended",
                "attempting -attemptEnded-> waiting", "attempting -attemptEnded-> attempting",
                "attempting -responseStarted-> answering", "attempting -attemptEnded-> ended",
                "attempting -clientGone-> ended", "answering -attemptEnded-> ended", "answering -clientGone-> ended",
                "waiting -waitOver-> attempting", "waiting -waitOver-> ended", "waiting -clientGone-> ended",
                "ended -begin-> ended", "ended -attemptEnded-> ended", "ended -responseStarted-> ended",
                "ended -waitOver-> ended", "ended -clientGone-> ended",
            ])
    }

    @Test func `an event that does not belong to the state is a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            var machine = RetryMachine(rule: Rule(), isIdempotent: true, startUs: 0)
            _ = machine.next(.waitOver, nowUs: 0, unit: 0) { true }
        }
    }

    @Test func `a copy forks: what happens to it does not happen to the original`() {
        let policy = RetryPolicy(maxRetries: 2, on: [.outcome(.reset)], backoff: .waits([10], jitter: 0))
        var original = RetryMachine(rule: Rule(retry: policy), isIdempotent: true, startUs: 0)
        _ = original.next(.begin, nowUs: 0, unit: 0) { true }
        var fork = original
        #expect(fork == original)
        _ = fork.next(.attemptEnded(AttemptResult(outcome: .success)), nowUs: 5, unit: 0) { true }
        #expect(fork.state == .ended(.success))
        #expect(original.state == .attempting(attempt: 1))
        #expect(
            original.next(.attemptEnded(AttemptResult(outcome: .reset)), nowUs: 5, unit: 0) { true }
                == .wait(untilUs: 15))
    }

    @Test func `a response on its way to the client is never retried`() {
        let policy = RetryPolicy(maxRetries: 2, on: Self.conditions[0], backoff: .waits([0], jitter: 0))
        for outcome in Outcome.allCases {
            var machine = RetryMachine(rule: Rule(retry: policy), isIdempotent: true, startUs: 0)
            _ = machine.next(.begin, nowUs: 0, unit: 0) { true }
            _ = machine.next(.responseStarted, nowUs: 1, unit: 0) { true }
            var asked = false
            let action = machine.next(.attemptEnded(AttemptResult(outcome: outcome)), nowUs: 2, unit: 0) {
                asked = true
                return true
            }
            #expect(action == .answer(outcome == .success ? .success : .responseStarted))
            #expect(!asked)
        }
    }

    @Test func `only a connection that never was and a refusal for load are surely not executed`() {
        for outcome in Outcome.allCases {
            let isSafe = outcome == .connectFailure || outcome == .rateLimited
            #expect(AttemptResult(outcome: outcome).mayHaveExecuted == !isSafe)
        }
        #expect(AttemptResult(outcome: .reset, mayHaveExecuted: false).mayHaveExecuted == false)
        // RESOURCE_EXHAUSTED may also come after the work was done, HTTP 429 before it.
        #expect(AttemptResult(outcome: .rateLimited, status: 8, isGRPC: true).mayHaveExecuted)
    }

    @Test func `every verdict has a name of its own`() {
        #expect(Set(RetryMachine.Verdict.allCases.map(\.rawValue)).count == RetryMachine.Verdict.allCases.count)
    }

    private static func events(in state: RetryMachine.State) -> [RetryMachine.Event] {
        let failed = RetryMachine.Event.attemptEnded(AttemptResult(outcome: .errorStatus, status: 503))
        let succeeded = RetryMachine.Event.attemptEnded(AttemptResult(outcome: .success, status: 200))
        return switch state {
        case .ready: [.begin, .clientGone]
        case .attempting: [failed, succeeded, .responseStarted, .clientGone]
        case .answering: [failed, succeeded, .clientGone]
        case .waiting: [.waitOver, .clientGone]
        case .ended: [.begin, failed, .responseStarted, .waitOver, .clientGone]
        }
    }

    private static func name(_ state: RetryMachine.State) -> String {
        switch state {
        case .ready: "ready"
        case .attempting: "attempting"
        case .answering: "answering"
        case .waiting: "waiting"
        case .ended: "ended"
        }
    }

    private static func name(_ event: RetryMachine.Event) -> String {
        switch event {
        case .begin: "begin"
        case .attemptEnded: "attemptEnded"
        case .responseStarted: "responseStarted"
        case .waitOver: "waitOver"
        case .clientGone: "clientGone"
        }
    }
}
