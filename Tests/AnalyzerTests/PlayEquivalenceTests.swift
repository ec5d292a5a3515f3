import Retry
import Testing

@testable import Analyzer

/// Many rules played together give what each gives alone, step by step, through the retry state machine.
@Suite struct PlayEquivalenceTests {
    /// A route with some thousand requests in six minutes, of which bursts fail.
    func facts(_ dice: inout SplitMix64, hosts: Int) -> RouteFacts {
        let units = 24
        var firsts: [RouteFacts.First] = []
        var arrivals: [RouteFacts.Arrival] = []
        var atUs: Int64 = 1_700_000_000_000_000
        let beginUs = atUs
        let outcomes: [Outcome] = [
            .errorStatus, .errorStatus, .timeout, .connectFailure, .reset, .rateLimited, .cancelled,
        ]
        while atUs < beginUs + 360_000_000 {
            let isBurst = (atUs / 20_000_000) % 5 == 0
            atUs += Int64.random(in: 1...(isBurst ? 60_000 : 4_000_000), using: &dice)
            arrivals.append(RouteFacts.Arrival(startUs: atUs, count: Int64.random(in: 1...3, using: &dice)))
            guard isBurst || Int.random(in: 0..<8, using: &dice) == 0 else { continue }
            let outcome: Outcome =
                Int.random(in: 0..<4, using: &dice) == 0 ? .success : outcomes.randomElement(using: &dice)!
            firsts.append(
                RouteFacts.First(
                    startUs: atUs, durationUs: Int64.random(in: 100...900_000, using: &dice),
                    host: Int.random(in: 0..<hosts, using: &dice), outcome: outcome,
                    status: outcome == .errorStatus ? 503 : 0, isGRPC: false,
                    retryAfterUs: Int.random(in: 0..<6, using: &dice) == 0 ? 150_000 : 0,
                    isIdempotent: Int.random(in: 0..<6, using: &dice) != 0,
                    unit: Int((atUs - beginUs) * Int64(units) / 380_000_000),
                    hasStarted: outcome == .reset && Bool.random(using: &dice),
                    ownShare: [0, 0, 0.3, 1][Int.random(in: 0..<4, using: &dice)],
                    isSeenAgain: Int.random(in: 0..<3, using: &dice) == 0,
                    weight: Double(Int.random(in: 1...3, using: &dice))))
        }
        let phase = Double.random(in: 0...1, using: &dice)
        return RouteFacts(
            objective: Objective(
                deadlineUs: 2_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 0.2),
            hostCount: hosts, failed: firsts.filter { $0.outcome != .success },
            slow: firsts.filter { $0.outcome == .success }, slowFromUs: 100,
            fixedCostUs: (0..<units).map { Double($0) * 1e5 }, fixedSuccesses: (0..<units).map { Double($0) },
            requests: Array(repeating: 100, count: units), recorded: UnitTotals(units: units), arrivals: arrivals,
            answerProbability: { host, atUs in
                let position = Double(atUs % 60_000_000) / 60_000_000 + phase + Double(host) * 0.3
                return position - position.rounded(.down) < 0.4 ? 0.02 : 0.99
            },
            upProbability: { host, atUs in (atUs / 30_000_000 + Int64(host)) % 3 == 0 ? 0.1 : 0.98 },
            latency: (0..<hosts).map { host in
                LatencyTable { us in min(0.999, Double(us) / (200_000 + 50_000 * Double(host))) }
            }, secondLatency: LatencyTable { us in min(0.9, Double(us) / 400_000) }, failureUs: 3000)
    }

