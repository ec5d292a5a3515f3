import Retry
import Testing

@testable import Analyzer

/// Prices of hedges and of ejection worked out by hand, and what must hold between prices.
@Suite struct TimedPlayTests {
    private let objective = Objective(
        deadlineUs: 1_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 1)
    /// The table is linear over the bin that ends at 10.24 ms: what answers "at 10 ms" takes so long on average.
    private let answerUs = 9728.0
    private let failedUs = 10_000_000.0

    private func request(
        _ outcome: Outcome = .success, atUs startUs: Int64 = 0, host: Int = 0, takes durationUs: Int64, own: Double = 0,
        retryAfterUs: Int64 = 0, isIdempotent: Bool = true, isSeenAgain: Bool = false
    ) -> RouteFacts.First {
        RouteFacts.First(
            startUs: startUs, durationUs: durationUs, host: host, outcome: outcome, status: 503, isGRPC: false,
            retryAfterUs: retryAfterUs, isIdempotent: isIdempotent, unit: 0, ownShare: own, isSeenAgain: isSeenAgain,
            weight: 1)
    }

    private func facts(
        _ firsts: [RouteFacts.First], hosts: Int = 2, answered: [RouteFacts.Answered] = [],
        up: @escaping (Int, Int64) -> Double
    ) -> RouteFacts {
        let starts = (firsts.map(\.startUs) + answered.map(\.startUs)).sorted()
        var facts = RouteFacts(
            objective: objective, hostCount: hosts, failed: firsts.filter { $0.outcome != .success },
            slow: firsts.filter { $0.outcome == .success }, slowFromUs: 20_000,
            fixedCostUs: [answered.reduce(0) { $0 + Double($1.durationUs) }],
            fixedSuccesses: [Double(answered.count)], requests: [Double(starts.count)],
            recorded: UnitTotals(units: 1), arrivals: starts.map { RouteFacts.Arrival(startUs: $0, count: 1) },
            answerProbability: up, latency: Array(repeating: LatencyTable { $0 >= 10_000 ? 1 : 0 }, count: hosts),
            failureUs: 2000)
        facts.answered = answered
        return facts
    }

    private func rule(
        hedgeAfterUs: Int64? = nil, hedges: Int = 1, waits: [Int64] = [], host: HostChoice = .other,
        perTryUs: Int64? = nil, budget: BudgetPolicy? = nil, ejectionUs: Int64? = nil
    ) -> Rule {
        Rule(
            timeoutUs: 1_000_000, perTryTimeoutUs: perTryUs,
            retry: waits.isEmpty
                ? nil
                : RetryPolicy(
                    maxRetries: waits.count, on: [.outcome(.errorStatus), .outcome(.timeout)], host: host,
                    backoff: .waits(waits, jitter: 0)),
            budget: budget, hedge: hedgeAfterUs.map { HedgePolicy(delayUs: $0, max: hedges) }, ejectionUs: ejectionUs)
    }

    private func played(_ rule: Rule, _ facts: RouteFacts) -> UnitTotals {
        TimedPlay.played(rule, on: PlayedRows(facts)).totals
    }

    private func expect(
        _ totals: UnitTotals, costUs: Double, extra: Double, successes: Double,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(abs(totals.costUs[0] - costUs) < 1e-6 * costUs, sourceLocation: location)
        #expect(abs(totals.extra[0] - extra) < 1e-9, sourceLocation: location)
        #expect(abs(totals.successes[0] - successes) < 1e-9, sourceLocation: location)
    }

    // MARK: Hedges

    @Test func aHedgeThatAlwaysWinsCostsItsDelayItsAnswerAndAnAttempt() {
        let totals = played(rule(hedgeAfterUs: 20_000), facts([request(takes: 300_000)]) { _, _ in 1 })
        expect(totals, costUs: 20_000 + answerUs + 50_000, extra: 1, successes: 1)
    }

    @Test func aHedgeOfARequestThatIsSlowByItselfGainsNothing() {
        let own = played(rule(hedgeAfterUs: 20_000), facts([request(takes: 300_000, own: 1)]) { _, _ in 1 })
        expect(own, costUs: 300_000 + 50_000, extra: 1, successes: 1)
        let half = played(rule(hedgeAfterUs: 20_000), facts([request(takes: 300_000, own: 0.5)]) { _, _ in 1 })
        expect(half, costUs: (300_000 + 20_000 + answerUs) / 2 + 50_000, extra: 1, successes: 1)
    }

    @Test func aHedgeTakesAsLongAsSecondAttemptsOfSlowRequestsDo() {
        var slow = facts([request(takes: 300_000, isSeenAgain: true)]) { _, _ in 1 }
        // Uniform up to 81.92 ms from the corner before it.
        slow.secondLatency = LatencyTable { $0 >= 80_000 ? 1 : 0 }
        expect(
            played(rule(hedgeAfterUs: 20_000), slow), costUs: 20_000 + (73_728 + 81_920) / 2 + 50_000, extra: 1,
            successes: 1)
    }

