import Retry

/// The cheapest rule that a dialect can say on a route, and what it leaves unsaid.
public struct DialectRule: Sendable {
    /// In whose words.
    public var dialect: Dialect
    /// The rule and what it costs on the recorded failures.
    public var price: RulePrice
    /// Its cost on the days to come (`OutageOutlook`) as a multiple of that of the best explicit waits; `nil` where
    /// those cost nothing.
    public var multiple: Double?
    /// gRPC statuses of failures that the route's log shows, refusals apart.
    public var grpcStatuses: [Int]
    /// Whether refusals for load carry a gRPC status.
    public var isRefusedOverGRPC: Bool
    /// Whether refusals for load carry HTTP's 429.
    public var isRefusedOverHTTP: Bool
    /// The methods whose requests it is for, where others may not be repeated; empty: all.
    public var methods: [String]
    /// What the dialect cannot say, and what its price takes for granted.
    public var notes: [String]
}

extension Tuner {
    /// The best rule of every dialect on a route, on the failures that `tuning` was made from. methods: dialects
    ///
    /// Meantime's own is the cheapest explicit schedule that was priced within the load limit; of those as cheap to
    /// 0.2 %, the one with the fewest retries.
    func dialects(_ tuning: RouteTuning, _ evidence: RouteEvidence, _ setting: RouteSetting) -> [DialectRule] {
        let facts = evidence.facts
        let failures = FailureKinds(facts)
        let methods = failures.isMixed && setting.isIdempotent == nil ? evidence.repeatableMethods : []
        var search = DialectSearch(facts, seed: seed)
        let own = own(tuning, &search)
        func rule(
            _ dialect: Dialect, _ price: RulePrice, costUs: Double, leastExtra: Double? = nil
        ) -> DialectRule {
            let notes = DialectNotes(
                rule: price.rule, failures: failures, waitsFromUs: evidence.waitsFromUs, methods: methods,
                maxRetries: setting.bounds.maxRetries, leastExtra: leastExtra,
                mostExtra: tuning.objective.maxExtraAttempts)
            return DialectRule(
                dialect: dialect, price: price,
                multiple: own.flatMap { $0.costUs > 0 ? costUs / $0.costUs : nil },
                grpcStatuses: failures.grpcStatuses.sorted(), isRefusedOverGRPC: failures.isRefusedOverGRPC,
                isRefusedOverHTTP: failures.isRefusedOverHTTP,
                methods: dialect == .meantime ? [] : methods, notes: notes.notes(dialect))
        }
        let candidates = setting.candidates(for: evidence)
        var found: [(dialect: Dialect, played: PlayedRule, costUs: Double, leastExtra: Double?)] = []
        for dialect in Dialect.allCases where dialect != .meantime {
            let families = DialectFamily.families(dialect, within: candidates, failures: failures)
            guard let best = search.best(of: families) else { continue }
            let leastExtra = families.compactMap { search.leastExtra(of: $0) }.min()
            found.append((dialect, best, search.cost(best), leastExtra))
        }
        let pricing = RuleSearch(facts: facts, candidates: nil, replicates: replicates, seed: seed)
        let prices = found.map { price([$0.played], pricing, evidence)[0] }
        return (own.map { [rule(.meantime, $0.price, costUs: $0.costUs)] } ?? [])
            + zip(found, prices).map { rule($0.dialect, $1, costUs: $0.costUs, leastExtra: $0.leastExtra) }
    }

    /// The best explicit waits among those that were priced, and their cost on the days to come.
    private func own(_ tuning: RouteTuning, _ search: inout DialectSearch) -> (price: RulePrice, costUs: Double)? {
        // Where candidates were not listed, what tune found stands for them.
        let listed = tuning.candidates.isEmpty ? [tuning.present, tuning.chosen] : tuning.candidates
        let within = listed.filter { $0.extraAttempts <= tuning.objective.maxExtraAttempts }
        let costs = search.play(within.map(\.rule)).map(search.cost)
        guard let least = costs.min() else { return nil }
        return zip(within, costs).filter { $1 <= least * (1 + RuleFinals.unseen) }
            .min { ($0.0.rule.retry?.maxRetries ?? 0, $0.1) < ($1.0.rule.retry?.maxRetries ?? 0, $1.1) }
            .map { (price: $0.0, costUs: $0.1) }
    }
}

