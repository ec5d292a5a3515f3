import Retry

/// Finds the cheapest rule of a family on a set of evidence units, for the days to come (`OutageOutlook`).
///
/// First a grid of candidates, then, for each number of retries, descent on the waits from the best of the grid, exact.
/// All descents go on step by step together, so that their rules share what they have in common. Every rule is played
/// once, whatever evidence it is then judged on. `RuleFinals` decides between what is found.
final class RuleSearch {
    let facts: RouteFacts
    /// The family that is searched; `nil`: rules are only played.
    let candidates: CandidateRules?
    let replicates: Int
    let seed: UInt64
    let grid: [PlayedRule]
    /// Whether hedges and ejection are played too; a search for a rule of the proxy's does without.
    private let playsAll: Bool
    private var played = PlayedRules()
    private var player: RulePlayer
    private let outlook: OutageOutlook?
    /// Bootstrap weights, once they are asked for.
    private var drawn: Matrix?
    /// All evidence, and both halves of it.
    let halves: EvidenceHalves

    init(facts: RouteFacts, candidates: CandidateRules?, replicates: Int, seed: UInt64, playsAll: Bool = false) {
        self.playsAll = playsAll
        self.facts = facts
        self.candidates = candidates
        self.replicates = replicates
        self.seed = seed
        var played = PlayedRules()
        // What may come to be played under another budget is watched for from the beginning.
        let outlook = candidates.flatMap { _ in OutageOutlook(facts, seed: seed) }
        var player = RulePlayer(
            facts, foreseeing: candidates?.budgets ?? [], at: outlook == nil ? .usual : OutageOutlook.played)
        var grid = Self.play(candidates?.grid() ?? [], &player, outlook, &played)
        // Whatever the limit, schedules that are good without one are good, or retries at once are.
        let shapes = Dictionary(grouping: grid) { Kind($0.rule) }.values.compactMap { rules in
            rules.min { $0.foreseenUs.reduce(0, +) < $1.foreseenUs.reduce(0, +) }
        }
        grid += Self.play(candidates?.varied(shapes.map(\.rule)) ?? [], &player, outlook, &played)
        self.grid = grid
        self.played = played
        self.player = player
        self.outlook = outlook
        halves = EvidenceHalves(facts, foreseen: outlook?.requests ?? facts.requests)
    }

    /// The cheapest rules of each kind within the load limit, for each of some parts of the evidence.
    func finalists(on parts: [EvidencePart]) -> [[PlayedRule]] {
        var descents: [Descent] = []
        for (number, part) in parts.enumerated() {
            let allowed = grid.filter { isWithinLoad($0, part) }
            let byKind = Dictionary(grouping: allowed) { Kind($0.rule) }
            for kind in byKind.keys.sorted() {
                let costs = (byKind[kind] ?? []).map { (rule: $0, costUs: part.costUs($0)) }
                guard let best = costs.min(by: { $0.costUs < $1.costUs }) else { continue }
                descents.append(Descent(part: number, best: best.rule, costUs: best.costUs))
            }
        }
        while let candidates, descents.contains(where: { !$0.isOver }) {
            let near = descents.map { descent in
                descent.isOver ? [] : candidates.neighbours(of: descent.best.rule, stepping: descent.factors)
            }
            _ = Self.play(near.flatMap { $0 }, &player, outlook, &played)
            for place in descents.indices where !descents[place].isOver {
                let part = parts[descents[place].part]
                descents[place].take(near[place].compactMap { played[$0] }) { rule in
                    isWithinLoad(rule, part) ? part.costUs(rule) : .infinity
                }
            }
        }
        return parts.indices.map { part in descents.filter { $0.part == part }.map(\.best) }
    }

    /// Replicates of what rules cost on all evidence and on both halves of it.
    func replicates(of rules: [PlayedRule]) -> RuleReplicates {
        RuleReplicates(
            rules, halves, facts, foreseen: outlook?.requests ?? facts.requests, weights: weights())
    }

    /// A way down from the best of the grid.
    private struct Descent {
        let part: Int
        var best: PlayedRule
        var costUs: Double
        private var stage = 0

        private static let stages = [[0.5, 2], [0.7, 1.4], [0.85, 1.18]]

        init(part: Int, best: PlayedRule, costUs: Double) {
            self.part = part
            self.best = best
            self.costUs = costUs
        }

        var isOver: Bool { stage == Self.stages.count }

