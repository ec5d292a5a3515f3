import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct LimitedPlayTests {
    private let objective = Objective(
        deadlineUs: 2_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 1)
    private let latency = LatencyTable { $0 >= 10_000 ? 1 : 0 }
    private let answerUs: Int64 = 5000
    private let refusalUs: Int64 = 1000

    /// What a retry takes in the mean by the table.
    private var meanUs: Double { latency.within(1_000_000).partialMeanUs }

    /// Requests at these instants, on hosts that are always up, as a bucket treated them; those that were answered
    /// are all fast.
    private func facts(_ startsUs: [Int64], _ limit: RateLimit, retryAfterUs: Int64 = 0) -> RouteFacts {
        var bucket = limit.buckets(hosts: 2)[0]
        var (failed, answered): ([RouteFacts.First], [RouteFacts.Answered]) = ([], [])
        for startUs in startsUs {
            if bucket.take(atUs: startUs) {
                answered.append(
                    RouteFacts.Answered(startUs: startUs, durationUs: answerUs, host: 0, unit: 0, isIdempotent: true))
            } else {
                failed.append(
                    RouteFacts.First(
                        startUs: startUs, durationUs: refusalUs, host: 0, outcome: .rateLimited, status: 429,
                        isGRPC: false, retryAfterUs: retryAfterUs, isIdempotent: true, unit: 0, weight: 1))
            }
        }
        var facts = RouteFacts(
            objective: objective, hostCount: 2, failed: failed, slow: [], slowFromUs: 20_000,
            fixedCostUs: [Double(answerUs) * Double(answered.count)], fixedSuccesses: [Double(answered.count)],
            requests: [Double(startsUs.count)], recorded: UnitTotals(units: 1),
            arrivals: startsUs.map { RouteFacts.Arrival(startUs: $0, count: 1) }, answerProbability: { _, _ in 1 },
            latency: [latency, latency], failureUs: 3000)
        facts.answered = answered
        facts.rateLimit = limit
        return facts
    }

    private func rule(waits: [Int64], budget: BudgetPolicy? = nil) -> Rule {
        Rule(
            timeoutUs: 2_000_000,
            retry: waits.isEmpty
                ? nil
                : RetryPolicy(
                    maxRetries: waits.count, on: [.outcome(.rateLimited)], host: .any,
                    backoff: .waits(waits, jitter: 0)),
            budget: budget)
    }

    private func played(_ rule: Rule, _ facts: RouteFacts) -> UnitTotals {
        var player = RulePlayer(facts)
        return player.play([rule])[0].totals
    }

    @Test func aRetryTakesTheTokenOfALaterRequest() {
        // A token a second: of requests at 0, 100 ms and 1 s the second is refused. Retried at 1.001 s it comes too
        // late; retried at 951 ms there is no token yet; of a request less at 1 s it would get one.
        let limit = RateLimit(perSecond: 1, burst: 1)
        let three = facts([0, 100_000, 1_000_000], limit)
        let refusedAlone = played(rule(waits: []), three)
        #expect(refusedAlone.costUs == [Double(2 * answerUs + refusalUs) + 10_000_000])
        #expect(refusedAlone.successes == [2])
        let late = played(rule(waits: [900_000]), three)
        #expect(late.successes == [2] && late.extra == [1])
        // One microsecond before the third the retry finds the token, and the third is refused and comes back in vain.
        let before = facts([0, 100_000, 1_000_001], limit)
        let taken = played(rule(waits: [899_000]), before)
        #expect(taken.successes == [2] && taken.extra == [2])
        let refusedTwice = Double(refusalUs + 899_000 + refusalUs) + 50_000 + 10_000_000
        #expect(abs(taken.costUs[0] - (Double(answerUs) + 900_000 + meanUs + 50_000 + refusedTwice)) < 1e-6)
    }

    @Test func whatWasRefusedAndIsServedHereMeetsItsHost() {
        // Under the log's bucket the second is refused, under one of twice the burst it is not.
        var facts = facts([0, 100_000], RateLimit(perSecond: 1, burst: 1))
        facts.rateLimit = RateLimit(perSecond: 1, burst: 2)
        let totals = played(rule(waits: [0]), facts)
        #expect(totals.successes == [2] && totals.extra == [0])
        #expect(abs(totals.costUs[0] - (Double(answerUs) + meanUs)) < 1e-6)
    }

    @Test func whatWasServedAndIsRefusedHereIsRefusedAsTheMiddleOneWas() {
        // Under the log's bucket the first two are served, under one of half the burst only the first is.
        var facts = facts([0, 100_000, 100_001], RateLimit(perSecond: 1, burst: 2), retryAfterUs: 1_200_000)
        facts.rateLimit = RateLimit(perSecond: 1, burst: 1)
        let totals = played(rule(waits: [0, 0]), facts)
        // Both come back after 1.2 s; the first of them is served, the other would have to wait past its deadline.
        #expect(totals.successes == [2] && totals.extra == [2])
        let served = Double(refusalUs + 1_200_000) + meanUs + 50_000
        let refused = Double(2 * refusalUs + 1_200_000) + 50_000 + 10_000_000
        #expect(abs(totals.costUs[0] - (Double(answerUs) + served + refused)) < 1e-6)
    }

    @Test func hostsHaveBucketsOfTheirOwn() {
        let limit = RateLimit(perSecond: 1, burst: 1, isByHost: true)
        let facts = facts([0, 100_000], limit)
        var other = rule(waits: [0])
        other.retry?.host = .other
        #expect(played(other, facts).successes == [2])
        #expect(
            played(rule(waits: [0, 0]), self.facts([0, 100_000], RateLimit(perSecond: 1, burst: 1))).successes == [1])
    }

    /// Some minutes of bursts.
    private func starts(_ dice: inout SplitMix64) -> [Int64] {
        var (starts, atUs): ([Int64], Int64) = ([], 0)
        while atUs < 240_000_000 {
            let isBurst = (atUs / 8_000_000) % 3 == 0
            atUs += Int64.random(in: 1...(isBurst ? 60_000 : 400_000), using: &dice)
            starts.append(atUs)
        }
        return starts
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func itIsTheRetryMachineBeforeABucket(seed: UInt64) {
        var dice = SplitMix64(seed: seed, "limited")
        let limit = RateLimit(perSecond: 9, burst: Double(1 + seed))
        let facts = facts(starts(&dice), limit, retryAfterUs: seed % 2 == 0 ? 300_000 : 0)
        var refusing = 0
        for number in 0..<12 {
            let waits = (0..<number % 5).map { _ in Int64.random(in: 0...30, using: &dice) * 20_000 }
            let budget = [nil, BudgetPolicy(ratio: 0.1, minPerSecond: 0.3, windowUs: 10_000_000)][number % 2]
            let rule = rule(waits: waits, budget: budget)
            var player = RulePlayer(facts)
            let found = player.play([rule])[0]
            var slow = LimitedSimulation(rule, facts, limit, answerUs: meanUs)
            slow.run()
            #expect(abs(found.totals.costUs[0] - slow.costUs) < 1e-7 * slow.costUs, "rule \(number)")
            #expect(found.totals.extra[0] == slow.extra && found.totals.successes[0] == slow.successes)
            if found.refusedShare > 0 { refusing += 1 }
        }
        #expect(refusing > 0)
    }

    @Test func whatFoundNoConnectionTakesNoToken() {
        var facts = facts([0], RateLimit(perSecond: 1, burst: 1))
        let unconnected = RouteFacts.First(
            startUs: -1000, durationUs: 300, host: 0, outcome: .connectFailure, status: 0, isGRPC: false,
            retryAfterUs: 0, isIdempotent: true, unit: 0, weight: 1)
        facts = facts.with(failed: [unconnected])
        #expect(played(rule(waits: []), facts).successes == [1])
    }

    /// Hosts that fail one or three times in ten: attempts are sent with some probability, and some take tokens.
    @Test(arguments: [(1, 0.7), (2, 0.7), (2, 0.9)])
    func withHostsThatFailItIsTheMeanOfManyCourses(hosts: Int, chance: Double) {
        var dice = SplitMix64(seed: 41, "limited", UInt64(hosts))
        let limit = RateLimit(perSecond: 12, burst: 6, isByHost: hosts > 1)
        let facts = facts(starts(&dice), RateLimit(perSecond: 12, burst: 6)).answering(chance)
        var rule = rule(waits: [300_000, 0, 500_000])
        rule.retry?.on.append(.outcome(.errorStatus))
        var limited = facts
        limited.rateLimit = limit
        let found = played(rule, limited)
        var (cost, extra) = (RunningMean(), RunningMean())
        for seed in 0..<300 {
            var course = LimitedSimulation(
                rule, limited, limit, answerUs: meanUs, chance: chance, seed: UInt64(seed), hosts: hosts)
            course.run()
            cost.add(course.costUs)
            extra.add(course.extra)
        }
        // Which attempts count is drawn once: half a hundredth.
        #expect(abs(found.costUs[0] - cost.mean) < 4.5 * cost.standardError + 0.005 * cost.mean)
        #expect(abs(found.extra[0] - extra.mean) < 4.5 * extra.standardError + 0.005 * extra.mean)
        // The bucket does bind: without it retries are fewer.
        #expect(extra.mean > 1.2 * played(rule, limited.withLimit(nil)).extra[0])
    }

    @Test(arguments: [1, 2, 3])
    func whereNothingIsEverRefusedItIsWhatAllOthersPlay(hosts: Int) {
        var dice = SplitMix64(seed: 31, "limited", UInt64(hosts))
        var facts = PlayEquivalenceTests().facts(&dice, hosts: hosts).withoutRefusals
        facts.outageUs = facts.requests.map { _ in 1 }
        var limited = facts
        limited.rateLimit = RateLimit(perSecond: 1e9, burst: 1e9)
        let rules = PlayEquivalenceTests().rules(&dice)
        let stretches = PlayedStretches(SIMD4(0.5, 1, 2, 4))
        var (player, other) = (RulePlayer(facts, at: stretches), RulePlayer(limited, at: stretches))
        for (usual, found) in zip(player.play(rules), other.play(rules)) {
            for unit in 0..<facts.units {
                let scale = usual.totals.costUs[unit] + 1
                #expect(abs(found.totals.costUs[unit] - usual.totals.costUs[unit]) < 1e-9 * scale)
                #expect(abs(found.totals.extra[unit] - usual.totals.extra[unit]) < 1e-7)
                #expect(abs(found.totals.successes[unit] - usual.totals.successes[unit]) < 1e-7)
                for lane in 0..<4 {
                    let expected = usual.stretchedUs[unit][lane]
                    #expect(abs(found.stretchedUs[unit][lane] - expected) < 1e-9 * (expected + 1))
                }
            }
            #expect(abs(found.refusedShare - usual.refusedShare) < 1e-9)
        }
    }
}

