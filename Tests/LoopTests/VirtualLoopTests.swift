import Analyzer
import Retry
import Testing

/// The loop in virtual time: a service fails under Envoy's default, the log is tuned, the same faults come again.
@Suite struct VirtualLoopTests {
    static let objective = Objective()

    static func tuned(_ world: VirtualWorld) throws -> (before: VirtualWorld.Findings, tuning: RouteTuning) {
        let before = world.run(DefaultRules.envoy, objective: objective)
        let configuration = Configuration(objective: objective, routes: [RouteConfiguration(name: "r")])
        let present = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: DefaultRules.envoy)])
        let tuner = Tuner(configuration: configuration, present: present, replicates: 200)
        let tuning = try #require(tuner.tune(AttemptColumns(route: "r", attempts: before.attempts)))
        return (before, tuning)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func briefOutagesOfTheWholeRouteAreWaitedOut(seed: UInt64) throws {
        let world = VirtualWorld(VirtualWorld.Trouble(seed: seed, routeOutageEvery: 4))
        let (before, tuning) = try Self.tuned(world)
        let after = world.run(tuning.chosen.rule, objective: Self.objective)
        #expect(tuning.isChanged)
        #expect(abs(tuning.recordedCostSeconds - before.cost) < 0.02 * before.cost)
        #expect(after.cost <= 0.5 * before.cost)
        #expect(after.attemptsPerRequest <= 1.2 * before.attemptsPerRequest)
        #expect(tuning.chosen.interval.contains(after.cost))
        // The interval allows for other outages; the same ones came, so the price itself must be near.
        #expect(abs(after.cost / tuning.chosen.costSeconds - 1) < 0.15)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func aHostThatFailsAloneIsLeftForAnother(seed: UInt64) throws {
        let world = VirtualWorld(VirtualWorld.Trouble(seed: seed, hosts: 3, hostOutageEvery: 8))
        let (before, tuning) = try Self.tuned(world)
        let after = world.run(tuning.chosen.rule, objective: Self.objective)
        #expect(tuning.isChanged)
        #expect(tuning.chosen.rule.retry?.host == .other)
        #expect(after.cost <= 0.5 * before.cost)
        #expect(tuning.chosen.interval.contains(after.cost))
        // The interval allows for other outages; the same ones came, so the price itself must be near.
        #expect(abs(after.cost / tuning.chosen.costSeconds - 1) < 0.15)
    }

    @Test func whereNothingFailsNothingIsChanged() throws {
        let world = VirtualWorld(VirtualWorld.Trouble(seed: 9, blip: 0))
        let (_, tuning) = try Self.tuned(world)
        #expect(!tuning.isChanged)
        #expect(tuning.chosen.rule == DefaultRules.envoy)
        #expect(tuning.reason.contains("too little evidence"))
    }
}
