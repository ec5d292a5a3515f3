import Retry
import Testing

@testable import Analyzer

@Suite struct PresentRuleTests {
    private func attempt(
        _ request: UInt64, _ number: Int, _ outcome: Outcome, waitUs: Int64 = 0, timeoutUs: Int64 = 0
    ) -> Attempt {
        Attempt(
            startUs: Int64(request) * 1_000_000 + Int64(number) * 1000, durationUs: 500, route: "r", host: "h",
            request: request, attempt: number, waitUs: waitUs, outcome: outcome, timeoutUs: timeoutUs)
    }

    @Test func retriesWaitsAndCausesAreReadOffTheLog() {
        let log = [
            attempt(1, 1, .errorStatus, timeoutUs: 2_000_000), attempt(1, 2, .errorStatus, waitUs: 10_000),
            attempt(1, 3, .success, waitUs: 40_000), attempt(2, 1, .reset), attempt(2, 2, .success, waitUs: 30_000),
            attempt(3, 1, .reset), attempt(3, 2, .success, waitUs: 20_000), attempt(4, 1, .rateLimited),
        ]
        let present = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log))
        #expect(present.rule.timeoutUs == 2_000_000)
        #expect(present.rule.retry?.maxRetries == 2)
        #expect(present.rule.retry?.on == [.outcome(.errorStatus), .outcome(.reset)])
        #expect(present.rule.retry?.backoff == .waits([20_000, 40_000], jitter: 0))
        #expect(present.assumption.contains("2 retries"))
    }

    @Test func aLogWithoutRetriesHasNone() {
        let present = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: [attempt(1, 1, .errorStatus)]))
        #expect(present.rule == Rule())
        #expect(present.assumption.contains("none"))
    }

    @Test func aGivenRuleNeedsNoAssumption() {
        let present = PresentRule(given: DefaultRules.envoy)
        #expect(present.rule == DefaultRules.envoy)
        #expect(present.assumption.isEmpty)
    }
}