    func rules(_ dice: inout SplitMix64) -> [Rule] {
        let policies: [BudgetPolicy?] = [
            nil, BudgetPolicy(ratio: 0.2, minPerSecond: 0.2, windowUs: 10_000_000),
            BudgetPolicy(ratio: 0.1, minPerSecond: 1, windowUs: 60_000_000),
            BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000),
        ]
        return (0..<60).map { number in
            let retries = number % 5
            let waits = (0..<retries).map { _ in Int64.random(in: 0...40, using: &dice) * 20_000 }
            let jitter = [0, 0.1][number % 2]
            let backoff: Backoff =
                number % 7 == 3
                ? .exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: number % 2 == 0 ? .full : .none)
                : .waits(waits, jitter: jitter)
            let on: [RetryCondition] =
                [.outcome(.errorStatus), .outcome(.connectFailure), .outcome(.reset)]
                + (number % 3 == 0 ? [.outcome(.timeout), .outcome(.rateLimited)] : [.http(503)])
            return Rule(
                timeoutUs: number % 11 == 5 ? nil : 1_500_000, perTryTimeoutUs: [nil, 300_000, 90_000][number % 3],
                retry: retries == 0
                    ? nil
                    : RetryPolicy(
                        maxRetries: retries, on: on, host: number % 4 == 0 ? .any : .other,
                        retryAfter: number % 4 == 2 ? .ignore : .heed, backoff: backoff),
                budget: policies[number % policies.count])
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func rulesTogetherCostWhatEachCostsThroughTheMachine(seed: UInt64) {
        var dice = SplitMix64(seed: seed, "play")
        let facts = facts(&dice, hosts: Int(seed))
        let rules = rules(&dice)
        var player = RulePlayer(facts, foreseeing: [BudgetPolicy(ratio: 0.2, minPerSecond: 0.2, windowUs: 10_000_000)])
        var refusing = 0
        for (number, fast) in player.play(rules).enumerated() {
            var slow = MachinePlay(rules[number], on: facts)
            slow.playWithBudget()
            let worst = (0..<facts.units).reduce(0.0) { worst, unit in
                let scale = slow.totals.costUs[unit] + 1
                return max(
                    worst, abs(fast.totals.costUs[unit] - slow.totals.costUs[unit]) / scale,
                    abs(fast.totals.extra[unit] - slow.totals.extra[unit]) * 1e-2,
                    abs(fast.totals.successes[unit] - slow.totals.successes[unit]) * 1e-2)
            }
            #expect(worst < 1e-9, "rule \(number)")
            #expect(abs(fast.refusedShare - slow.refusedShare) < 1e-9, "rule \(number)")
            if slow.refusedShare > 0 { refusing += 1 }
        }
        // The budgets do bind, and not everywhere.
        #expect(refusing > 5 && refusing < rules.count)
    }

    @Test func `four lengths of outages at once cost what each costs alone`() {
        var dice = SplitMix64(seed: 5, "play")
        var facts = facts(&dice, hosts: 3)
        facts.outageUs = (0..<facts.units).map { $0 % 2 == 0 ? 0 : 1_000_000 }
        let rules = rules(&dice)
        var player = RulePlayer(facts)
        let factors = SIMD4<Double>(0.5, 1, 2, 4)
        let together = player.freeCostsUs(rules, at: PlayedStretches(factors))
        let inOutages = player.freeCostsUs(rules, at: PlayedStretches(factors), onlyOutages: true)
        let own = player.freeCostsUs(rules)
        var different = 0
        for lane in factors.indices {
            let alone = player.freeCostsUs(rules, at: PlayedStretches(SIMD4(repeating: factors[lane])))
            for (place, unit) in rules.indices.flatMap({ place in (0..<facts.units).map { (place, $0) } }) {
                let expected = alone[place][unit][0]
                #expect(agrees(together[place][unit][lane], expected, 1e-12 * (expected + 1)))
                if factors[lane] == 1 || !facts.isOutage(unit) { #expect(expected == own[place][unit][0]) }
                if facts.isOutage(unit) { #expect(inOutages[place][unit] == together[place][unit]) }
                if abs(expected - own[place][unit][0]) > 1e-3 * expected { different += 1 }
            }
        }
        // Lengths do matter.
        #expect(different > 100)
    }

    @Test func whereNothingIsRefusedNothingIsPlayedTwice() {
        var dice = SplitMix64(seed: 9, "play")
        let facts = facts(&dice, hosts: 2)
        let generous = BudgetPolicy(ratio: 1, minPerSecond: 10_000, windowUs: 10_000_000)
        let tree = RuleTree(rules(&dice).filter { RuleTree.Frame($0) == RuleTree.Frame(self.rules(&dice)[1]) })
        let rows = PlayedRows(facts)
        let play = AttemptPlay(tree.rule, on: facts)
        var walk = TreePlay(tree, play, on: rows, BegunRows(rows, play), watching: [generous])
        walk?.run()
        #expect(walk?.totals().allSatisfy { $0.dangersUs.isEmpty } ?? false)
    }
}

extension RouteFacts {
    fileprivate func isOutage(_ unit: Int) -> Bool { outageUs[unit] > 0 }
}
