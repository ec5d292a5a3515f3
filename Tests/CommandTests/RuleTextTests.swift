import Retry
import Testing

@testable import meantime

/// A rule in one line.
struct RuleTextTests {
    @Test func `every part of a rule is said`() {
        let rule = Rule(
            timeoutUs: 800_000, perTryTimeoutUs: 180_000,
            retry: RetryPolicy(
                maxRetries: 3, on: [.outcome(.reset), .http(503)], host: .other,
                backoff: .waits([0, 40_000, 350_000, 900_000], jitter: 0.1)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000),
            hedge: HedgePolicy(delayUs: 95_000, max: 1), ejectionUs: 3_200_000)
        #expect(
            RuleText.summary(rule)
                == "3 retries after 0ms 40ms 350ms ± 10 %, other host; on reset http_503; each try 180ms; "
                + "in all 800ms; budget 20 %; hedge after 95ms; ejection 3.2s")
    }

    @Test func `the defaults are said as what they do`() {
        #expect(RuleText.summary(Rule()) == "no rule of its own (left as it is)")
        #expect(RuleText.summary(Rule(timeoutUs: 1_000_000)) == "no retries; in all 1s")
        #expect(
            RuleText.summary(DefaultRules.envoy)
                == "1 retry after 0 to 25ms × 2ⁿ up to 250ms, any host, Retry-After ignored; "
                + "on connect_failure reset error_status; in all 15s"
        )
    }

    @Test func `a rule that ignores Retry-After says so wherever it is written`() throws {
        var rule = DefaultRules.envoy
        #expect(ExplainText.waits(rule) == "1 after 0 to 25ms × 2ⁿ up to 250ms, Retry-After ignored")
        #expect(RuleJSON.rule(rule).text().contains("\"retry_after\":\"ignore\""))
        let changes = RuleSet(version: 1, createdUs: 0, routes: ["a": .init(rule: rule)]).changes(
            to: RuleSet(version: 2, createdUs: 0, routes: ["a": .init(rule: Rule(timeoutUs: 15_000_000))]))
        #expect(RuleChangeText.text(changes, style: .none).contains("\n- retry.retry_after: ignore\n"))
        rule.retry?.retryAfter = .heed
        #expect(!RuleText.summary(rule).contains("Retry-After") && !ExplainText.waits(rule).contains("Retry-After"))
        #expect(RuleJSON.rule(rule).text().contains("\"retry_after\":\"heed\""))
    }
}