/// What a dialect's rule leaves unsaid.
struct DialectNotes {
    let rule: Rule
    let failures: FailureKinds
    let waitsFromUs: Int64
    let methods: [String]
    let maxRetries: Int
    /// The least that a single retry would add to the attempts of a request, and what the objective allows.
    let leastExtra: Double?
    let mostExtra: Double

    private var retries: Int { rule.retry?.maxRetries ?? 0 }

    func notes(_ dialect: Dialect) -> [String] {
        if dialect == .meantime { return [] }
        var notes: [String] = []
        if retries == 0 { return whyNone(dialect) + (dialect == .grpc ? [Self.grpcLimit] : []) }
        notes.append(budget(dialect))
        if !methods.isEmpty {
            notes.append(
                "it does not look at methods: give requests that may be repeated (\(methods.joined(separator: ", "))) "
                    + "a route of their own; the others are priced as retried only where nothing was executed")
        }
        notes += own(dialect)
        let nameless = failures.grpcStatuses.filter { status in
            !(rule.retry?.on ?? []).contains { $0.matches(outcome: .errorStatus, status: status, isGRPC: true) }
        }
        if !nameless.isEmpty && failures.isIdempotent {
            let shown = nameless.sorted().map(String.init).joined(separator: ", ")
            notes.append("it has no word for gRPC status \(shown): not retried")
        }
        return notes
    }

    private func whyNone(_ dialect: Dialect) -> [String] {
        if waitsFromUs > 0 && dialect != .grpc {
            return [
                "its waits begin at 0, and the log bears out none below \(DurationText.format(waitsFromUs)): no retry is "
                    + "priced"
            ]
        }
        if !failures.isIdempotent {
            return ["requests may not be repeated: only what was never executed could be retried"]
        }
        if maxRetries == 0 { return ["bounds.max_retries is 0"] }
        guard let leastExtra else { return ["no retry fits in the deadline"] }
        if leastExtra <= mostExtra { return ["no retry pays"] }
        let share = Int((leastExtra / mostExtra * 100).rounded(.up))
        return [
            "without a budget of the route's own a single retry makes \(max(101, share)) % of the extra attempts that "
                + "the objective allows: no retries"
        ]
    }

    /// Nobody else has a budget of a route's own.
    private func budget(_ dialect: Dialect) -> String {
        let worst = "in a total outage a request makes up to \(retries + 1) attempts"
        return switch dialect {
        case .envoy:
            "no budget by route: \(worst), but for the cluster's cap on retries in flight, which is not in the price: as "
                + "long as its circuit_breakers do not say more than Envoy's own 3, what waits or runs beside three others "
                + "is refused"
        case .istio:
            "no budget by route: \(worst), but for the DestinationRule's cap on retries in flight, which is not in the "
                + "price"
        case .grpc:
            "no budget by route: \(worst), but for the client's retryThrottling, which all methods of a server share and "
                + "which is not in the price"
        case .linkerd, .meantime: "no budget: \(worst)"
        }
    }

    private func own(_ dialect: Dialect) -> [String] {
        var notes: [String] = []
        switch dialect {
        case .envoy:
            if failures.isRetryAfterSeen {
                notes.append(
                    rule.retry?.retryAfter == .ignore
                        ? Self.unheeded
                        : "Retry-After is waited for one to one and a half times; priced as exactly once")
            }
        case .istio:
            notes.append(
                "needs a version that has retries.backoff (others wait from 25ms); the longest wait is ten times it")
            if failures.isRetryAfterSeen { notes.append(Self.unheeded) }
        case .linkerd:
            notes.append("no waits; retries go to any host; connections that fail or break are not retried")
            if rule.perTryTimeoutUs != nil {
                notes.append("the last attempt has no limit of its own; priced as if it had")
            }
            if failures.isRetryAfterSeen { notes.append(Self.unheeded) }
        case .grpc:
            notes.append("retries go to any host")
            notes.append(Self.grpcLimit)
            notes.append("waits are spread by a fifth, as gRFC A6 has it since 2024; grpc-node draws them from 0")
            if failures.isRetryAfterSeen {
                notes.append("what a server asks for is waited for in grpc-retry-pushback-ms, not in Retry-After")
            }
            if !failures.isGRPC {
                notes.append("the log shows no gRPC status: only a gRPC client of this route could use it")
            }
        case .meantime: break
        }
        return notes
    }

    private static let grpcLimit = "no limit of each attempt"
    private static let unheeded = "Retry-After is not waited for"
}
