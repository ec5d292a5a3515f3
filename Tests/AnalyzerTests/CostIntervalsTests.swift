import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct CostIntervalsTests {
    private func evidence(_ columns: AttemptColumns) throws -> RouteFacts {
        let setting = RouteSetting(
            route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns)
        return try #require(RouteEvidence(columns, setting: setting)).facts
    }

    private func intervals(_ facts: RouteFacts, _ rules: [Rule]) -> [(ClosedRange<Double>, Double)] {
        var player = RulePlayer(facts)
        let played = player.play(rules)
        let weights = Bootstrap(units: facts.units, replicates: 400, seed: 1).weights
        let found = CostIntervals(facts, PlayedRows(facts), weights: weights, seed: 1).intervals95(played)
        return zip(found, played).map { ($0, $1.totals.costUs.reduce(0, +) / facts.requestCount) }
    }

    private func rule(waits: [Int64]) -> Rule {
        Rule(
            timeoutUs: 2_000_000,
            retry: RetryPolicy(maxRetries: waits.count, on: [.outcome(.errorStatus)], backoff: .waits(waits, jitter: 0))
        )
    }

    @Test func `every interval holds the price, whoever else is priced beside it`() throws {
        let facts = try evidence(SampleLog.columns(isDown: SampleLog.routeOutages))
        let rules = [Rule(timeoutUs: 2_000_000), rule(waits: [50_000]), rule(waits: [100_000, 250_000])]
        let together = intervals(facts, rules)
        for (place, one) in together.enumerated() {
            #expect(one.0.contains(one.1))
            #expect(one.0.upperBound > one.0.lowerBound)
            let alone = intervals(facts, [rules[place]])[0]
            #expect(alone.0 == one.0)
        }
    }

    /// Outages last 100, 200 and 300 ms: a retry 350 ms later always answers in this log, and not in outages twice as
    /// long; after 800 ms it does in those too.
    @Test
    func `a rule that just outlasts the log's outages is promised less surely than one that outlasts longer ones`()
        throws
    {
        let facts = try evidence(SampleLog.columns(isDown: SampleLog.routeOutages))
        let found = intervals(facts, [rule(waits: [350_000]), rule(waits: [800_000])])
        #expect(found[0].1 < found[1].1)
        #expect(found[0].0.upperBound / found[0].1 > 2 * (found[1].0.upperBound / found[1].1))
    }

    @Test func `what is not known of second attempts widens an interval`() throws {
        let facts = try evidence(SampleLog.columns(isDown: SampleLog.routeOutages))
        let sure = LatencyTable { $0 >= 5000 ? 0.9 : 0 }
        var failed = facts.failed
        for place in failed.indices {
            (failed[place].outcome, failed[place].durationUs, failed[place].isSeenAgain) = (.timeout, 20_000, true)
        }
        let marked = RouteFacts(
            objective: facts.objective, hostCount: facts.hostCount, failed: failed, slow: facts.slow,
            slowFromUs: facts.slowFromUs, fixedCostUs: facts.fixedCostUs, fixedSuccesses: facts.fixedSuccesses,
            requests: facts.requests, recorded: facts.recorded, arrivals: facts.arrivals,
            answerProbability: facts.answerProbability, availability: facts.availability,
            upProbability: facts.upProbability, latency: facts.latency, secondLatency: sure,
            secondLatencyEnds: [sure, sure], outageUs: facts.outageUs, failureUs: facts.failureUs)
        var limited = rule(waits: [350_000])
        limited.perTryTimeoutUs = 20_000
        limited.retry?.on = [.outcome(.timeout)]
        let known = intervals(marked, [limited])[0].0
        var vague = marked
        vague.secondLatencyEnds = [LatencyTable { $0 >= 5000 ? 1 : 0 }, LatencyTable { $0 >= 5000 ? 0.5 : 0 }]
        let unknown = intervals(vague, [limited])[0].0
        #expect(unknown.upperBound > 1.1 * known.upperBound)
        #expect(unknown.lowerBound < 0.95 * known.lowerBound)
    }
}