    @Test func aHedgeRescuesWhatHangsOnAHostThatIsDown() {
        let hung = facts([request(.timeout, takes: 500_000)]) { host, _ in host == 1 ? 1 : 0 }
        expect(played(rule(), hung), costUs: 1_000_000 + failedUs, extra: 0, successes: 0)
        expect(
            played(rule(hedgeAfterUs: 20_000), hung), costUs: 20_000 + answerUs + 50_000, extra: 1, successes: 1)
        // Where the other host is down as well, both run into the limit of the whole request.
        let both = facts([request(.timeout, takes: 500_000)]) { _, _ in 0 }
        expect(
            played(rule(hedgeAfterUs: 20_000), both), costUs: 1_000_000 + failedUs + 50_000, extra: 1, successes: 0)
    }

    @Test func retriesComeWhenBothHaveFailed() {
        // Failures show after 100 ms: at 100 ms and, of the hedge, at 120 ms. The third host is up.
        let down = facts([request(.errorStatus, takes: 100_000)], hosts: 3) { _, atUs in atUs >= 120_000 ? 1 : 0 }
        expect(
            played(rule(hedgeAfterUs: 20_000), down), costUs: 120_000 + failedUs + 50_000, extra: 1, successes: 0)
        expect(
            played(rule(hedgeAfterUs: 20_000, waits: [5000]), down), costUs: 125_000 + answerUs + 100_000, extra: 2,
            successes: 1)
        // A limit of 60 ms cuts both: at 60 ms and at 80 ms; it is the limit that is retried then.
        let slow = facts([request(takes: 300_000, own: 1)], hosts: 3) { _, _ in 1 }
        expect(
            played(rule(hedgeAfterUs: 20_000, waits: [5000], perTryUs: 60_000), slow),
            costUs: 80_000 + 5000 + 60_000 + failedUs + 100_000, extra: 2, successes: 0)
    }

    @Test func aRetryAfterHedgesWaitsForAsLongAsAskedWhereTheRuleHeeds() {
        let asked = request(.errorStatus, takes: 100_000, retryAfterUs: 30_000)
        let down = facts([asked], hosts: 3) { _, atUs in atUs >= 120_000 ? 1 : 0 }
        var rule = rule(hedgeAfterUs: 20_000, waits: [5000])
        expect(played(rule, down), costUs: 150_000 + answerUs + 100_000, extra: 2, successes: 1)
        rule.retry?.retryAfter = .ignore
        expect(played(rule, down), costUs: 125_000 + answerUs + 100_000, extra: 2, successes: 1)
    }

    @Test func whatFailsBeforeTheDelayIsRetriedAndNotHedged() {
        let failed = facts([request(.errorStatus, takes: 20_000)]) { _, _ in 1 }
        expect(
            played(rule(hedgeAfterUs: 20_000, waits: [0]), failed), costUs: 20_000 + answerUs + 50_000, extra: 1,
            successes: 1)
    }

    @Test func theSecondHedgeIsSentWhereTheFirstHasNoAnswer() {
        // One of two attempts on another host hangs as the first does.
        let hung = facts([request(.timeout, takes: 500_000)], hosts: 3) { host, atUs in
            host == 0 ? 0 : atUs < 40_000 ? 0.5 : 1
        }
        let costUs = 0.5 * (20_000 + answerUs) + 0.5 * (40_000 + answerUs) + 1.5 * 50_000
        expect(played(rule(hedgeAfterUs: 20_000, hedges: 2), hung), costUs: costUs, extra: 1.5, successes: 1)
    }

    @Test func aSecondHedgeIsNotSentWhenAllHaveEnded() {
        // The limit cuts the first attempt at 30 ms, the hedge on a host that is down failed at 22 ms.
        let cut = facts([request(takes: 300_000)], hosts: 3) { _, _ in 0 }
        expect(
            played(rule(hedgeAfterUs: 20_000, hedges: 2, perTryUs: 30_000), cut),
            costUs: 30_000 + failedUs + 50_000, extra: 1, successes: 0)
        // A little later the first attempt is still under way when the second hedge is due.
        expect(
            played(rule(hedgeAfterUs: 20_000, hedges: 2, perTryUs: 40_001), cut),
            costUs: 42_000 + failedUs + 100_000, extra: 2, successes: 0)
        // A failure that takes 25 ms: at 25 ms, 48 ms and 71 ms.
        let failed = facts([request(.errorStatus, takes: 25_000)], hosts: 3) { _, _ in 0 }
        expect(
            played(rule(hedgeAfterUs: 23_000, hedges: 2), failed), costUs: 71_000 + failedUs + 100_000, extra: 2,
            successes: 0)
    }

