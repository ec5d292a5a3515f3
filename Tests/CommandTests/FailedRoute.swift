import Retry

@testable import Analyzer
@testable import meantime

/// A made-up route by the ways in which its attempts failed, and what dialects say of it.
struct FailedRoute {
    /// One way.
    struct Failure {
        var outcome = Outcome.errorStatus
        var status = 503
        var isGRPC = false
        var isIdempotent = true
        var retryAfterUs: Int64 = 0
    }

    var failures: [Failure]

    static let plain = FailedRoute(failures: [Failure()])
    static let refused = FailedRoute(failures: [Failure(), Failure(outcome: .rateLimited, status: 429)])
    static let named = FailedRoute(
        failures: [1, 4, 13, 14].map { Failure(status: $0, isGRPC: true) }
            + [Failure(outcome: .rateLimited, status: 8, isGRPC: true)])
    static let nameless = FailedRoute(failures: [2, 14].map { Failure(status: $0, isGRPC: true) })
    static let unsafe = FailedRoute(failures: [Failure(isIdempotent: false)])
    static let asked = FailedRoute(failures: [Failure(retryAfterUs: 1_000_000)])
    static let all = [plain, refused, named, nameless, unsafe, asked]

    var kinds: FailureKinds {
        let failed = failures.map {
            RouteFacts.First(
                startUs: 0, durationUs: 2000, host: 0, outcome: $0.outcome, status: $0.status, isGRPC: $0.isGRPC,
                retryAfterUs: $0.retryAfterUs, isIdempotent: $0.isIdempotent, unit: 0, weight: 1)
        }
        let objective = Objective(
            deadlineUs: 5_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 2)
        return FailureKinds(
            RouteFacts(
                objective: objective, hostCount: 1, failed: failed, slow: [], slowFromUs: 20_000, fixedCostUs: [0],
                fixedSuccesses: [0], requests: [1], recorded: UnitTotals(units: 1), arrivals: [],
                answerProbability: { _, _ in 1 }, latency: [LatencyTable { $0 >= 10_000 ? 1 : 0 }], failureUs: 2000))
    }

    /// What a dialect can say of the route.
    func family(
        _ dialect: Dialect, retries: Int = 9, timeoutUs: Int64? = 5_000_000, perTryUs: [Int64?] = [nil],
        host: HostChoice = .other
    ) -> DialectFamily {
        let retry = RetryPolicy(maxRetries: retries, on: [], host: host, backoff: .waits([0], jitter: 0))
        return DialectFamily(
            dialect,
            within: CandidateRules(
                frame: Rule(timeoutUs: timeoutUs, retry: retry), budgets: [], maxRetries: retries,
                perTryTimeoutsUs: perTryUs, waitsBelowUs: 4_000_000),
            failures: kinds)
    }

    /// One of them; by itself as soon as can be.
    func rule(
        _ dialect: Dialect, retries: Int, baseUs: Int64 = 1000, maxUs: Int64 = 1000, perTryUs: Int64? = nil,
        timeoutUs: Int64? = 5_000_000, host: HostChoice = .other
    ) -> Rule {
        family(dialect, timeoutUs: timeoutUs, host: host).rule(
            .init(retries: retries, baseUs: baseUs, maxUs: maxUs, growth: 2, perTryUs: perTryUs))
    }

    /// What a rule of the family leaves unsaid.
    func notes(_ dialect: Dialect, _ rule: Rule) -> [String] {
        DialectNotes(
            rule: rule, failures: kinds, waitsFromUs: 0, methods: [], maxRetries: 9, leastExtra: nil, mostExtra: 1
        ).notes(dialect)
    }

    /// The rule as it is printed.
    func fragment(_ dialect: Dialect, _ rule: Rule) -> String {
        let failures = kinds
        let price = RulePrice(
            rule: rule, costSeconds: 0.1, interval: 0...1, extraAttempts: 0, successShare: 1, refusedShare: 0)
        return DialectSnippet(
            DialectRule(
                dialect: dialect, price: price, multiple: 1, grpcStatuses: failures.grpcStatuses.sorted(),
                isRefusedOverGRPC: failures.isRefusedOverGRPC, isRefusedOverHTTP: failures.isRefusedOverHTTP,
                methods: [], notes: notes(dialect, rule)), route: "a: \"route\""
        ).text
    }

    /// Fragments of a dialect, a few of every kind of failure, limit and choice of hosts.
    static func fragments(_ dialect: Dialect, ofEach count: Int) -> [String] {
        var texts: [String] = []
        for route in all {
            for timeoutUs in [nil, 1_234_567, 5_000_000, 3_600_000_000] as [Int64?] {
                for host in HostChoice.allCases {
                    let family = route.family(
                        dialect, timeoutUs: timeoutUs, perTryUs: [nil, 900, 180_500, 1_000_000], host: host)
                    let grid = family.grid()
                    let near = grid.flatMap { family.neighbours(of: $0, stepping: [0.85, 1.18]) }
                    let shapes = grid + family.limited(grid) + near
                    // Evenly over all of them.
                    for place in stride(from: 0, to: shapes.count, by: max(1, shapes.count / count)) {
                        texts.append(route.fragment(dialect, family.rule(shapes[place])))
                    }
                }
            }
        }
        return texts
    }
}
