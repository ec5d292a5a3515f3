import Retry
import Testing

@Suite struct RuleTests {
    @Test func `the waits of a list repeat its last and spread by the jitter`() {
        let exact = Backoff.waits([0, 40_000, 350_000], jitter: 0)
        #expect((1...5).map { exact.waitUs(retry: $0, unit: 0.3) } == [0, 40_000, 350_000, 350_000, 350_000])
        let spread = Backoff.waits([100_000], jitter: 0.1)
        #expect(spread.waitUs(retry: 1, unit: 0) == 90_000)
        #expect(spread.waitUs(retry: 1, unit: 0.5) == 100_000)
        #expect(spread.waitUs(retry: 1, unit: 0.75) == 105_000)
        #expect(spread.longestWaitUs(retry: 1) == 110_000)
        #expect(Backoff.waits([100_000], jitter: 1).waitUs(retry: 1, unit: 0) == 0)
        #expect(Backoff.waits([], jitter: 0.5).waitUs(retry: 1, unit: 0.9) == 0)
    }

    @Test func `exponential caps are Envoy's`() {
        // Envoy with base_interval 100 ms, max_interval 1 s, uniform in [0, cap): measured caps per retry, in ms.
        let capsMs: [Int64] = [100, 200, 400, 800, 1000, 1000]
        let full = Backoff.exponential(baseUs: 100_000, maxUs: 1_000_000, multiplier: 2, jitter: .full)
        let exact = Backoff.exponential(baseUs: 100_000, maxUs: 1_000_000, multiplier: 2, jitter: .none)
        for (retry, capMs) in zip(1..., capsMs) {
            #expect(full.waitUs(retry: retry, unit: 0) == 0)
            #expect(full.waitUs(retry: retry, unit: 0.25) == capMs * 250)
            #expect(full.waitUs(retry: retry, unit: 1.0.nextDown) == capMs * 1000 - 1)
            #expect(full.longestWaitUs(retry: retry) == capMs * 1000)
            #expect(exact.waitUs(retry: retry, unit: 0.25) == capMs * 1000)
        }
    }

    @Test func `Envoy's own default waits at most 25 ms before its one retry`() {
        let backoff = Backoff.exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)
        #expect((1...6).map(backoff.longestWaitUs) == [25_000, 50_000, 100_000, 200_000, 250_000, 250_000])
    }

    @Test func `a multiplier of one keeps the base, and the thousandth retry is still the cap`() {
        let flat = Backoff.exponential(baseUs: 30, maxUs: 90, multiplier: 1, jitter: .none)
        #expect([1, 2, 1000].map { flat.waitUs(retry: $0, unit: 0) } == [30, 30, 30])
        let steep = Backoff.exponential(baseUs: 1, maxUs: 86_400_000_000, multiplier: 100, jitter: .none)
        #expect([1, 2, 3, 1000].map { steep.waitUs(retry: $0, unit: 0) } == [1, 100, 10_000, 86_400_000_000])
        let odd = Backoff.exponential(baseUs: 1000, maxUs: 10_000, multiplier: 1.5, jitter: .none)
        #expect((1...7).map { odd.waitUs(retry: $0, unit: 0) } == [1000, 1500, 2250, 3375, 5063, 7594, 10_000])
    }

    @Test func `every condition's name is read back, and nothing else is a condition`() {
        let outcomes = Outcome.allCases.filter(\.isFailure).map(RetryCondition.outcome)
        let statuses = (400...599).map(RetryCondition.http) + (1...16).map(RetryCondition.grpc)
        for condition in outcomes + statuses { #expect(RetryCondition(name: condition.name) == condition) }
        for name in [
            "success", "cancelled", "http_399", "http_600", "http_", "http_5o3", "grpc_0", "grpc_17", "503", "",
            "HTTP_503",
            "http_+503", "http_0503", "grpc_014",
        ] {
            #expect(RetryCondition(name: name) == nil, "\(name)")
        }
    }

    @Test func `an exact status matches only its own kind of status, and only on failures`() {
        let http = RetryCondition.http(503)
        #expect(http.matches(outcome: .errorStatus, status: 503, isGRPC: false))
        #expect(!http.matches(outcome: .errorStatus, status: 500, isGRPC: false))
        #expect(!http.matches(outcome: .errorStatus, status: 503, isGRPC: true))
        #expect(!http.matches(outcome: .cancelled, status: 503, isGRPC: false))
        #expect(!http.matches(outcome: .success, status: 503, isGRPC: false))
        let grpc = RetryCondition.grpc(14)
        #expect(grpc.matches(outcome: .errorStatus, status: 14, isGRPC: true))
        #expect(!grpc.matches(outcome: .errorStatus, status: 14, isGRPC: false))
        #expect(!grpc.matches(outcome: .success, status: 14, isGRPC: true))
        for wanted in Outcome.allCases where wanted.isFailure {
            for outcome in Outcome.allCases {
                let isMatch = RetryCondition.outcome(wanted).matches(outcome: outcome, status: 0, isGRPC: false)
                #expect(isMatch == (wanted == outcome))
            }
        }
    }

    @Test func `a set knows the rules of its routes only`() {
        let rule = Rule(timeoutUs: 5)
        let set = RuleSet(version: 1, createdUs: 0, routes: ["a": .init(rule: rule)])
        #expect(set.rule(for: "a") == rule)
        #expect(set.rule(for: "b") == nil)
    }
}