extension RouteFacts {
    /// The same with every refusal for load an error.
    fileprivate var withoutRefusals: RouteFacts {
        with(
            failed: failed.map { first in
                var first = first
                if first.outcome == .rateLimited { first.outcome = .errorStatus }
                return first
            })
    }

    /// The same with hosts that answer by this chance.
    fileprivate func answering(_ chance: Double) -> RouteFacts { with(failed: failed, chance: chance) }

    fileprivate func withLimit(_ limit: RateLimit?) -> RouteFacts {
        var facts = self
        facts.rateLimit = limit
        return facts
    }

    /// The same with other failed requests and, if it is given, another chance of an answer.
    fileprivate func with(failed: [First], chance: Double? = nil) -> RouteFacts {
        var facts = RouteFacts(
            objective: objective, hostCount: hostCount, failed: failed, slow: slow, slowFromUs: slowFromUs,
            fixedCostUs: fixedCostUs, fixedSuccesses: fixedSuccesses,
            requests: requests, recorded: recorded, arrivals: arrivals,
            answerProbability: chance.map { chance in { _, _ in chance } } ?? answerProbability, latency: latency,
            failureUs: failureUs)
        (facts.upProbability, facts.secondLatency) = (upProbability, secondLatency)
        (facts.answered, facts.rateLimit) = (answered, rateLimit)
        return facts
    }
}

