import Retry
import Testing

@testable import Analyzer

@Suite struct PresentRuleTests {
    private func attempt(
        _ request: UInt64, _ number: Int, _ outcome: Outcome, waitUs: Int64 = 0, timeoutUs: Int64 = 0,
        retryAfterUs: Int64 = 0, version: Int = 0
    ) -> Attempt {
        Attempt(
            startUs: Int64(request) * 1_000_000 + Int64(number) * 1000, durationUs: 500, route: "r", host: "h",
            request: request, attempt: number, waitUs: waitUs, outcome: outcome, timeoutUs: timeoutUs,
            retryAfterUs: retryAfterUs, ruleVersion: version)
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

    /// Requests that are asked to wait for a second, by how long each waits before its retry.
    private func inferred(waitsUs: [Int64], askedUs: Int64 = 1_000_000) -> PresentRule {
        let log = waitsUs.enumerated().flatMap { number, waitUs in
            [
                attempt(UInt64(number) + 1, 1, .rateLimited, retryAfterUs: askedUs),
                attempt(UInt64(number) + 1, 2, .success, waitUs: waitUs),
            ]
        }
        return PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log))
    }

    @Test func `Retry-After is ignored where more than half of the retries came sooner than it asked`() {
        let sooner = inferred(waitsUs: [20_000, 30_000, 1_000_000])
        #expect(sooner.rule.retry?.retryAfter == .ignore)
        #expect(sooner.assumption.contains("Retry-After ignored"))
        for waitsUs in [[1_000_000, 1_200_000], [20_000, 1_000_000], [20_000, 1_000_000, 1_400_000]] as [[Int64]] {
            let heeding = inferred(waitsUs: waitsUs)
            #expect(heeding.rule.retry?.retryAfter == .heed, "\(waitsUs)")
            #expect(!heeding.assumption.contains("Retry-After"))
        }
        // Rounded to milliseconds, a wait of a second may show as a little less.
        #expect(inferred(waitsUs: [999_000, 998_500]).rule.retry?.retryAfter == .heed)
        // Where nobody is asked to wait nothing tells.
        #expect(inferred(waitsUs: [20_000, 30_000], askedUs: 0).rule.retry?.retryAfter == .heed)
        #expect(inferred(waitsUs: [20_000], askedUs: .max).rule.retry?.retryAfter == .ignore)
    }

    @Test func `where the log does not say how long a retry waited, the times of the attempts do`() {
        func inferred(startsUs: [Int64], durationUs: Int64 = 30_000) -> RetryAfterPolicy? {
            let log = startsUs.enumerated().flatMap { number, startUs in
                (1...2).map { attempt in
                    Attempt(
                        startUs: Int64(number) * 10_000_000 + (attempt > 1 ? startUs : 0), durationUs: durationUs,
                        route: "r", host: "h", request: UInt64(number) + 1, attempt: attempt,
                        outcome: attempt > 1 ? .success : .rateLimited, retryAfterUs: attempt > 1 ? 0 : 1_000_000)
                }
            }
            return PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log)).rule.retry?.retryAfter
        }
        #expect(inferred(startsUs: [1_030_000, 1_400_000]) == .heed)
        #expect(inferred(startsUs: [1_029_000, 2_000_000, 50_000]) == .heed)
        #expect(inferred(startsUs: [60_000, 30_000]) == .ignore)
        // The wait begins where the answer ends.
        #expect(inferred(startsUs: [1_030_000, 1_600_000], durationUs: 500_000) == .heed)
        #expect(inferred(startsUs: [1_030_000, 1_600_000], durationUs: 700_000) == .ignore)
    }

    @Test func `a retry is held against what the attempt before it was told`() {
        let log = [
            attempt(1, 1, .rateLimited), attempt(1, 2, .rateLimited, waitUs: 20_000, retryAfterUs: 1_000_000),
            attempt(1, 3, .success, waitUs: 1_000_000),
            // Nobody retries this one, and another request's retry is not its own.
            attempt(2, 1, .rateLimited, retryAfterUs: 1_000_000), attempt(3, 1, .reset),
            attempt(3, 2, .success, waitUs: 20_000),
        ]
        let rule = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log)).rule
        #expect(rule.retry?.retryAfter == .heed)
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

    @Test func aLimitThatWasRetriedIsOneOfEachTry() {
        let log = [
            attempt(1, 1, .timeout, timeoutUs: 250_000), attempt(1, 2, .success, timeoutUs: 250_000),
            attempt(2, 1, .success, timeoutUs: 250_000),
        ]
        let rule = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log)).rule
        #expect(rule.perTryTimeoutUs == 250_000)
        #expect(rule.timeoutUs == nil)
    }

    @Test func onlyTheNewestVersionIsRead() {
        let log = [
            attempt(1, 1, .reset, version: 1), attempt(1, 2, .reset, version: 1), attempt(1, 3, .success, version: 1),
            attempt(2, 1, .reset, version: 2), attempt(2, 2, .success, waitUs: 5000, version: 2),
        ]
        let rule = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log)).rule
        #expect(rule.retry?.maxRetries == 1)
    }

    @Test func whatNoRuleFileCouldSayIsCutToWhatOneCan() throws {
        var wild = attempt(1, 1_000_000, .success, waitUs: .max, timeoutUs: .max)
        wild.attempt = 1_000_000
        let log = [attempt(1, 1, .reset, timeoutUs: .max), wild]
        let rule = PresentRule(inferredFrom: AttemptColumns(route: "r", attempts: log)).rule
        #expect(rule.retry?.maxRetries == 20)
        let set = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: rule)])
        #expect(try RuleSet(yaml: set.yaml(), file: "rules.yaml") == set)
    }
}
