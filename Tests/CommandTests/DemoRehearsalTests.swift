import Analyzer
import Retry
import Testing

@testable import meantime

/// What the demo promises, kept in virtual time: no sockets, no waiting, any seed.
@Suite struct DemoRehearsalTests {
    /// One route in both runs, and what was foretold of the second.
    struct Rehearsed: CustomStringConvertible {
        let tuning: RouteTuning
        let before: RunMeasure
        let after: RunMeasure

        var isInside: Bool { tuning.chosen.interval.contains(after.costUs / 1e6) }

        var description: String {
            "\(tuning.route): cost \(before.costUs) -> \(after.costUs) us, predicted \(tuning.chosen.costSeconds) s "
                + "\(tuning.chosen.interval), attempts \(before.attemptsPerRequest) -> \(after.attemptsPerRequest), "
                + "predicted extra \(tuning.chosen.extraAttempts): \(DemoText.words(tuning.chosen.rule))"
        }
    }

    static func rehearse(seed: UInt64) throws -> [Rehearsed] {
        let plan = FaultPlan(seed: seed, durationUs: 36_000_000)
        let objectives = plan.routes.map { _ in Objective() }
        let names = plan.routes.map(\.trouble.name)
        let configuration = Configuration(routes: names.map { RouteConfiguration(name: $0, idempotent: true) })
        let entries = names.map { ($0, RuleSet.Entry(rule: DefaultRules.envoy)) }
        let present = RuleSet(version: 1, createdUs: 0, routes: Dictionary(uniqueKeysWithValues: entries))
        let epochUs: Int64 = 1_790_000_000_000_000
        let before = DemoRehearsal.play(
            plan, rules: names.map { _ in DefaultRules.envoy }, objectives: objectives, epochUs: epochUs, version: 1)
        let tuner = Tuner(configuration: configuration, present: present)
        let tunings = try names.map { name in
            let own = before.attempts.filter { $0.route == name }
            return try #require(tuner.tune(AttemptColumns(route: name, attempts: own)))
        }
        let after = DemoRehearsal.play(
            plan, rules: tunings.map(\.chosen.rule), objectives: objectives, epochUs: epochUs, version: 2)
        return tunings.enumerated().map { index, tuning in
            func measure(_ run: (records: [RequestRecord], attempts: [Attempt])) -> RunMeasure {
                RunMeasure(
                    records: run.records.filter { $0.route == index },
                    attempts: run.attempts.count { $0.route == tuning.route }, objective: objectives[index])
            }
            return Rehearsed(tuning: tuning, before: measure(before), after: measure(after))
        }
    }

    @Test("tuned rules halve the cost of the same faults at hardly more attempts, as foretold", arguments: [1, 2, 3])
    func promiseIsKept(seed: UInt64) throws {
        let routes = try Self.rehearse(seed: seed)
        let before = RunMeasure(sum: routes.map(\.before))
        let after = RunMeasure(sum: routes.map(\.after))
        #expect(after.costUs <= 0.5 * before.costUs, "\(routes)")
        #expect(after.attemptsPerRequest <= 1.2 * before.attemptsPerRequest, "\(routes)")
        for route in routes { #expect(route.isInside, "\(route)") }
    }
}
