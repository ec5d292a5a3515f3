import Retry
import TestSupport
import Testing

@Suite struct RuleSetDiffTests {
    private static let base = Rule(
        timeoutUs: 800_000, perTryTimeoutUs: 180_000,
        retry: RetryPolicy(
            maxRetries: 3, on: [.outcome(.reset)], host: .other, backoff: .waits([0, 40_000], jitter: 0.1)),
        budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000),
        hedge: HedgePolicy(delayUs: 95_000, max: 1), ejectionUs: 3_200_000)

    private static func changes(_ before: Rule?, _ after: Rule?) -> [[String?]] {
        func set(_ rule: Rule?) -> RuleSet {
            RuleSet(version: 1, createdUs: 0, routes: rule.map { ["a": .init(rule: $0)] } ?? [:])
        }
        return set(before).changes(to: set(after)).map { [$0.route, $0.key, $0.before, $0.after] }
    }

    @Test func `each key of a rule has its own change`() {
        func changed(_ edit: (inout Rule) -> Void) -> [[String?]] {
            var rule = Self.base
            edit(&rule)
            return Self.changes(Self.base, rule)
        }
        #expect(changed { _ in } == [])
        #expect(changed { $0.timeoutUs = 900_000 } == [["a", "timeout", "800ms", "900ms"]])
        #expect(changed { $0.timeoutUs = nil } == [["a", "timeout", "800ms", nil]])
        #expect(changed { $0.perTryTimeoutUs = 1 } == [["a", "per_try_timeout", "180ms", "1us"]])
        #expect(changed { $0.retry?.maxRetries = 1 } == [["a", "retry.max_retries", "3", "1"]])
        #expect(changed { $0.retry?.on = [.http(503)] } == [["a", "retry.on", "[reset]", "[http_503]"]])
        #expect(changed { $0.retry?.host = .any } == [["a", "retry.host", "other", "any"]])
        #expect(changed { $0.retry?.retryAfter = .ignore } == [["a", "retry.retry_after", nil, "ignore"]])
        #expect(
            changed { $0.retry?.backoff = .waits([5000], jitter: 0) }
                == [["a", "retry.backoff", "{waits: [0ms, 40ms], jitter: 0.1}", "{waits: [5ms], jitter: 0}"]])
        #expect(
            changed { $0.budget?.ratio = 0.1 }
                == [
                    [
                        "a", "budget", "{ratio: 0.2, min_per_second: 3, window: 10s}",
                        "{ratio: 0.1, min_per_second: 3, window: 10s}",
                    ]
                ])
        #expect(changed { $0.hedge = nil } == [["a", "hedge", "{delay: 95ms, max: 1}", nil]])
        #expect(changed { $0.ejectionUs = 1_000_000 } == [["a", "ejection", "3.2s", "1s"]])
        #expect(
            changed { $0.retry = nil }.map { $0[1] } == [
                "retry.max_retries", "retry.on", "retry.host", "retry.backoff",
            ])
    }

    @Test func `a route that came or went says so, also when its rule is empty`() {
        #expect(Self.changes(nil, Rule()) == [["a", "rule", nil, "present"]])
        #expect(Self.changes(Rule(), nil) == [["a", "rule", "present", nil]])
        #expect(
            Self.changes(nil, Rule(timeoutUs: 5))
                == [["a", "rule", nil, "present"], ["a", "timeout", nil, "5us"]])
    }

    @Test func `evidence, version and time are no change of a rule`() {
        let before = RuleSet(version: 1, createdUs: 0, routes: ["a": .init(rule: Self.base)])
        let evidence = Evidence(attempts: 1, failures: 1, outages: 1, reason: "x")
        let after = RuleSet(version: 2, createdUs: 9, routes: ["a": .init(rule: Self.base, evidence: evidence)])
        #expect(before.changes(to: after) == [])
    }

    @Test func `routes are compared by name, in the order of their names`() {
        let before = RuleSet(version: 1, createdUs: 0, routes: ["b": .init(rule: Rule()), "c": .init(rule: Rule())])
        let after = RuleSet(
            version: 2, createdUs: 0, routes: ["a": .init(rule: Rule()), "c": .init(rule: Rule(timeoutUs: 1))])
        #expect(before.changes(to: after).map { "\($0.route) \($0.key)" } == ["a rule", "b rule", "c timeout"])
    }

    @Test(arguments: SeededGenerator.seeds([51]))
    func `there are changes exactly when the rules differ, and they turn around`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let (one, other) = (RandomRules.rule(using: &generator), RandomRules.rule(using: &generator))
            let there = Self.changes(one, other)
            #expect(there.isEmpty == (one == other), "\(generator)")
            #expect(there.map { [$0[0], $0[1], $0[3], $0[2]] } == Self.changes(other, one), "\(generator)")
        }
    }
}