    @Test func hedgesWithdrawFromTheBudget() {
        let slow = Array(repeating: request(takes: 300_000), count: 100)
        let policy = BudgetPolicy(ratio: 0.2, minPerSecond: 0, windowUs: 10_000_000)
        let play = TimedPlay.played(
            rule(hedgeAfterUs: 20_000, budget: policy), on: PlayedRows(facts(slow) { _, _ in 1 }))
        expect(
            play.totals, costUs: 20 * (20_000 + answerUs + 50_000) + 80 * 300_000, extra: 20, successes: 100)
        #expect(abs(play.refusedShare - 0.8) < 1e-12)
    }

    @Test func whatMayNotBeRepeatedIsNotHedged() {
        let once = facts([request(takes: 300_000, isIdempotent: false)]) { _, _ in 1 }
        expect(played(rule(hedgeAfterUs: 20_000), once), costUs: 300_000, extra: 0, successes: 1)
    }

    @Test func aHedgeThatIsNeverDueIsNone() {
        for delayUs: Int64 in [500_000, 1_000_000, 2_000_000] {
            #expect(!TimedPlay.isNeeded(for: rule(hedgeAfterUs: delayUs, perTryUs: 500_000)))
        }
        #expect(TimedPlay.isNeeded(for: rule(hedgeAfterUs: 499_999, perTryUs: 500_000)))
        #expect(!TimedPlay.isNeeded(for: rule()) && TimedPlay.isNeeded(for: rule(ejectionUs: 1)))
    }

    // MARK: Ejection

    /// Host 0 is down for a second and shows it after 2 ms; requests go to the hosts in turn, every 100 ms.
    private func oneOfTwoDown() -> RouteFacts {
        var firsts: [RouteFacts.First] = []
        var answered: [RouteFacts.Answered] = []
        for number in 0..<14 {
            let atUs = Int64(number) * 100_000
            if number % 2 == 0 && atUs < 1_000_000 {
                firsts.append(request(.errorStatus, atUs: atUs, host: 0, takes: 2000))
            } else {
                answered.append(
                    RouteFacts.Answered(
                        startUs: atUs, durationUs: 10_000, host: Int32(number % 2), unit: 0, isIdempotent: true))
            }
        }
        return facts(firsts, answered: answered) { host, atUs in host == 1 || atUs >= 1_000_000 ? 1 : 0 }
    }

    @Test func aHostThatFailedRestsAndItsRequestsGoElsewhere() {
        let facts = oneOfTwoDown()
        expect(
            played(rule(), facts), costUs: 5 * (2000 + failedUs) + 9 * 10_000, extra: 0, successes: 9)
        // Fails at 2, 402 and 802 ms, rests until 252, 652 and 1,052: what came at 200 and 600 ms is dealt to the other
        // host, and so is what came at 1,000 ms though the host is up again.
        expect(
            played(rule(ejectionUs: 250_000), facts),
            costUs: 3 * (2000 + failedUs) + 2 * answerUs + 9 * 10_000, extra: 0, successes: 11)
        // It fails once and rests from then on.
        expect(
            played(rule(ejectionUs: 60_000_000), facts),
            costUs: 2000 + failedUs + 4 * answerUs + 9 * 10_000, extra: 0, successes: 13)
    }

    @Test func aRestOfNoTimeIsNone() {
        expect(
            played(rule(ejectionUs: 1), oneOfTwoDown()), costUs: 5 * (2000 + failedUs) + 9 * 10_000, extra: 0,
            successes: 9)
    }

    @Test func aRequestFailsElsewhereAsThatHostFailsAtThatTime() {
        // Host 1 hangs; what host 0 would have answered is dealt to it while host 0 rests from a blip.
        let blip = request(.errorStatus, atUs: 0, host: 0, takes: 2000)
        let hung = request(.timeout, atUs: 50_000, host: 1, takes: 500_000)
        let answered = RouteFacts.Answered(startUs: 100_000, durationUs: 10_000, host: 0, unit: 0, isIdempotent: true)
        let facts = facts([blip, hung], answered: [answered]) { host, _ in host == 0 ? 1 : 0 }
        expect(
            played(rule(ejectionUs: 10_000_000), facts), costUs: 2000 + 2 * 1_000_000 + 3 * failedUs, extra: 0,
            successes: 0)
        expect(
            played(rule(ejectionUs: 90_000), facts), costUs: 2000 + 1_000_000 + 2 * failedUs + 10_000, extra: 0,
            successes: 1)
    }

