import Retry
import Testing

@Suite struct DefaultRulesTests {
    @Test func `Envoy's defaults are one retry after at most 25 ms within 15 s`() {
        #expect(DefaultRules.none == Rule(timeoutUs: 15_000_000))
        let rule = DefaultRules.envoy
        #expect(rule.timeoutUs == 15_000_000 && rule.perTryTimeoutUs == nil)
        #expect(rule.retry?.maxRetries == 1)
        #expect(rule.retry?.backoff.longestWaitUs(retry: 1) == 25_000)
        #expect(rule.retry?.host == .any && rule.retry?.retryAfter == .ignore)
        #expect(rule.budget == nil && rule.hedge == nil && rule.ejectionUs == nil)
    }

    @Test func `a default rule can be written to a file and read back`() throws {
        let set = RuleSet(
            version: 1, createdUs: 0,
            routes: ["none": .init(rule: DefaultRules.none), "envoy": .init(rule: DefaultRules.envoy)])
        #expect(try RuleSet(yaml: set.yaml(), file: "rules.yaml") == set)
    }
}
