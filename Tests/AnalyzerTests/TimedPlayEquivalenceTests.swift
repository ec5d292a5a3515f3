import Retry
import TestSupport
import Testing

@testable import Analyzer

/// `TimedPlay` against other ways to the same numbers.
@Suite struct TimedPlayEquivalenceTests {
    @Test(arguments: [1, 2, 3])
    func withoutHedgesAndEjectionItIsTheRetryMachine(hosts: Int) {
        var dice = SplitMix64(seed: 21, "timed", UInt64(hosts))
        var facts = PlayEquivalenceTests().facts(&dice, hosts: hosts)
        facts.outageUs = facts.requests.map { _ in 1 }
        let rows = PlayedRows(facts)
        var player = RulePlayer(facts)
        for (number, rule) in PlayEquivalenceTests().rules(&dice).enumerated() {
            var slow = MachinePlay(rule, on: facts)
            slow.playWithBudget()
            let found = TimedPlay.played(rule, on: rows)
            for unit in 0..<facts.units {
                let scale = slow.totals.costUs[unit] + 1
                #expect(abs(found.totals.costUs[unit] - slow.totals.costUs[unit]) < 1e-9 * scale, "rule \(number)")
                #expect(abs(found.totals.extra[unit] - slow.totals.extra[unit]) < 1e-7, "rule \(number)")
                #expect(abs(found.totals.successes[unit] - slow.totals.successes[unit]) < 1e-7, "rule \(number)")
            }
            #expect(abs(found.refusedShare - slow.refusedShare) < 1e-9, "rule \(number)")
            let free = player.freeCostsUs([rule], at: PlayedStretches(SIMD4(repeating: 4)))[0].map { $0[0] }
            for (one, other) in zip(TimedPlay.freeCostUs(rule, on: rows, stretch: 4), free) {
                #expect(abs(one - other) < 1e-9 * (other + 1), "rule \(number)")
            }
        }
    }

    /// A minute of ten requests a second on three hosts: the first is down twice, the second hangs once; one attempt in
    /// a hundred fails by itself, one in twenty is slow, and of these some are by themselves; one request in five may
    /// not be repeated.
    private func minute(_ dice: inout SplitMix64, timeUnit: Int64 = 1) -> RouteFacts {
        let unit = timeUnit
        let answers: (Int, Int64) -> Double = { host, atUs in
            let second = Double(atUs) / 1e6 / Double(unit)
            let isDown =
                host == 0
                ? (5..<12).contains(second) || (30..<31).contains(second)
                : host == 1 && (40..<44).contains(second)
            return isDown ? 0.02 : 0.99
        }
        let law = LatencyTable { us in
            let ms = Double(us) / 1000 / Double(unit)
            return ms < 4 ? 0 : ms < 16.384 ? 0.95 * (ms - 4) / 12.384 : min(1, 0.95 + 0.05 * (ms - 16.384) / 507.904)
        }
        var facts = RouteFacts(
            objective: Objective(
                deadlineUs: 2_000_000 * unit, failureCostUs: 10_000_000 * unit, attemptCostUs: 50_000 * unit,
                maxExtraAttempts: 1),
            hostCount: 3, failed: [], slow: [], slowFromUs: 16_384 * unit, fixedCostUs: [0], fixedSuccesses: [0],
            requests: [600], recorded: UnitTotals(units: 1), arrivals: [], answerProbability: answers,
            upProbability: answers, latency: [law, law, law],
            secondLatency: LatencyTable { us in min(0.95, Double(us) / 60_000 / Double(unit)) }, failureUs: 3000 * unit)
        var (failed, slow): ([RouteFacts.First], [RouteFacts.First]) = ([], [])
        var (answered, fixedUs): ([RouteFacts.Answered], Double) = ([], 0)
        var arrivals: [RouteFacts.Arrival] = []
        for number in 0..<600 {
            let startUs = (Int64(number) * 100_000 + Int64.random(in: 0..<100_000, using: &dice)) * unit
            let (host, chance, place) = (Int.random(in: 0..<3, using: &dice), dice.unit(), dice.unit())
            let isOwn = [0, 0.4, 1][Int.random(in: 0..<3, using: &dice)]
            let isSeenAgain = Bool.random(using: &dice)
            let isIdempotent = number % 5 != 0
            arrivals.append(RouteFacts.Arrival(startUs: startUs, count: 1))
            func first(_ outcome: Outcome, _ us: Int64) -> RouteFacts.First {
                RouteFacts.First(
                    startUs: startUs, durationUs: us * unit, host: host, outcome: outcome,
                    status: outcome == .errorStatus ? 503 : 0, isGRPC: false, retryAfterUs: 0,
                    isIdempotent: isIdempotent, unit: 0, ownShare: outcome == .errorStatus ? 0 : isOwn,
                    isSeenAgain: isSeenAgain, weight: 1)
            }
            if chance >= answers(host, startUs) {
                failed.append(host == 1 && number > 390 ? first(.timeout, 400_000) : first(.errorStatus, 30_000))
            } else if place > 0.95 {
                slow.append(first(.success, 16_384 + Int64((place - 0.95) / 0.05 * 507_904)))
            } else {
                let us = Int64(4000 + place / 0.95 * 12_384) * unit
                fixedUs += Double(us)
                answered.append(
                    RouteFacts.Answered(
                        startUs: startUs, durationUs: us, host: Int32(host), unit: 0, isIdempotent: isIdempotent))
            }
        }
        facts = RouteFacts(
            objective: facts.objective, hostCount: 3, failed: failed, slow: slow, slowFromUs: facts.slowFromUs,
            fixedCostUs: [fixedUs], fixedSuccesses: [Double(answered.count)], requests: [600],
            recorded: UnitTotals(units: 1), arrivals: arrivals, answerProbability: answers, upProbability: answers,
            latency: facts.latency, secondLatency: facts.secondLatency, failureUs: facts.failureUs)
        facts.answered = answered
        return facts
    }

