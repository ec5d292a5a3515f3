import Retry
import Testing

@testable import Analyzer

@Suite struct RuleChoiceTests {
    /// One request in twenty waits before a retry that always helps; answers take 100 ms. Without the wait all requests
    /// together cost less, and surely so.
    private func tuneWithBlips(waitUs: Int64) throws -> RouteTuning {
        var attempts: [Attempt] = []
        for request in 0..<4_000 {
            let isBlip = request % 20 == 7
            let startUs = SampleLog.epochUs + Int64(request) * 500_000
            if isBlip {
                attempts.append(
                    Attempt(
                        startUs: startUs, durationUs: 1000, route: "r", host: "a", request: UInt64(request),
                        outcome: .errorStatus, status: 503, method: "GET"))
            }
            attempts.append(
                Attempt(
                    startUs: startUs + (isBlip ? 1000 + waitUs : 0), durationUs: 100_000, route: "r", host: "a",
                    request: UInt64(request), attempt: isBlip ? 2 : 1, waitUs: isBlip ? waitUs : 0, outcome: .success,
                    status: 200, method: "GET"))
        }
        let retry = RetryPolicy(
            maxRetries: 4, on: [.outcome(.errorStatus)], host: .any, backoff: .waits([waitUs], jitter: 0))
        let budget = BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000)
        let present = Rule(timeoutUs: 2_000_000, retry: retry, budget: budget)
        let set = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: present)])
        let tuner = Tuner(configuration: SampleLog.configuration(), present: set, replicates: 100)
        return try #require(tuner.tune(AttemptColumns(route: "r", attempts: attempts)))
    }

    @Test func aGainThatNobodyWouldNoticeChangesNothing() throws {
        let little = try tuneWithBlips(waitUs: 2000)
        #expect(little.confirmedGain.upperBound < 0, "\(little.confirmedGain)")
        #expect(little.reason == "kept: no rule costs as much as 1 % less")
        let much = try tuneWithBlips(waitUs: 200_000)
        #expect(much.reason.hasPrefix("changed"))
    }
}
