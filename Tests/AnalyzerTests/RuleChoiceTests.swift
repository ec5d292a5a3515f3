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

    /// Every 10 s all hosts answer in 300 ms for 1.5 s, under a limit of 200 ms that is retried.
    @Test func retriesOfTimeoutsThatComeOnAllHostsAtOnceAreTakenBack() throws {
        var attempts: [Attempt] = []
        for request in 0..<12_000 {
            let startUs = Int64(request) * 10_000
            let isSlow = (5_000_000..<6_500_000).contains(startUs % 10_000_000)
            for number in 1...(isSlow ? 2 : 1) {
                attempts.append(
                    Attempt(
                        startUs: SampleLog.epochUs + startUs + Int64(number - 1) * 200_000,
                        durationUs: isSlow ? 200_000 : 5_000 + Int64(request % 11) * 200, route: "r",
                        host: "h\((request * 7 + number) % 3)", request: UInt64(request), attempt: number,
                        outcome: isSlow ? .timeout : .success, timeoutUs: 200_000, method: "GET"))
            }
        }
        let retry = RetryPolicy(maxRetries: 1, on: [.outcome(.timeout)], host: .other, backoff: .waits([0], jitter: 0))
        let present = Rule(timeoutUs: 2_000_000, perTryTimeoutUs: 200_000, retry: retry)
        let set = RuleSet(version: 1, createdUs: 0, routes: ["r": RuleSet.Entry(rule: present)])
        let tuner = Tuner(configuration: SampleLog.configuration(), present: set, replicates: 100)
        let tuning = try #require(tuner.tune(AttemptColumns(route: "r", attempts: attempts)))
        #expect(tuning.isChanged)
        #expect(tuning.reason.contains("on all hosts at once"))
        #expect(tuning.chosen.rule.perTryTimeoutUs == nil)
        #expect(tuning.chosen.rule.retry.map { !$0.on.contains(.outcome(.timeout)) } ?? true)
        #expect(tuning.chosen.rule.budget?.windowUs == 10_000_000)
        #expect(tuning.candidates.allSatisfy { $0.rule.perTryTimeoutUs == nil })
    }
}