/// The slow second way: whole requests through the retry machine, the budget and a bucket, event by event.
private struct LimitedSimulation {
    private(set) var costUs = 0.0
    private(set) var extra = 0.0
    private(set) var successes = 0.0

    private struct Request {
        var machine: RetryMachine
        let row: Int
        let startUs: Int64
        let isFirstAnswered: Bool
        var attempts = 0
    }

    private let facts: RouteFacts
    private let answerUs: Double
    private let chance: Double
    private let hosts: Int
    private var dice: SplitMix64
    private var buckets: [TokenBucket]
    private var budget: RetryBudget?
    private var requests: [Request]
    /// What is told, and when: the end of a wait, or a refusal.
    private var queue = PlayQueue<(request: Int, event: RetryMachine.Event)>()

    init(
        _ rule: Rule, _ facts: RouteFacts, _ limit: RateLimit, answerUs: Double, chance: Double = 1, seed: UInt64 = 1,
        hosts: Int = 1
    ) {
        self.facts = facts
        self.answerUs = answerUs
        self.chance = chance
        self.hosts = hosts
        dice = SplitMix64(seed: seed, "course")
        buckets = limit.buckets(hosts: hosts)
        budget = rule.budget.map(RetryBudget.init)
        let starts = facts.failed.map { ($0.startUs, false) } + facts.answered.map { ($0.startUs, true) }
        requests = starts.enumerated().map { row, start in
            Request(
                machine: RetryMachine(rule: rule, isIdempotent: true, startUs: start.0), row: row, startUs: start.0,
                isFirstAnswered: start.1)
        }.sorted { $0.startUs < $1.startUs }
    }

