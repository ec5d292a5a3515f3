import Retry

/// What proxies and libraries do by themselves, number by number.
///
/// Sources: Envoy `route_components.proto`, `circuit_breaker.proto` and its measured jitter; Istio 1.24 `retry.go`;
/// Linkerd 2.16 annotations; gRPC proposal A6 with the jitter of proposal 452; AWS SDK reference "retry behavior" and
/// the retries announced in May 2026 (aws-sdk-go-v2 3400); Resilience4j `RetryConfig`; Polly 8 `RetryStrategyOptions`;
/// AWS Builders' Library "Timeouts, retries and backoff with jitter"; Finagle `BackupRequestFilter`, `RetryBudget`.
enum Baselines {
    private static let unanswered: [RetryCondition] = [
        .outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus),
    ]
    private static let exponential = Backoff.exponential(
        baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)

    /// Those that need to know nothing.
    static let fixed = [none, envoy, istio, linkerd, grpc, awsOld, aws2026, resilience4j, polly]

    static let none = Contestant(name: "none", rule: DefaultRules.none)

    /// Retries switched on, all else default: one retry, at most three at a time, no per-try timeout.
    static let envoy = Contestant(name: "Envoy", rule: DefaultRules.envoy, governor: .concurrency(3))

    /// Since 1.24 a plain 503 is not retried; two retries on other hosts, no timeout.
    static let istio = Contestant(
        name: "Istio",
        rule: Rule(
            retry: RetryPolicy(
                maxRetries: 2, on: [.outcome(.connectFailure), .outcome(.reset)], host: .other, retryAfter: .ignore,
                backoff: exponential)))

    /// Annotated with `retry.linkerd.io/http: 5xx`: one retry at once, no budget.
    static let linkerd = Contestant(
        name: "Linkerd",
        rule: Rule(
            retry: RetryPolicy(
                maxRetries: 1, on: unanswered, host: .any, retryAfter: .ignore, backoff: .waits([0], jitter: 0))))

    /// A6's example: four attempts, 100 ms doubling to 1 s, ± 20 %, throttled by ten tokens at 0.1.
    static let grpc = Contestant(
        name: "gRPC",
        rule: Rule(
            retry: RetryPolicy(
                maxRetries: 3,
                on: [.outcome(.connectFailure), .outcome(.errorStatus), .outcome(.rateLimited)], host: .any,
                backoff: .waits([100_000, 200_000, 400_000], jitter: 0.2))),
        governor: .throttle(tokens: 10, ratio: 0.1))

    static let awsOld = Contestant(
        name: "AWS old", rule: aws(baseUs: 1_000_000, .ignore),
        governor: .bucket(tokens: 500, transient: 5, timeout: 10, throttled: 5, slowThrottle: false))

    static let aws2026 = Contestant(
        name: "AWS 2026", rule: aws(baseUs: 50_000, .heed),
        governor: .bucket(tokens: 500, transient: 14, timeout: 14, throttled: 5, slowThrottle: true))

    private static func aws(baseUs: Int64, _ retryAfter: RetryAfterPolicy) -> Rule {
        Rule(
            perTryTimeoutUs: 60_000_000,
            retry: RetryPolicy(
                maxRetries: 2, on: unanswered + [.outcome(.rateLimited), .outcome(.timeout)], host: .any,
                retryAfter: retryAfter,
                backoff: .exponential(baseUs: baseUs, maxUs: 20_000_000, multiplier: 2, jitter: .full)))
    }

    static let resilience4j = Contestant(
        name: "Resilience4j",
        rule: Rule(
            retry: RetryPolicy(
                maxRetries: 2, on: unanswered + [.outcome(.rateLimited)], host: .any, retryAfter: .ignore,
                backoff: .waits([500_000], jitter: 0))))

    static let polly = Contestant(
        name: "Polly",
        rule: Rule(
            retry: RetryPolicy(
                maxRetries: 3, on: unanswered + [.outcome(.rateLimited)], host: .any, retryAfter: .ignore,
                backoff: .waits([2_000_000], jitter: 0))))

    /// Those that read a percentile of completed requests off the log: a timeout at p99 or p99.9 with Envoy's retry, and
    /// Finagle's backup request at p99 (extra load 1 %) with its requeues (20 % + 10 a second over 10 s).
    static func learned(from log: [Attempt]) -> [Contestant] {
        let completed = log.filter { $0.outcome == .success }.map(\.durationUs).sorted()
        guard !completed.isEmpty else { return [] }
        func quantile(_ share: Double) -> Int64 {
            completed[min(completed.count - 1, Int(share * Double(completed.count)))]
        }
        func timeout(_ share: Double, _ name: String) -> Contestant {
            let retry = RetryPolicy(
                maxRetries: 1, on: unanswered + [.outcome(.timeout)], host: .any, retryAfter: .ignore,
                backoff: exponential)
            return Contestant(
                name: name, rule: Rule(timeoutUs: 15_000_000, perTryTimeoutUs: quantile(share), retry: retry),
                governor: .concurrency(3))
        }
        let requeue = RetryPolicy(
            maxRetries: 20, on: [.outcome(.connectFailure)], host: .any, backoff: .waits([0], jitter: 0))
        let backup = Contestant(
            name: "Finagle",
            rule: Rule(
                retry: requeue, budget: BudgetPolicy(ratio: 0.2, minPerSecond: 10, windowUs: 10_000_000),
                hedge: HedgePolicy(delayUs: max(1000, quantile(0.99)), max: 1)))
        return [timeout(0.99, "p99"), timeout(0.999, "p99.9"), backup]
    }
}
