import Retry
import Testing

@testable import Analyzer

/// Prices worked out by hand on services whose fate is known exactly.
@Suite struct RulePlayerTests {
    private let objective = Objective(
        deadlineUs: 1_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 1)

    /// Two hosts; `up` says when they answer; every answer takes 10 ms; one failed first attempt at 0 that took 2 ms.
    private func facts(
        up: @escaping (Int, Int64) -> Double, outcome: Outcome = .errorStatus, durationUs: Int64 = 2000,
        retryAfterUs: Int64 = 0, isIdempotent: Bool = true, hasStarted: Bool = false, copies: Int = 1,
        ownShare: Double = 0, second: LatencyTable? = nil
    ) -> RouteFacts {
        let first = RouteFacts.First(
            startUs: 0, durationUs: durationUs, host: 0, outcome: outcome, status: 503, isGRPC: false,
            retryAfterUs: retryAfterUs, isIdempotent: isIdempotent, unit: 0, hasStarted: hasStarted,
            ownShare: ownShare, isSeenAgain: second != nil, weight: 1)
        return RouteFacts(
            objective: objective, hostCount: 2, failed: Array(repeating: first, count: copies), slow: [],
            slowFromUs: 20_000, fixedCostUs: [0], fixedSuccesses: [0], requests: [Double(copies)],
            recorded: UnitTotals(units: 1), arrivals: [RouteFacts.Arrival(startUs: 0, count: Int64(copies))],
            answerProbability: up,
            latency: Array(repeating: LatencyTable { $0 >= 10_000 ? 1 : 0 }, count: 2), secondLatency: second,
            failureUs: 2000)
    }

    private func rule(waits: [Int64], budget: BudgetPolicy? = nil, perTryUs: Int64? = nil) -> Rule {
        Rule(
            timeoutUs: 1_000_000, perTryTimeoutUs: perTryUs,
            retry: RetryPolicy(
                maxRetries: waits.count, on: [.outcome(.errorStatus), .outcome(.timeout)],
                backoff: .waits(waits, jitter: 0)),
            budget: budget)
    }

    private func played(_ rule: Rule, _ facts: RouteFacts) -> UnitTotals {
        var player = RulePlayer(facts)
        return player.play([rule])[0].totals
    }

    /// The table is linear over a bin, so an answer "at 10 ms" is spread over the bin that ends there.
    private let binUs = 1000.0

    @Test func withoutRetriesAFailureCostsItsTimeAndTheFailure() {
        let totals = played(Rule(timeoutUs: 1_000_000), facts(up: { _, _ in 1 }))
        #expect(totals.costUs == [10_002_000])
        #expect(totals.extra == [0])
        #expect(totals.successes == [0])
    }

    @Test func aRetryThatSurelySucceedsCostsWaitAnswerAndAttempt() {
        let totals = played(rule(waits: [40_000]), facts(up: { _, _ in 1 }))
        #expect(abs(totals.costUs[0] - (2000 + 40_000 + 10_000 + 50_000)) <= binUs)
        #expect(totals.extra == [1])
        #expect(abs(totals.successes[0] - 1) < 1e-12)
    }

    @Test func whatTheServerAsksForIsWaitedForWhereTheRuleHeedsIt() {
        // Played together, for all else is the same.
        let heeding = rule(waits: [40_000])
        var ignoring = heeding
        ignoring.retry?.retryAfter = .ignore
        func costs(_ askedUs: Int64) -> [Double] {
            var player = RulePlayer(facts(up: { _, _ in 1 }, retryAfterUs: askedUs))
            return player.play([heeding, ignoring]).map(\.totals.costUs[0])
        }
        #expect(costs(300_000)[0] - costs(300_000)[1] == 260_000)
        #expect(costs(300_000)[1] == costs(0)[1] && costs(0)[0] == costs(0)[1])
        // Longer than the deadline: who heeds has failed at once.
        #expect(costs(1_000_000)[0] == 10_002_000 && costs(1_000_000)[1] == costs(0)[1])
    }

    @Test func aPriceIsTheProductAlongTheSchedule() {
        // Each retry is answered with probability 0.75: fails after 2 ms, and all fail with 1/16.
        let totals = played(rule(waits: [40_000, 100_000]), facts(up: { _, _ in 0.75 }))
        let first = 0.75 * (2000 + 40_000 + 10_000 + 50_000)
        let second = 0.25 * 0.75 * (2000 + 40_000 + 2000 + 100_000 + 10_000 + 100_000)
        let never = 0.0625 * (2000 + 40_000 + 2000 + 100_000 + 2000 + 100_000 + 10_000_000)
        #expect(abs(totals.costUs[0] - (first + second + never)) <= binUs)
        #expect(abs(totals.extra[0] - 1.25) < 1e-12)
        #expect(abs(totals.successes[0] - 0.9375) < 1e-12)
    }

    @Test func aRetryGoesToTheOtherHost() {
        let totals = played(rule(waits: [0]), facts(up: { host, _ in host == 1 ? 1 : 0 }))
        #expect(abs(totals.successes[0] - 1) < 1e-12)
    }

    @Test func waitingForTheRecoveryPays() {
        let recovered: (Int, Int64) -> Double = { _, atUs in atUs >= 300_000 ? 1 : 0 }
        #expect(played(rule(waits: [100_000]), facts(up: recovered)).successes == [0])
        #expect(abs(played(rule(waits: [298_000]), facts(up: recovered)).successes[0] - 1) < 1e-12)
    }