    mutating func run() {
        for place in requests.indices {
            advance(to: requests[place].startUs)
            budget?.recordRequest(nowUs: requests[place].startUs)
            tell(place, .begin, nowUs: requests[place].startUs)
        }
        advance(to: .max)
    }

    private mutating func advance(to endUs: Int64) {
        while let dueUs = queue.earliestUs, dueUs <= endUs {
            if let next = queue.popEarliest() { tell(next.request, next.event, nowUs: dueUs) }
        }
    }

    private mutating func tell(_ place: Int, _ event: RetryMachine.Event, nowUs: Int64) {
        let action = requests[place].machine.next(event, nowUs: nowUs, unit: 0.5) {
            budget?.withdraw(nowUs: nowUs) ?? true
        }
        switch action {
        case .send: send(place, nowUs: nowUs)
        case .wait(let untilUs): queue.push((place, .waitOver), atUs: untilUs)
        case .answer:
            costUs += min(Double(nowUs - requests[place].startUs), 2_000_000) + 10_000_000
        case .none: break
        }
    }

    private mutating func send(_ place: Int, nowUs: Int64) {
        requests[place].attempts += 1
        let isFirst = requests[place].attempts == 1
        if !isFirst {
            extra += 1
            costUs += 50_000
        }
        // First attempts go to the first host, as in the log, others where the play sends them.
        let unit = AttemptPlay.spread(row: requests[place].row, attempt: requests[place].attempts + 17)
        let host = isFirst ? 0 : Int(unit * Double(hosts))
        if buckets[buckets.count > 1 ? host : 0].take(atUs: nowUs) {
            let isAsRecorded = isFirst && requests[place].isFirstAnswered
            guard isAsRecorded || dice.unit() < chance else {
                let failure = AttemptResult(outcome: .errorStatus, status: 503)
                return queue.push((place, .attemptEnded(failure)), atUs: nowUs + facts.failureUs)
            }
            successes += 1
            costUs += Double(nowUs - requests[place].startUs) + (isAsRecorded ? 5000 : answerUs)
        } else {
            let refusal = facts.failed.first
            let result = AttemptResult(
                outcome: .rateLimited, status: 429, retryAfterUs: refusal?.retryAfterUs ?? 0)
            queue.push((place, .attemptEnded(result)), atUs: nowUs + (refusal?.durationUs ?? 0))
        }
    }
}

private struct RunningMean {
    private var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    var mean: Double { values.reduce(0, +) / Double(values.count) }

    var standardError: Double {
        let mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    }
}
