import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct OutageBootstrapTests {
    /// Ten outages of 100 requests and ten quiet blocks of 1,000, one failed row in each outage.
    private func facts(outages: Int = 10) -> RouteFacts {
        let units = 2 * outages
        let failed = (0..<outages).map { unit in
            RouteFacts.First(
                startUs: Int64(unit) * 1_000_000, durationUs: 1000, host: 0, outcome: .errorStatus, status: 503,
                isGRPC: false, retryAfterUs: 0, isIdempotent: true, unit: unit, weight: 1)
        }
        var facts = RouteFacts(
            objective: Objective(), hostCount: 1, failed: failed, slow: [], slowFromUs: 1000,
            fixedCostUs: Array(repeating: 0, count: units), fixedSuccesses: Array(repeating: 0, count: units),
            requests: (0..<units).map { $0 < outages ? 100 : 1000 }, recorded: UnitTotals(units: units),
            arrivals: [], answerProbability: { _, _ in 1 }, latency: [LatencyTable { $0 >= 1000 ? 1 : 0 }],
            failureUs: 1000)
        facts.outageUs = (0..<units).map { $0 < outages ? 100_000 * Double($0 + 1) : 0 }
        return facts
    }

    private func bootstrap(_ facts: RouteFacts) -> OutageBootstrap? {
        OutageBootstrap(
            facts, weights: Bootstrap(units: facts.units, replicates: 2000, seed: 3).weights, seed: 3)
    }

    private func interval95(
        _ facts: RouteFacts, _ costsUs: [Double], stretched: [[Double]]
    ) throws -> ClosedRange<Double> {
        try #require(bootstrap(facts)).intervals95([costsUs], stretched: stretched.map { [$0] })[0]
    }

    @Test func `a day's outages share its factor and another day's have their own`() throws {
        var facts = facts(outages: 12)
        facts.outageUs = facts.outageUs.map { $0 > 0 ? 100_000 : 0 }
        let outages = try #require(OutageBootstrap.outages(of: facts))
        let one = OutageBootstrap.days(of: outages, facts)
        #expect(one.count == 1 && one.spread == OutageDays.assumedSpread)
        // The same outages two hours apart.
        let apart = facts.withStarts { Int64($0) * 7_200_000_000 + 5 }
        let two = OutageBootstrap.days(of: outages, apart)
        #expect(two.days == outages.map { _ in 0 })
        let apartByDay = facts.withStarts { Int64($0 / 4) * OutageDays.dayUs + Int64($0) }
        let three = OutageBootstrap.days(of: outages, apartByDay)
        #expect(three.days == outages.map { $0 / 4 } && three.count == 3)
        let costs = (0..<facts.units).map { $0 < 12 ? 100_000.0 : 1000 }
        let stretched = OutageBootstrap.stretches.factors.map { factor in costs.map { $0 * factor } }
        // Every outage once in every replicate: only their factors differ.
        let all = Matrix(rows: 4000, columns: facts.units) { $0.update(repeating: 1) }
        func width(_ facts: RouteFacts) throws -> Double {
            let bootstrap = try #require(OutageBootstrap(facts, weights: all, seed: 3))
            let found = bootstrap.intervals95([costs], stretched: stretched.map { [$0] })[0]
            return log(found.upperBound / found.lowerBound)
        }
        // Factors of three days even out by √3, and outages of one length are no reason for as wide a spread.
        let expected = three.spread / one.spread / 3.0.squareRoot()
        #expect(abs(try width(apartByDay) / width(facts) - expected) < 0.2 * expected)
    }

    @Test func `too few outages have no law`() {
        #expect(bootstrap(facts(outages: OutageBootstrap.leastOutages - 1)) == nil)
        #expect(bootstrap(facts(outages: OutageBootstrap.leastOutages)) != nil)
    }

    /// Where every request costs the same, so does every day, whatever its outages.
    @Test func `a constant cost has no interval`() throws {
        let facts = facts()
        let costs = facts.requests.map { $0 * 7000 }
        let found = try interval95(
            facts, costs, stretched: OutageBootstrap.stretches.factors.map { _ in costs })
        #expect(agrees(found.lowerBound, 7000, 1e-6) && agrees(found.upperBound, 7000, 1e-6))
    }

    /// What fails in longer outages only is promised to cost more than the log shows, and never less than nothing.
    @Test func `costs of longer outages widen the interval upwards`() throws {
        let facts = facts()
        let free = Array(repeating: 0.0, count: facts.units)
        let costs = (0..<facts.units).map { $0 < 10 ? 100_000.0 : 0 }
        let level = try interval95(
            facts, costs, stretched: OutageBootstrap.stretches.factors.map { _ in free })
        let steep = try interval95(
            facts, costs,
            stretched: OutageBootstrap.stretches.factors.map { stretch in
                free.map { _ in 400_000 * max(0, stretch - 1) }
            })
        #expect(steep.upperBound > 1.5 * level.upperBound)
        #expect(agrees(steep.lowerBound, level.lowerBound, 0.3 * level.lowerBound))
        let falling = try interval95(
            facts, costs,
            stretched: OutageBootstrap.stretches.factors.map { stretch in free.map { _ in -1e9 * stretch } })
        #expect(falling.lowerBound >= 0)
        let meanUs = costs.reduce(0, +) / facts.requestCount
        for one in [level, steep, falling] { #expect(one.contains(meanUs)) }
    }
}

extension RouteFacts {
    /// The same with the failed request of each unit at another time, in order.
    fileprivate func withStarts(_ startUs: (Int) -> Int64) -> RouteFacts {
        var facts = RouteFacts(
            objective: objective, hostCount: hostCount,
            failed: failed.map { first in
                var first = first
                first.startUs = startUs(first.unit)
                return first
            }, slow: slow, slowFromUs: slowFromUs, fixedCostUs: fixedCostUs, fixedSuccesses: fixedSuccesses,
            requests: requests, recorded: recorded, arrivals: [Arrival(startUs: 0, count: 1)],
            answerProbability: answerProbability, latency: latency, failureUs: failureUs)
        facts.outageUs = outageUs
        return facts
    }
}
