/// What proxies do when nobody chose: the rules that a tuned rule is compared with.
public enum DefaultRules {
    /// One attempt, no limit but Envoy's route timeout of 15 s: what a route without any retry policy gets.
    public static let none = Rule(timeoutUs: 15_000_000)

    /// Envoy 1.40 with retries switched on and nothing else chosen: one retry, 25 ms base, 250 ms cap, full jitter as
    /// measured (uniform in [0, min(base × 2^(n−1), max))), no per-try timeout, a 15 s route timeout, and any host
    /// (`retry_host_predicate` is empty). Without `rate_limited_retry_back_off` it does not look at Retry-After.
    /// Source: envoy `route_components.proto`, `router_filter.rst`.
    ///
    /// Envoy's default cap of three *concurrent* retries a cluster is not expressible as a ratio and is left out, which
    /// flatters this default: it refuses fewer retries here than it would in Envoy.
    public static let envoy = Rule(
        timeoutUs: 15_000_000,
        retry: RetryPolicy(
            maxRetries: 1,
            on: [.outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus)],
            host: .any,
            retryAfter: .ignore,
            backoff: .exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)))
}
