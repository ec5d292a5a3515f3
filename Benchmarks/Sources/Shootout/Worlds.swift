import Retry

extension World {
    static let all: [World] = steady + failing + slow + loaded + awkward

    private static let brief = OutageLaw(every: 30, .logNormal(medianSeconds: 0.2, spread: 0.8))

    private static let steady = [
        World(name: "healthy", about: "one attempt in 2,000 fails", blip: 0.0005),
        World(name: "blips", about: "one attempt in 100 fails, by itself", blip: 0.01),
        World(
            name: "already-best", about: "brief outages; the present rule is the oracle's", routeOutages: [brief],
            present: .oracle),
    ]

    private static let failing = [
        World(name: "brief", about: "outages of all hosts, median 0.2 s, every 30 s", routeOutages: [brief]),
        World(
            name: "long", about: "outages of all hosts, median 20 s, every 5 min", seconds: 7200, requestsPerSecond: 8,
            routeOutages: [OutageLaw(every: 300, .logNormal(medianSeconds: 20, spread: 0.6))]),
        World(
            name: "heavy-tailed", about: "outages of all hosts, Pareto 1.1 from 50 ms, every 20 s",
            routeOutages: [
                OutageLaw(every: 20, .pareto(leastSeconds: 0.05, index: 1.1, mostSeconds: 300))
            ]),
        World(
            name: "mixed", about: "brief outages every 20 s, long ones every 10 min, a quarter without any answer",
            seconds: 3600, requestsPerSecond: 15,
            routeOutages: [
                OutageLaw(every: 20, .logNormal(medianSeconds: 0.15, spread: 0.8), hangShare: 0.25),
                OutageLaw(every: 600, .logNormal(medianSeconds: 20, spread: 0.5), hangShare: 0.25),
            ]),
        World(
            name: "one-host", about: "one host of three down, median 5 s, every 60 s",
            hostOutages: [OutageLaw(every: 60, .logNormal(medianSeconds: 5, spread: 0.8))]),
        World(
            name: "one-host-hangs", about: "one host of three silent, median 5 s, every 60 s",
            hostOutages: [OutageLaw(every: 60, .logNormal(medianSeconds: 5, spread: 0.8), hangShare: 1)]),
    ]

    private static let slow = [
        World(
            name: "pauses", about: "every host stops every 20 s, median 0.3 s (garbage collection)",
            pauses: SpellLaw(everySeconds: 20, length: .logNormal(medianSeconds: 0.3, spread: 0.5))),
        World(
            name: "stragglers", about: "one attempt in 50 takes 100 times as long, whatever the request",
            latency: AnswerLaw(slowShare: 0.02, slowFactor: 100)),
        World(
            name: "stragglers-limited", about: "the same, recorded under a timeout of 100 ms and one retry",
            latency: AnswerLaw(slowShare: 0.02, slowFactor: 100), present: .rule(limited(perTryUs: 100_000, retries: 1))
        ),
        World(
            name: "big-requests", about: "one request in 20 takes 100 times as long, every time; timeout 1 s",
            latency: AnswerLaw(medianUs: 6000, spread: 0.3, bigShare: 0.05, bigFactor: 100),
            present: .rule(limited(perTryUs: 1_000_000, retries: 1))),
        World(
            name: "censored", about: "wide times to answer that belong to the request, timeout at 0.25 s, two retries",
            objective: Objective(deadlineUs: 4_000_000),
            latency: AnswerLaw(medianUs: 80_000, spread: 0.2, requestSpread: 0.9),
            present: .rule(limited(perTryUs: 250_000, retries: 2))),
    ]

    private static let service = ServiceLaw(
        workers: 10, slowdowns: SpellLaw(everySeconds: 150, length: .logNormal(medianSeconds: 15, spread: 0.4)),
        slowFactor: 3)

    private static let loaded = [
        World(
            name: "overload", about: "ten workers at 70 %, three times as slow for 15 s every 150 s", seconds: 900,
            requestsPerSecond: 140, latency: AnswerLaw(medianUs: 44_000, spread: 0.5), service: service, freshDays: 8),
        World(
            name: "metastable", about: "the same under three retries after 0.5 s each, budget 20 %", seconds: 900,
            requestsPerSecond: 140, latency: AnswerLaw(medianUs: 44_000, spread: 0.5), service: service,
            present: .rule(storm), freshDays: 8),
        World(
            name: "rate-limited", about: "42 a second allowed, 40 wanted, Retry-After 1 s",
            limit: LimitLaw(perSecond: 42, burst: 20, retryAfterUs: 1_000_000), mayIgnoreRetryAfter: true),
        World(
            name: "chain", about: "three services in a row, the last one with brief outages and blips", seconds: 900,
            requestsPerSecond: 30, routeOutages: [brief], blip: 0.005, layers: 3, freshDays: 12),
    ]

    private static let awkward = [
        World(
            name: "tight-deadline", about: "deadline 100 ms, answers 20 ms, brief outages",
            objective: Objective(deadlineUs: 100_000), latency: AnswerLaw(medianUs: 20_000, spread: 0.4),
            routeOutages: [OutageLaw(every: 20, .logNormal(medianSeconds: 0.05, spread: 0.8))], blip: 0.003),
        World(
            name: "dear-retries", about: "a retry costs 2 s, a failure 3 s, brief outages",
            objective: Objective(failureCostUs: 3_000_000, attemptCostUs: 2_000_000), routeOutages: [brief]),
        World(
            name: "sparse", about: "a request every 2 s for 12 h, outages of 5 s every 10 min", seconds: 43_200,
            requestsPerSecond: 0.5, routeOutages: [OutageLaw(every: 600, .logNormal(medianSeconds: 5, spread: 0.8))],
            blip: 0.002),
        World(
            name: "drift", about: "brief outages; every day has its own length, e^(0.5 N) of the usual",
            routeOutages: [brief], drift: 0.5, freshDays: 40),
    ]

    private static let unanswered: [RetryCondition] = [
        .outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus), .outcome(.timeout),
    ]

    /// Envoy with a per-try timeout and retries of what it cuts off.
    private static func limited(perTryUs: Int64, retries: Int) -> Contestant {
        let backoff = Backoff.exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)
        return Contestant(
            name: "limited",
            rule: Rule(
                timeoutUs: 15_000_000, perTryTimeoutUs: perTryUs,
                retry: RetryPolicy(maxRetries: retries, on: unanswered, host: .any, backoff: backoff)))
    }

    private static let storm = Contestant(
        name: "storm",
        rule: Rule(
            timeoutUs: 15_000_000, perTryTimeoutUs: 500_000,
            retry: RetryPolicy(
                maxRetries: 3, on: unanswered, host: .any,
                backoff: .exponential(baseUs: 25_000, maxUs: 250_000, multiplier: 2, jitter: .full)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000)))
}
