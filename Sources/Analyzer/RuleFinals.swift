import Retry

/// The cheapest rules of each kind on all evidence and on each half of it, beside the present rule, with replicates of
/// what each costs: what to choose, and how sure that is.
///
/// Among rules within one standard error of the best the one with the fewest retries is taken (Breiman et al. 1984, the
/// one-standard-error rule), the error being that of the paired difference, at most half a hundredth; of those with as
/// many the one that heeds Retry-After. methods: choice
struct RuleFinals {
    private let rules: [PlayedRule]
    private let replicates: RuleReplicates
    private let halves: EvidenceHalves
    private let present: Int
    /// The rule to choose if all evidence, or one half of it, were all there is; places in the list of rules.
    private let best: Int
    private let bestOnFirst: Int
    private let bestOnSecond: Int

    /// A difference of this share of the cost is worth no change, however surely it was measured.
    static let negligible = 0.01
    /// One of this share is not worth another retry.
    static let unseen = 0.002
    /// One of more than this share is, however unsure: the retries are what was cheaper on the outages that were seen.
    static let worthOfSimplicity = 0.005

    /// `nil` where no rule stays within the load limit.
    init?(_ search: RuleSearch, present: PlayedRule) {
        halves = search.halves
        let finalists = search.finalists(on: [halves.all, halves.first, halves.second])
        guard finalists.allSatisfy({ !$0.isEmpty }) else { return nil }
        var rules: [PlayedRule] = []
        var places: [Rule: Int] = [:]
        for one in finalists.joined() + [present] where places[one.rule] == nil {
            places[one.rule] = rules.count
            rules.append(one)
        }
        self.rules = rules
        self.present = places[present.rule] ?? 0
        replicates = search.replicates(of: rules)
        let entries = finalists.map { $0.compactMap { places[$0.rule] } }
        let (replicates, halves) = (replicates, halves)
        best = Self.simplest(of: entries[0], rules, halves.all) { replicates.costsUs($0, $0) }
        bestOnFirst = Self.simplest(of: entries[1], rules, halves.first) { replicates.costsUs($0, onHalf: 0) }
        bestOnSecond = Self.simplest(of: entries[2], rules, halves.second) { replicates.costsUs($0, onHalf: 1) }
    }

    /// The rule to choose.
    var chosen: PlayedRule { rules[best] }

    /// 95 % interval of chosen − present out of sample, microseconds a request: on each half of the evidence the rule
    /// that the other half chose.
    var confirmedGainUs: ClosedRange<Double> {
        differenceUs(replicates.costsUs(bestOnSecond, bestOnFirst), replicates.costsUs(present, present))
    }

    /// 95 % interval of chosen − present as the log's outages were, microseconds a request.
    var changeUs: ClosedRange<Double> { differenceUs(replicates.recordedUs(best), replicates.recordedUs(present)) }

    /// Chosen and present, microseconds a request on the days to come.
    var costsUs: (chosen: Double, present: Double) {
        (halves.all.costUs(rules[best]), halves.all.costUs(rules[present]))
    }

    private func differenceUs(_ one: [Double], _ other: [Double]) -> ClosedRange<Double> {
        Bootstrap.interval95(zip(one, other).map { $0 - $1 })
    }

    /// Of the budgets whose best rules cost the same to 1 %, the one that lasts, for the log's outages are not the
    /// longest that will come; of its rules within one standard error of the best, the one with the fewest retries.
    private static func simplest(
        of entries: [Int], _ rules: [PlayedRule], _ part: EvidencePart, replicated: (Int) -> [Double]
    ) -> Int {
        let costs = Dictionary(uniqueKeysWithValues: entries.map { ($0, part.costUs(rules[$0])) })
        func cost(_ place: Int) -> Double { costs[place] ?? .infinity }
        let least = entries.map(cost).min() ?? 0
        let good = entries.filter { cost($0) <= least * (1 + negligible) }
        let windowUs = good.compactMap { rules[$0].rule.budget?.windowUs }.max()
        let fitting = entries.filter { rules[$0].rule.budget?.windowUs == windowUs }
        guard let best = fitting.min(by: { cost($0) < cost($1) }) else { return entries[0] }
        let bestCosts = replicated(best)
        let near = fitting.filter { place in
            let differences = zip(replicated(place), bestCosts).map { $0 - $1 }.filter(\.isFinite)
            let margin = max(
                min(Bootstrap.standardError(differences), worthOfSimplicity * cost(best)), unseen * cost(best))
            return cost(place) - cost(best) <= margin
        }
        return near.min { first, second in
            let (one, other) = (rules[first].rule.retry?.maxRetries ?? 0, rules[second].rule.retry?.maxRetries ?? 0)
            if one != other { return one < other }
            let heeds = [first, second].map { rules[$0].rule.retry?.retryAfter != .ignore }
            return heeds[0] != heeds[1] ? heeds[0] : cost(first) < cost(second)
        } ?? best
    }
}
