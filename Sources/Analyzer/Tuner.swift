public import Retry

/// The nightly job: reads what the proxies saw, and chooses each route's rule.
///
/// One route at a time: facts from the log → present rule and candidates priced through the retry machine → choice.
public struct Tuner: Sendable {
    /// Objectives, bounds and idempotence by route; without one, the defaults hold and are named as assumptions.
    public var configuration: Configuration?
    /// The rules in force, if there is a rule file.
    public var present: RuleSet?
    /// Bootstrap replicates.
    public var replicates: Int
    /// Seed of the bootstrap: the same log and seed give the same rules.
    public var seed: UInt64

    /// A tuner.
    public init(
        configuration: Configuration? = nil, present: RuleSet? = nil, replicates: Int = 500, seed: UInt64 = 1
    ) {
        self.configuration = configuration
        self.present = present
        self.replicates = replicates
        self.seed = seed
    }

    /// Tunes every route that the source has seen in the range.
    ///
    /// - Parameters:
    ///   - source: where the attempts are.
    ///   - fromUs: UNIX microseconds, `nil` for all.
    ///   - toUs: exclusive end.
    ///   - routes: only these; `nil` for all.
    ///   - nowUs: written as the rule set's creation time.
    ///   - progress: called before each route with its name, its place and their number.
    public func run(
        _ source: any AttemptSource, fromUs: Int64? = nil, toUs: Int64? = nil, routes only: [String]? = nil,
        nowUs: Int64, progress: (String, Int, Int) -> Void = { _, _, _ in }
    ) throws -> TuneResult {
        let seen = try source.routes(fromUs: fromUs, toUs: toUs).filter { only?.contains($0.route) ?? true }
        var tunings: [RouteTuning] = []
        for (place, summary) in seen.enumerated() {
            progress(summary.route, place, seen.count)
            let columns = try source.attempts(route: summary.route, fromUs: fromUs, toUs: toUs)
            if let tuning = tune(columns) { tunings.append(tuning) }
        }
        return TuneResult(
            routes: tunings, missingAttempts: try source.missingAttempts(fromUs: fromUs, toUs: toUs),
            ruleSet: ruleSet(from: tunings, nowUs: nowUs))
    }

    /// Tunes one route; `nil` when the columns hold no first attempt.
    public func tune(_ columns: AttemptColumns) -> RouteTuning? {
        let setting = RouteSetting(
            route: columns.route, configuration: configuration, present: present, columns: columns)
        guard let evidence = RouteEvidence(columns, setting: setting) else { return nil }
        let facts = evidence.facts
        let search = search(facts, setting: setting, candidates: setting.candidates(for: evidence))
        let choice = RuleChoice(search: search, present: setting.present.rule)
        let prices = price([choice.present, choice.chosen] + search.candidatesPlayed, search)
        let requests = facts.requestCount
        return RouteTuning(
            route: columns.route, attempts: columns.count, failures: evidence.failures, outages: evidence.outages,
            requests: Int(requests), windowUs: evidence.windowUs, objective: setting.objective,
            recordedCostSeconds: facts.recorded.costUs.reduce(0, +) / requests / 1e6, present: prices[0],
            chosen: prices[1], isChanged: choice.isChanged,
            confirmedGain: choice.confirmedGainUs.lowerBound / 1e6...choice.confirmedGainUs.upperBound / 1e6,
            candidates: Self.ordered(prices.dropFirst(2)), reason: choice.reason,
            assumptions: setting.assumptions + evidence.assumptions)
    }

    /// A longer budget window is worth searching only where the short one refuses retries that were wanted.
    private func search(_ facts: RouteFacts, setting: RouteSetting, candidates: CandidateRules) -> RuleSearch {
        let short = RuleSearch(facts: facts, candidates: candidates, replicates: replicates, seed: seed)
        guard let best = short.best(on: Array(0..<facts.units)), best.refusedShare > 0.01 else { return short }
        var wider = candidates
        wider.budgets.append(setting.budget(windowUs: 60_000_000))
        return RuleSearch(facts: facts, candidates: wider, replicates: replicates, seed: seed, knowing: short)
    }

    /// Cheapest first; rules of one price by their waits, so that the order never depends on anything else.
    private static func ordered(_ prices: some Sequence<RulePrice>) -> [RulePrice] {
        prices.sorted { first, second in
            if first.costSeconds != second.costSeconds { return first.costSeconds < second.costSeconds }
            let (one, other) = (CandidateRules.waits(of: first.rule), CandidateRules.waits(of: second.rule))
            return one.count != other.count ? one.count < other.count : one.lexicographicallyPrecedes(other)
        }
    }

    /// Prices with intervals, all from one matrix product.
    private func price(_ played: [PlayedRule], _ search: RuleSearch) -> [RulePrice] {
        let facts = search.facts
        let requests = facts.requestCount
        let all = Array(0..<facts.units)
        let replicated = search.replicateCosts(played, on: all)
        return played.enumerated().map { index, one in
            let interval = Bootstrap.interval95(replicated.column(index))
            return RulePrice(
                rule: one.rule, costSeconds: search.cost(one, all) / 1e6,
                interval: interval.lowerBound / 1e6...interval.upperBound / 1e6,
                extraAttempts: one.totals.extra.reduce(0, +) / requests,
                successShare: one.totals.successes.reduce(0, +) / requests, refusedShare: one.refusedShare)
        }
    }

    private func ruleSet(from tunings: [RouteTuning], nowUs: Int64) -> RuleSet {
        var set = RuleSet(version: (present?.version ?? 0) + 1, createdUs: nowUs, routes: present?.routes ?? [:])
        for tuning in tunings {
            set.routes[tuning.route] = RuleSet.Entry(rule: tuning.chosen.rule, evidence: tuning.evidence)
        }
        return set
    }
}
