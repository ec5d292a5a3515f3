import Glibc
import Retry
import Testing

@testable import meantime

@Suite struct DemoFaultPlanTests {
    static let halfMinuteUs: Int64 = 36_000_000

    @Test("the same seed gives the same faults and another seed gives others")
    func plansFollowTheirSeeds() {
        let plan = FaultPlan(seed: 1, durationUs: Self.halfMinuteUs)
        #expect(plan == FaultPlan(seed: 1, durationUs: Self.halfMinuteUs))
        #expect(plan != FaultPlan(seed: 2, durationUs: Self.halfMinuteUs))
    }

    @Test("what happens to a request does not depend on what was asked before", arguments: [1, 2, 3] as [UInt64])
    func answersArePure(seed: UInt64) throws {
        let plan = FaultPlan(seed: seed, durationUs: Self.halfMinuteUs)
        for route in plan.routes {
            let host = try #require(route.hosts.last)
            let forward = (0..<500).map { host.answer(atUs: Int64($0) * 50_000, request: UInt64($0), visit: 0) }
            let backward = (0..<500).reversed().map {
                host.answer(atUs: Int64($0) * 50_000, request: UInt64($0), visit: 0)
            }
            #expect(forward == backward.reversed())
        }
    }

    @Test("a second visit and another host meet other luck")
    func luckIsPerVisitAndHost() {
        let hosts = FaultPlan(seed: 1, durationUs: 0).routes[0].hosts
        #expect(hosts[0].answer(atUs: 0, request: 7, visit: 0) != hosts[0].answer(atUs: 0, request: 7, visit: 1))
        #expect(hosts[0].answer(atUs: 0, request: 7, visit: 0) != hosts[1].answer(atUs: 0, request: 7, visit: 0))
    }

    @Test(
        "outages are in order, apart, inside the run, and as long as their law allows",
        arguments: 1...20 as ClosedRange<UInt64>)
    func outagesAreWellFormed(seed: UInt64) {
        for route in FaultPlan(seed: seed, durationUs: Self.halfMinuteUs).routes {
            for host in route.hosts {
                for (one, next) in zip(host.outages, host.outages.dropFirst()) { #expect(one.toUs <= next.fromUs) }
                for outage in host.outages {
                    #expect(outage.fromUs >= 1_000_000 && outage.toUs <= Self.halfMinuteUs - 1_500_000)
                    let laws = [route.trouble.shared, route.trouble.own].compactMap(\.self)
                    #expect(
                        laws.contains {
                            $0.kind == outage.kind && outage.durationUs >= Int64($0.law.shortestUs) - 1
                                && outage.durationUs <= Int64($0.law.longestUs)
                        })
                }
            }
        }
    }

    @Test("half a minute holds dozens of outages for every seed", arguments: 1...20 as ClosedRange<UInt64>)
    func outagesAreMany(seed: UInt64) {
        let plan = FaultPlan(seed: seed, durationUs: Self.halfMinuteUs)
        let all = plan.routes.flatMap { route in
            route.shared.map { ("all", $0.fromUs) }
                + route.hosts.flatMap { host in
                    host.outages.filter { !route.shared.contains($0) }.map { ("\(host.host)", $0.fromUs) }
                }
        }
        #expect(all.count >= 36)
    }

