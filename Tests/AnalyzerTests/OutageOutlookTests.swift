import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct OutageOutlookTests {
    private func facts(_ isDown: (Int, Int64) -> Bool, seconds: Int = 60) throws -> RouteFacts {
        let columns = SampleLog.columns(seconds: seconds, isDown: isDown)
        let setting = RouteSetting(route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns)
        return try #require(RouteEvidence(columns, setting: setting)).facts
    }

    private func rule(waits: [Int64]) -> Rule {
        Rule(
            timeoutUs: 2_000_000,
            retry: RetryPolicy(maxRetries: waits.count, on: [.outcome(.errorStatus)], backoff: .waits(waits, jitter: 0))
        )
    }

    private func foreseen(_ rules: [Rule], _ facts: RouteFacts) throws -> [(recordedUs: Double, outlookUs: Double)] {
        let outlook = try #require(OutageOutlook(facts, seed: 1))
        var player = RulePlayer(facts, at: OutageOutlook.played)
        var played = player.play(rules)
        outlook.foresee(&played)
        return played.map { one in
            (
                one.totals.costUs.reduce(0, +) / facts.requestCount,
                one.foreseenUs.reduce(0, +) / outlook.requests.reduce(0, +)
            )
        }
    }

    @Test func `a log with a few outages foresees none but its own`() throws {
        let facts = try facts(SampleLog.routeOutages, seconds: 6)
        #expect(OutageOutlook(facts, seed: 1) == nil)
        var player = RulePlayer(facts)
        let played = player.play([rule(waits: [50_000])])[0]
        #expect(played.foreseenUs == played.totals.costUs)
    }

    /// Outages last 100, 200 and 300 ms. A retry after 310 ms is the cheapest that always answered in this log.
    @Test func `a rule that is fitted to the log's longest outage is not the cheapest on other days`() throws {
        let facts = try facts(SampleLog.routeOutages)
        let found = try foreseen([rule(waits: [310_000]), rule(waits: [310_000, 600_000])], facts)
        #expect(abs(found[0].recordedUs - found[1].recordedUs) < 0.05 * found[1].recordedUs)
        #expect(found[0].outlookUs > 1.2 * found[1].outlookUs)
    }

    /// The weights against drawing the days one by one.
    @Test func `weights give what drawing days gives`() throws {
        let facts = try facts(SampleLog.routeOutages)
        let rule = rule(waits: [150_000])
        let found = try foreseen([rule], facts)[0].outlookUs
        let outages = try #require(OutageBootstrap.outages(of: facts))
        let lengths = OutageLengths(outages.map { facts.outageUs[$0] })
        let days = OutageBootstrap.days(of: outages, facts)
        var generator = SplitMix64(seed: 99)
        var player = RulePlayer(facts)
        let own = player.play([rule])[0].totals.costUs
        let stretches = OutageOutlook.stretches
        // One length at a time.
        let played = stretches.factors.map { factor in
            player.freeCostsUs([rule], at: PlayedStretches(SIMD4(repeating: factor)))[0].map { $0[0] }
        }
        var (cost, requests) = (0.0, 0.0)
        for _ in 0..<2000 {
            let drawn = OutageBootstrap.drawFactors(lengths, days, &generator).map { min(4, max(0.5, $0)) }
            var factors = Array(repeating: 1.0, count: facts.units)
            for (place, unit) in outages.enumerated() { factors[unit] = drawn[place] }
            for unit in 0..<facts.units {
                let (below, share) = stretches.between(factors[unit])
                let change =
                    played[below][unit] + share * (played[below + 1][unit] - played[below][unit])
                    - played[stretches.usual][unit]
                cost += factors[unit] * max(0, own[unit] + (factors[unit] == 1 ? 0 : change))
                requests += factors[unit] * facts.requests[unit]
            }
        }
        #expect(agrees(found, cost / requests, 0.03 * found), "\(found) \(cost / requests)")
    }

    @Test func `factors lie between stretches by their logarithm`() {
        let stretches = Stretches([0.5, 1, 2, 4])
        for (factor, below, share) in [
            (0.1, 0, 0), (0.5, 0, 0), (1, 1, 0), (2.0.squareRoot(), 1, 0.5), (4, 2, 1), (50, 2, 1),
        ] as [(Double, Int, Double)] {
            let found = stretches.between(factor)
            #expect(found.below == below && agrees(found.share, share, 1e-12), "\(factor): \(found)")
        }
    }
}