    private func rule(
        _ unit: Int64 = 1, hedge: (ms: Int64, max: Int)? = nil, waits: [Int64]? = nil, host: HostChoice = .other,
        perTryMs: Int64? = nil, ejectionMs: Int64? = nil, budget: BudgetPolicy? = nil
    ) -> Rule {
        Rule(
            timeoutUs: 1_500_000 * unit, perTryTimeoutUs: perTryMs.map { $0 * 1000 * unit },
            retry: waits.map {
                RetryPolicy(
                    maxRetries: $0.count, on: [.outcome(.errorStatus), .outcome(.timeout)], host: host,
                    backoff: .waits($0.map { $0 * 1000 * unit }, jitter: 0))
            },
            budget: budget, hedge: hedge.map { HedgePolicy(delayUs: $0.ms * 1000 * unit, max: $0.max) },
            ejectionUs: ejectionMs.map { $0 * 1000 * unit })
    }

    private func rules(_ unit: Int64 = 1) -> [Rule] {
        [
            rule(unit, hedge: (20, 1)), rule(unit, hedge: (25, 2)),
            rule(unit, hedge: (17, 2), waits: [20, 100], perTryMs: 60),
            rule(unit, hedge: (40, 1), waits: [0], host: .any, perTryMs: 200),
            rule(unit, ejectionMs: 500), rule(unit, waits: [10, 200], ejectionMs: 2000),
            rule(unit, hedge: (20, 2), waits: [10], perTryMs: 100, ejectionMs: 1000),
            rule(unit, hedge: (20, 1), waits: [0], host: .any, ejectionMs: 100),
            rule(unit, waits: [0, 0], host: .any, ejectionMs: 500),
            // A first hedge is asked for as a whole, as in each course.
            rule(
                unit, hedge: (20, 1), perTryMs: 200,
                budget: BudgetPolicy(ratio: 0.1, minPerSecond: 0, windowUs: 10_000_000 * unit)),
        ]
    }

    @Test(arguments: SeededGenerator.seeds([5, 6]))
    func aPriceIsTheMeanOfWhatHappens(seed: UInt64) {
        var dice = SplitMix64(seed: seed, "minute")
        let facts = minute(&dice)
        let bare = TimedPlay.played(rule(), on: PlayedRows(facts)).totals
        for (number, rule) in rules().enumerated() {
            let played = TimedPlay.played(rule, on: PlayedRows(facts))
            let price = played.totals
            #expect((played.refusedShare > 0.1) == (rule.budget != nil))
            let courses = (0..<200).map { course in
                var simulation = RequestSimulation(rule, on: facts, seed: seed &* 1000 &+ UInt64(course))
                simulation.finish()
                return simulation
            }
            func check(_ what: String, _ expected: Double, bare: Double, _ found: (RequestSimulation) -> Double) {
                let values = courses.map(found)
                let mean = values.reduce(0, +) / Double(values.count)
                let error = Bootstrap.standardError(values) / Double(values.count).squareRoot()
                // Where hosts rest by chance, they are taken as independent of each other; hedges of one slow request
                // that are all cut off are not.
                let slack = rule.ejectionUs == nil ? 0 : rule.hedge == nil ? 0.005 : 0.04
                #expect(
                    abs(mean - expected) <= 4.5 * error + slack * abs(expected - bare) + 1e-9 * expected,
                    "seed \(seed), rule \(number), \(what): \(expected) where \(mean) ± \(error) happens")
            }
            check("cost", price.costUs[0], bare: bare.costUs[0], \.costUs)
            check("extra", price.extra[0], bare: bare.extra[0], \.extra)
            check("failures", 600 - price.successes[0], bare: 600 - bare.successes[0]) { 600 - $0.successes }
        }
    }

    @Test func aLongerUnitOfTimeScalesCostsAndNothingElse() {
        for (one, other) in zip(rules(1), rules(4)) {
            var dice = SplitMix64(seed: 3, "minute")
            let price = TimedPlay.played(one, on: PlayedRows(minute(&dice))).totals
            dice = SplitMix64(seed: 3, "minute")
            let slower = TimedPlay.played(other, on: PlayedRows(minute(&dice, timeUnit: 4))).totals
            #expect(abs(slower.costUs[0] / price.costUs[0] - 4) < 2e-4)
            #expect(abs(slower.extra[0] - price.extra[0]) < 1e-3 * price.extra[0] + 1e-9)
            #expect(abs(slower.successes[0] - price.successes[0]) < 1e-3)
        }
    }

    @Test func whatEveryRuleLacksCannotCostLessThanItAlone() {
        var dice = SplitMix64(seed: 8, "minute")
        let rows = PlayedRows(minute(&dice))
        // Hedges only ever bring answers sooner or save requests: before what attempts cost.
        let bare = TimedPlay.played(rule(), on: rows).totals
        for delayMs: Int64 in [17, 30, 100, 400] {
            let one = TimedPlay.played(rule(hedge: (delayMs, 1)), on: rows).totals
            let two = TimedPlay.played(rule(hedge: (delayMs, 2)), on: rows).totals
            func latencyUs(_ totals: UnitTotals) -> Double { totals.costUs[0] - 50_000 * totals.extra[0] }
            #expect(latencyUs(one) < latencyUs(bare) && latencyUs(two) < latencyUs(one))
            #expect(two.successes[0] > one.successes[0] && one.successes[0] > bare.successes[0])
            #expect(two.extra[0] > one.extra[0] && two.extra[0] <= 2 * one.extra[0])
        }
    }
}