    @Test func whenAllHostsRestNoneDoes() {
        let firsts = (0..<10).map { request(.errorStatus, atUs: Int64($0) * 100_000, host: $0 % 2, takes: 2000) }
        let totals = played(rule(ejectionUs: 10_000_000), facts(firsts) { _, _ in 0 })
        expect(totals, costUs: 10 * (2000 + failedUs), extra: 0, successes: 0)
        let alone = facts([request(.errorStatus, takes: 2000)], hosts: 1) { _, _ in 0 }
        expect(played(rule(ejectionUs: 10_000_000), alone), costUs: 2000 + failedUs, extra: 0, successes: 0)
    }

    @Test func retriesAndHedgesAvoidHostsThatRest() {
        // Host 1 failed before; host 2 is the only one left.
        let early = request(.errorStatus, atUs: 0, host: 1, takes: 1000)
        let late = (1...20).map { request(.errorStatus, atUs: Int64($0) * 10_000, host: 0, takes: 1000) }
        let slow = (1...20).map { request(atUs: Int64($0) * 10_000 + 500_000, host: 0, takes: 300_000) }
        let retried = facts([early] + late, hosts: 3) { host, _ in host == 2 ? 1 : 0 }
        let one = played(rule(waits: [0], ejectionUs: 5_000_000), retried)
        #expect(abs(one.successes[0] - 21) < 1e-9)
        let hedged = facts([early] + slow, hosts: 3) { host, _ in host == 2 ? 1 : 0 }
        let other = played(rule(hedgeAfterUs: 20_000, ejectionUs: 5_000_000), hedged)
        expect(
            other, costUs: 1000 + failedUs + 20 * (20_000 + answerUs + 50_000), extra: 20, successes: 20)
    }

    @Test func aHedgeThatFailsMakesItsHostRest() {
        // The hedge at 20 ms on host 1 fails at 22 ms, so what host 1 got at 30 ms goes to host 0.
        let slow = request(atUs: 0, host: 0, takes: 300_000)
        let failed = request(.errorStatus, atUs: 30_000, host: 1, takes: 2000)
        let facts = facts([slow, failed]) { host, _ in host == 0 ? 1 : 0 }
        expect(
            played(rule(hedgeAfterUs: 20_000), facts), costUs: 300_000 + 50_000 + 2000 + failedUs, extra: 1,
            successes: 1)
        expect(
            played(rule(hedgeAfterUs: 20_000, ejectionUs: 1_000_000), facts),
            costUs: 300_000 + 50_000 + answerUs, extra: 1, successes: 2)
    }

    @Test func aHostRestsBeforeARetryAtTheSameInstantLooksForOne() {
        // Both attempts have failed at 32 ms: two of three hosts rest, and a retry at once goes to the third.
        let firsts = (0..<30).map { request(.errorStatus, atUs: Int64($0) * 2_000_000, host: 0, takes: 30_000) }
        let down = facts(firsts, hosts: 3) { host, _ in host == 2 ? 1 : 0 }
        for hedgeAfterUs: Int64? in [nil, 20_000] {
            func totals(_ waits: [Int64]) -> UnitTotals {
                played(rule(hedgeAfterUs: hedgeAfterUs, waits: waits, host: .any, ejectionUs: 100_000), down)
            }
            let (one, other) = (totals([0, 0, 0]), totals([1, 1, 1]))
            #expect(one.successes[0] == 30 && other.successes[0] == 30)
            #expect(abs(one.extra[0] - other.extra[0]) < 1e-9 && abs(one.costUs[0] - other.costUs[0]) < 200)
        }
    }

    @Test func whatGoesToAHostThatMayRestWhenAllOthersDoFailsOnce() {
        // Host 1 fails at 2 ms, and the retry on host 0 does in half of all courses at 4 ms: then both rest.
        let early = request(.errorStatus, atUs: 0, host: 1, takes: 2000)
        // Sent to host 0 all the same; cut at 50 ms if that is down, in half of all courses.
        let cut = request(.timeout, atUs: 100_000, host: 0, takes: 5000, isIdempotent: false)
        // All rests but that since 150 ms are over; in half of all courses it is dealt to host 1, which is down.
        let answered = RouteFacts.Answered(
            startUs: 1_050_000, durationUs: 10_000, host: 0, unit: 0, isIdempotent: false)
        let facts = facts([early, cut], answered: [answered]) { host, _ in host == 0 ? 0.5 : 0 }
        let costUs =
            0.5 * (2000 + answerUs) + 0.5 * (4000 + failedUs) + 50_000 + 0.5 * answerUs + 0.5 * (50_000 + failedUs)
            + 0.5 * 10_000 + 0.5 * (2000 + failedUs)
        expect(
            played(rule(waits: [0], perTryUs: 50_000, ejectionUs: 1_000_000), facts), costUs: costUs, extra: 1,
            successes: 1.5)
    }
}