        var factors: [Double] { Self.stages[stage] }

        /// Goes to the cheapest of the neighbours, or on to smaller steps.
        mutating func take(_ near: [PlayedRule], costUs cost: (PlayedRule) -> Double) {
            var hasMoved = false
            for tried in near {
                let triedUs = cost(tried)
                guard triedUs < costUs * 0.998 else { continue }
                (best, costUs, hasMoved) = (tried, triedUs, true)
            }
            if !hasMoved { stage += 1 }
        }
    }

    /// Every candidate played so far, in the order in which they were; what was played only for comparison (the
    /// present rule) is none.
    var candidatesPlayed: [PlayedRule] {
        let budgets = Set(candidates?.budgets ?? [])
        return played.inOrder.filter { $0.rule.budget.map(budgets.contains) ?? false }
    }

    /// Plays one rule through its budget.
    func play(_ rule: Rule) -> PlayedRule {
        if playsAll && TimedPlay.isNeeded(for: rule) { return timed(rule) }
        return Self.play([rule], &player, outlook, &played)[0]
    }

    /// A rule with hedges or ejection. Where a rate limiter is known they are taken to change as much as they would
    /// without it.
    private func timed(_ rule: Rule) -> PlayedRule {
        var found = TimedPlay.played(rule, on: player.rows)
        guard player.rows.limited != nil else { return found }
        var bare = rule
        (bare.hedge, bare.ejectionUs) = (nil, nil)
        let (limited, free) = (play(bare), TimedPlay.played(bare, on: player.rows))
        found.totals = limited.totals.adding(found.totals, without: free.totals)
        return found
    }

    /// What was played, in order: a dictionary's own order differs from one to the next, and with the place of a column
    /// the last bit of a matrix product.
    private struct PlayedRules {
        private var known: [Rule: PlayedRule] = [:]
        private var order: [Rule] = []

        var inOrder: [PlayedRule] { order.compactMap { known[$0] } }

        subscript(rule: Rule) -> PlayedRule? { known[rule] }

        mutating func add(_ one: PlayedRule) {
            if known.updateValue(one, forKey: one.rule) == nil { order.append(one.rule) }
        }
    }

    /// Plays rules that were not played before.
    private static func play(
        _ rules: [Rule], _ player: inout RulePlayer, _ outlook: OutageOutlook?, _ played: inout PlayedRules
    ) -> [PlayedRule] {
        var missing: [Rule] = []
        var isMissing: Set<Rule> = []
        for rule in rules where played[rule] == nil && isMissing.insert(rule).inserted { missing.append(rule) }
        var fresh = player.play(missing)
        outlook?.foresee(&fresh)
        for one in fresh { played.add(one) }
        return rules.compactMap { played[$0] }
    }

    /// Mean cost of a request as the log's outages were, microseconds.
    func recordedCost(_ played: PlayedRule) -> Double {
        played.totals.costUs.reduce(0, +) / facts.requestCount
    }

    /// The same for all rules.
    private func weights() -> Matrix {
        if let drawn { return drawn }
        let fresh = StageMeter.measure(.drawing) {
            Bootstrap(units: facts.units, replicates: replicates, seed: seed).weights
        }
        drawn = fresh
        return fresh
    }

    private func isWithinLoad(_ played: PlayedRule, _ part: EvidencePart) -> Bool {
        part.extra(played) <= facts.objective.maxExtraAttempts
    }

    /// Rules between which evidence decides, not descent.
    private struct Kind: Hashable, Comparable {
        var retries: Int
        var windowUs: Int64
        var isRetryAfterIgnored: Bool

        init(_ rule: Rule) {
            retries = rule.retry?.maxRetries ?? 0
            windowUs = rule.budget?.windowUs ?? 0
            isRetryAfterIgnored = rule.retry?.retryAfter == .ignore
        }

        static func < (one: Kind, other: Kind) -> Bool {
            if one.retries != other.retries { return one.retries < other.retries }
            if one.windowUs != other.windowUs { return one.windowUs > other.windowUs }
            return !one.isRetryAfterIgnored && other.isRetryAfterIgnored
        }
    }

    /// 95 % intervals of the mean cost of each rule, microseconds.
    func costIntervals(_ rules: [PlayedRule]) -> [ClosedRange<Double>] {
        CostIntervals(facts, player.rows, weights: weights(), seed: seed, playsAll: playsAll).intervals95(rules)
    }
}