    @Test func whatMayHaveBeenExecutedIsNotRepeated() {
        let totals = played(rule(waits: [0]), facts(up: { _, _ in 1 }, isIdempotent: false))
        #expect(totals.extra == [0])
        #expect(totals.costUs == [10_002_000])
    }

    @Test func aTimeoutThatIsCutShortIsRetriedWithTheSameChance() {
        // Recorded: cut off at 500 ms. A 100 ms limit cuts it sooner; the retry is answered after 10 ms.
        let cut = facts(up: { _, _ in 1 }, outcome: .timeout, durationUs: 500_000)
        let totals = played(rule(waits: [0], perTryUs: 100_000), cut)
        #expect(abs(totals.costUs[0] - (100_000 + 10_000 + 50_000)) <= binUs)
    }

    @Test func theBudgetRefusesWhatItsCapDoesNotCover() {
        // 100 requests fail at once; the cap is max(0.2 × 100, 0 × 10) = 20 retries.
        let policy = BudgetPolicy(ratio: 0.2, minPerSecond: 0, windowUs: 10_000_000)
        var player = RulePlayer(facts(up: { _, _ in 1 }, copies: 100))
        let play = player.play([rule(waits: [0], budget: policy)])[0]
        #expect(abs(play.totals.extra[0] - 20) < 1e-9)
        #expect(abs(play.refusedShare - 0.8) < 1e-9)
    }

    @Test func theQueueGivesTheEarliestFirst() {
        var queue = PlayQueue<Int>()
        let times: [Int64] = [5, 3, 9, 1, 7, 3, 0, 8]
        for (place, time) in times.enumerated() { queue.push(place, atUs: time) }
        var drained: [Int] = []
        while let place = queue.popEarliest() { drained.append(place) }
        #expect(drained == [6, 3, 1, 5, 0, 4, 7, 2])
    }

    @Test func whatBrokeAfterItsResponseBeganIsNotRetried() {
        let totals = played(rule(waits: [0]), facts(up: { _, _ in 1 }, outcome: .reset, hasStarted: true))
        #expect(totals.extra == [0])
        #expect(totals.costUs == [10_002_000])
    }

    @Test func whenAllHostsWereTriedTheLastOneIsLeftOut() {
        // Host 0 is down for good, host 1 for the first retry only. The second retry may go back to host 0 but not stay
        // on host 1: it fails.
        let onlyHostOneLater: (Int, Int64) -> Double = { host, atUs in host == 1 && atUs > 3000 ? 1 : 0 }
        #expect(played(rule(waits: [0, 10_000]), facts(up: onlyHostOneLater)).successes == [0])
        #expect(abs(played(rule(waits: [0, 10_000, 0]), facts(up: onlyHostOneLater)).successes[0] - 1) < 1e-9)
    }

    @Test func aCutOffAttemptOnAHostThatWasDownNeverAnswers() {
        let hung = facts(up: { _, _ in 0 }, outcome: .timeout, durationUs: 5000)
        #expect(played(Rule(timeoutUs: 1_000_000), hung).successes == [0])
        let slow = facts(up: { _, _ in 1 }, outcome: .timeout, durationUs: 5000)
        #expect(abs(played(Rule(timeoutUs: 1_000_000), slow).successes[0] - 1) < 1e-9)
    }

    @Test func theBudgetSeesARequestBeforeItsOwnRetry() {
        // Ratio 1 in a window of 200 ms: one request, one retry. Nothing to refuse.
        let policy = BudgetPolicy(ratio: 1, minPerSecond: 0, windowUs: 200_000)
        var player = RulePlayer(facts(up: { _, _ in 1 }))
        let play = player.play([rule(waits: [0], budget: policy)])[0]
        #expect(play.refusedShare == 0)
        #expect(play.totals.extra == [1])
    }

    @Test func aRequestThatIsSlowByItselfIsCutOffAgainAndAgain() {
        let twice = rule(waits: [0, 0], perTryUs: 100_000)
        func cost(_ ownShare: Double, _ outcome: Outcome) -> UnitTotals {
            played(twice, facts(up: { _, _ in 1 }, outcome: outcome, durationUs: 300_000, ownShare: ownShare))
        }
        for outcome in [Outcome.timeout, .success] {
            // Three limits, two extra attempts, a failure.
            let own = cost(1, outcome)
            #expect(own.costUs == [300_000 + 100_000 + 10_000_000])
            #expect(own.successes == [0] && own.extra == [2])
            // The host's fault: the first retry answers.
            let other = cost(0, outcome)
            #expect(abs(other.costUs[0] - (100_000 + 10_000 + 50_000)) <= binUs)
            // Half and half is the mean of both.
            let half = cost(0.5, outcome)
            #expect(abs(half.costUs[0] - (own.costUs[0] + other.costUs[0]) / 2) < 1e-6)
            #expect(abs(half.extra[0] - 1.5) < 1e-12)
        }
    }

    @Test func aRetryTakesAsLongAsSecondAttemptsWereSeenToTake() {
        let second = LatencyTable { $0 >= 80_000 ? 1 : 0 }
        let facts = facts(up: { _, _ in 1 }, outcome: .timeout, durationUs: 300_000, second: second)
        let totals = played(rule(waits: [0], perTryUs: 100_000), facts)
        // The table is linear over the bin that ends at 81.92 ms.
        #expect(abs(totals.costUs[0] - (100_000 + 80_000 + 50_000)) < 8192)
        // A failure that was no timeout knows nothing of that.
        let failed = self.facts(up: { _, _ in 1 }, second: second)
        #expect(abs(played(rule(waits: [0]), failed).costUs[0] - (2000 + 10_000 + 50_000)) <= binUs)
    }
}
