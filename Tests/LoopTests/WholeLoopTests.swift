import Analyzer
import Collector
import Retry
import TestSupport
import Testing

/// Every room once, in one process and in virtual time: requests under the retry machine → store → tuner → rule file →
/// the same requests again.
@Suite struct WholeLoopTests {
    private let objective = Objective()

    @Test func aLogThatWentThroughTheStoreGivesRulesThatHalveTheCost() throws {
        try withTemporaryDirectory { directory in
            try closeTheLoop(with: AttemptStore.open(path: directory + "/loop.db", mode: .readWrite))
        }
    }

    private func closeTheLoop(with store: AttemptStore) throws {
        let world = VirtualWorld(VirtualWorld.Trouble(seed: 21, seconds: 120, routeOutageEvery: 3))
        let before = world.run(DefaultRules.envoy, objective: objective)

        // As proxies do: small batches, part of them sealed, part still in the tail.
        for (place, start) in stride(from: 0, to: before.attempts.count, by: 500).enumerated() {
            try store.append(Array(before.attempts[start..<min(start + 500, before.attempts.count)]))
            if place == 10 { _ = try store.seal(minimumRows: 1) }
        }
        let kept = try store.attempts(route: "r", fromUs: nil, toUs: nil)
        let direct = AttemptColumns(route: "r", attempts: before.attempts)
        #expect(kept.count == direct.count)
        #expect(Set((0..<kept.count).map { kept[$0] }) == Set(before.attempts))

        let configuration = Configuration(objective: objective, routes: [RouteConfiguration(name: "r")])
        let present = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: DefaultRules.envoy)])
        let tuner = Tuner(configuration: configuration, present: present, replicates: 200)
        let result = try tuner.run(store, nowUs: 1_700_000_500_000_000)
        let tuning = try #require(result.routes.first)
        #expect(tuning.isChanged)

        // Through the file, as the proxy reads it.
        let read = try RuleSet(yaml: result.ruleSet.yaml(), file: "rules.yaml")
        #expect(read == result.ruleSet)
        let rule = try #require(read.rule(for: "r"))
        let after = world.run(rule, objective: objective, version: read.version)
        #expect(after.cost <= 0.5 * before.cost)
        #expect(after.attemptsPerRequest <= 1.2 * before.attemptsPerRequest)
        #expect(tuning.chosen.interval.contains(after.cost))
        // The interval allows for other outages; the same ones came, so the price itself must be near.
        #expect(abs(after.cost / tuning.chosen.costSeconds - 1) < 0.15)
    }

    @Test func loadStaysWithinTheBudgetEvenWhenEverythingFails() throws {
        // Down from the first to the last request: every request asks for retries.
        var trouble = VirtualWorld.Trouble(seed: 4, seconds: 60)
        trouble.blip = 1
        let world = VirtualWorld(trouble)
        let policy = BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000)
        let retry = RetryPolicy(
            maxRetries: 4, on: [.outcome(.errorStatus)], backoff: .waits([0, 50_000], jitter: 0.1))
        let found = world.run(Rule(timeoutUs: 2_000_000, retry: retry, budget: policy), objective: objective)
        #expect(found.failures == found.requests)
        #expect(found.attemptsPerRequest <= 1.2)
        // In any window: exactly the promise of the budget.
        let retries = found.attempts.filter { $0.attempt > 1 }.map { $0.startUs - $0.waitUs }.sorted()
        let firsts = found.attempts.filter { $0.attempt == 1 }.map(\.startUs).sorted()
        for (place, endUs) in retries.enumerated() where place % 7 == 0 {
            let inWindow = retries.count { $0 > endUs - 10_000_000 && $0 <= endUs }
            let requests = firsts.count { $0 > endUs - 10_000_000 && $0 <= endUs }
            #expect(Double(inWindow) <= max(0.2 * Double(requests), 30))
        }
        #expect(retries.count > 500)
    }

    @Test func aRuleThatDoesHarmIsNotKept() throws {
        // Present: three retries at once into outages of the whole route. The tuner must find less load and less cost.
        let world = VirtualWorld(VirtualWorld.Trouble(seed: 8, seconds: 120, routeOutageEvery: 5))
        let retry = RetryPolicy(maxRetries: 3, on: [.outcome(.errorStatus)], backoff: .waits([0], jitter: 0))
        let storm = Rule(timeoutUs: 2_000_000, retry: retry)
        let before = world.run(storm, objective: objective)
        let configuration = Configuration(objective: objective, routes: [RouteConfiguration(name: "r")])
        let present = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: storm)])
        let tuner = Tuner(configuration: configuration, present: present, replicates: 200)
        let tuning = try #require(tuner.tune(AttemptColumns(route: "r", attempts: before.attempts)))
        #expect(tuning.isChanged)
        let after = world.run(tuning.chosen.rule, objective: objective)
        #expect(after.cost < before.cost)
        #expect(after.attempts.count < before.attempts.count)
        #expect(tuning.chosen.interval.contains(after.cost))
        // The interval allows for other outages; the same ones came, so the price itself must be near.
        #expect(abs(after.cost / tuning.chosen.costSeconds - 1) < 0.15)
    }
}
