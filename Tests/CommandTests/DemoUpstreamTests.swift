import Testing

@testable import meantime

/// The hosts of the demo, on loopback, driven by its own load generator.
@Suite(.serialized) struct DemoUpstreamTests {
    /// One route of one host whose service time is short and whose luck is perfect.
    static func trouble(kind: Outage.Kind) -> RouteTrouble {
        RouteTrouble(
            name: "probe", story: "", method: kind == .resets ? "POST" : "GET", hosts: 1, rate: 200,
            latencyMedianUs: 500, latencySigma: 0.1, blipShare: 0,
            shared: OutageLaw(kind: kind, meanUpUs: 1, tailIndex: 1, shortestUs: 300_000, longestUs: 300_001), own: nil,
            straggler: nil)
    }

    @Test(
        "a host fails inside its outages, each in its way, and nowhere else",
        arguments: [Outage.Kind.unavailable, .resets, .gone])
    func hostsFollowTheirPlan(kind: Outage.Kind) async throws {
        let plan = FaultPlan(seed: 1, durationUs: 2_900_000, troubles: [Self.trouble(kind: kind)])
        let outage = try #require(plan.routes[0].shared.first)
        #expect(plan.routes[0].shared.count == 1)
        let host = try await UpstreamServer.start(faults: plan.routes[0].hosts[0])
        let epochUs = WallClock.nowUs + 50_000
        try await host.begin(epochUs: epochUs)
        let records = try await LoadGenerator.run(
            Arrivals(plan: plan), plan: plan, port: host.port, deadlinesUs: [20_000_000], epochUs: epochUs)
        try await host.stop()

        // A busy machine carries requests over an edge of the outage, and its timers come late: what was under way
        // within 100 ms of an edge tells nothing.
        let inside = records.filter {
            $0.offsetUs > outage.fromUs + 100_000 && $0.offsetUs + $0.latencyUs < outage.toUs - 100_000
        }
        let outside = records.filter {
            $0.offsetUs + $0.latencyUs < outage.fromUs - 100_000 || $0.offsetUs > outage.toUs + 100_000
        }
        #expect(inside.count > 5 && outside.count > 200)
        #expect(inside.allSatisfy { $0.status == (kind == .unavailable ? 503 : 0) })
        #expect(outside.allSatisfy { $0.status == 200 })
    }

    @Test("a client that waits longer than its deadline gives up, and that is a failure at the deadline")
    func clientsGiveUp() async throws {
        let slow = RouteTrouble(
            name: "slow", story: "", method: "GET", hosts: 1, rate: 50, latencyMedianUs: 400_000, latencySigma: 0.01,
            blipShare: 0, shared: nil, own: nil, straggler: nil)
        let plan = FaultPlan(seed: 1, durationUs: 200_000, troubles: [slow])
        let host = try await UpstreamServer.start(faults: plan.routes[0].hosts[0])
        let epochUs = WallClock.nowUs
        try await host.begin(epochUs: epochUs)
        let records = try await LoadGenerator.run(
            Arrivals(plan: plan), plan: plan, port: host.port, deadlinesUs: [100_000], epochUs: epochUs)
        try await host.stop()
        #expect(!records.isEmpty)
        #expect(records.allSatisfy { $0.status == 0 && $0.isFailed && $0.latencyUs == 100_000 })
    }

    @Test("a client finds nobody: its requests fail and the run still ends")
    func nobodyListens() async throws {
        let plan = FaultPlan(seed: 1, durationUs: 100_000)
        let reserved = try ReservedPort()
        let records = try await LoadGenerator.run(
            Arrivals(plan: plan), plan: plan, port: reserved.port, deadlinesUs: [500_000, 500_000, 500_000],
            epochUs: WallClock.nowUs)
        #expect(records.count == Arrivals(plan: plan).requests.count)
        #expect(records.allSatisfy { $0.status == 0 })
    }
}