    @Test("outages shared by a route hit all its hosts at once")
    func sharedOutagesHitAll() {
        let checkout = FaultPlan(seed: 3, durationUs: Self.halfMinuteUs).routes[0]
        #expect(!checkout.shared.isEmpty)
        for host in checkout.hosts { #expect(host.outages == checkout.shared) }
    }

    @Test("blips have their promised share")
    func blipsArePromised() {
        for trouble in RouteTrouble.all {
            for host in RouteFaults(trouble: trouble, seed: 11, durationUs: 0).hosts {
                let draws = 40_000
                let blips = (0..<draws).count {
                    if case .status(503, _) = host.answer(atUs: 0, request: UInt64($0), visit: 0) {
                        true
                    } else {
                        false
                    }
                }
                #expect(isWithinFiveSigma(blips, of: draws, share: trouble.blipShare))
            }
        }
    }

    @Test("one host stalls for a few percent of the time, whichever request comes, and no other does")
    func stallsArePromised() throws {
        // 1000 s: the share of such a renewal process is within a third of its mean, 107 ms / (2.05 s + 107 ms) = 5 %.
        let trouble = RouteTrouble.search
        let law = try #require(trouble.straggler)
        for host in RouteFaults(trouble: trouble, seed: 11, durationUs: 1_000_000_000).hosts {
            let share = host.stalls.reduce(0.0) { $0 + Double($1.toUs - $1.fromUs) } / 1e9
            #expect(host.host == law.host ? (0.033...0.066).contains(share) : share == 0)
            for stall in host.stalls {
                #expect(Double(stall.addedUs) >= law.leastAddedUs && Double(stall.addedUs) <= law.mostAddedUs)
                guard host.outage(atUs: stall.fromUs) == nil else { continue }
                if case .status(200, let us) = host.answer(atUs: stall.fromUs, request: 1, visit: 0) {
                    #expect(us >= stall.addedUs)
                }
            }
        }
    }

    @Test("a request in an outage fails as its kind says and one at its last microsecond's end does not")
    func outagesAreHalfOpen() throws {
        let plan = FaultPlan(seed: 5, durationUs: Self.halfMinuteUs)
        let host = plan.routes[0].hosts[0]
        let outage = try #require(host.outages.first)
        #expect(host.outage(atUs: outage.fromUs - 1) == nil)
        #expect(host.outage(atUs: outage.fromUs) == outage)
        #expect(host.outage(atUs: outage.toUs - 1) == outage)
        #expect(host.outage(atUs: outage.toUs) == nil)
        guard case .status(503, _) = host.answer(atUs: outage.fromUs, request: 1, visit: 0) else {
            Issue.record("not 503 in an outage")
            return
        }
    }

    @Test("the median of a tail-heavy law is where its formula puts it")
    func paretoMedian() {
        var dice = SplitMix64(seed: 9)
        let draws = (0..<20_001).map { _ in dice.pareto(index: 1.2, low: 60, high: 1400) }.sorted()
        // F(x) = (1 − (60/x)^1.2) / (1 − (60/1400)^1.2) = 1/2 at x = 105.0; five standard errors of a sample median.
        let share = 1 - 0.022_83
        let median = 60 / pow(1 - share / 2, 1 / 1.2)
        #expect(abs(draws[10_000] - median) < 3)
        #expect(draws[0] >= 60 && draws[20_000] <= 1400)
    }

    @Test("both runs send the same requests at the same offsets")
    func arrivalsAreFixed() {
        let plan = FaultPlan(seed: 4, durationUs: 10_000_000)
        let arrivals = Arrivals(plan: plan)
        #expect(arrivals == Arrivals(plan: FaultPlan(seed: 4, durationUs: 10_000_000)))
        #expect(arrivals.requests.map(\.number) == (0..<UInt64(arrivals.requests.count)).map(\.self))
        #expect(arrivals.requests.map(\.offsetUs) == arrivals.requests.map(\.offsetUs).sorted())
        for (index, route) in plan.routes.enumerated() {
            let count = Double(arrivals.requests.count { $0.route == index })
            let mean = route.trouble.rate * 10
            #expect(abs(count - mean) < 5 * mean.squareRoot())
        }
    }

    /// Five standard deviations of a binomial count: a right implementation is outside once in 1.7 million draws.
    private func isWithinFiveSigma(_ count: Int, of draws: Int, share: Double) -> Bool {
        let sigma = (Double(draws) * share * (1 - share)).squareRoot()
        return abs(Double(count) - Double(draws) * share) <= 5 * sigma
    }
}
