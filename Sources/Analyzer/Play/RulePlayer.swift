import Retry

/// A rule and what it would have cost, unit by unit.
struct PlayedRule {
    var rule: Rule
    var totals: UnitTotals
    /// Cost by unit at each of the lengths of outages, microseconds, while the budget refuses nothing.
    var stretchedUs: [SIMD4<Double>] = []
    /// Cost of the unit's requests on the days to come, microseconds, where that is told apart from the log's
    /// (`OutageOutlook`).
    var outlookUs: [Double]?
    /// Retries refused by the budget, as a share of those asked for.
    var refusedShare: Double
}

/// Plays rules on the recorded requests of one route, many at a time.
///
/// What a rule costs while its budget refuses nothing is worked out for all rules of a tree together, in any order of
/// rows; where the budget might refuse something, the units concerned are played again, rule by rule, in the order of
/// time. Both ask the decisions of the retry machine and the budget that the proxy runs. On a route whose rate limiter
/// is known every rule is played by itself, in the order of time. methods: pricing
struct RulePlayer {
    let rows: PlayedRows
    private let facts: RouteFacts
    /// Budgets that rules may come to have: watched for from the beginning, so that nothing is played again for them.
    private let foreseen: [BudgetPolicy]
    /// Lengths at which outages are played beside their own.
    private let stretches: PlayedStretches
    /// By rule without its budget.
    private var free: [Rule: FreeTotals] = [:]
    private var begun: [RuleTree.Frame: BegunRows] = [:]
    private var openings: [RuleTree.Frame: [Range<Int>: BudgetPlay.Opening]] = [:]

    init(_ facts: RouteFacts, foreseeing budgets: [BudgetPolicy] = [], at stretches: PlayedStretches = .usual) {
        self.init(PlayedRows(facts), facts, foreseeing: budgets, at: stretches)
    }

    /// Plays rows that somebody has put in order already.
    ///
    /// - Parameter facts: of the same rows.
    init(
        _ rows: PlayedRows, _ facts: RouteFacts, foreseeing budgets: [BudgetPolicy] = [],
        at stretches: PlayedStretches = .usual
    ) {
        self.rows = rows
        self.facts = facts
        foreseen = budgets
        self.stretches = stretches
    }

    /// Plays rules, each through its budget.
    mutating func play(_ rules: [Rule]) -> [PlayedRule] {
        if let limited = rows.limited {
            return StageMeter.measure(.playing) {
                rules.map { LimitedPlay.played($0, on: rows, limited, facts, at: stretches) }
            }
        }
        StageMeter.measure(.playing) { playFreely(rules) }
        return StageMeter.measure(.budgets) { rules.map { throughBudget($0) } }
    }

    private mutating func playFreely(_ rules: [Rule]) {
        let missing = rules.filter { rule in
            guard let known = free[rule.withoutBudget] else { return true }
            return rule.budget.map { !known.watched.contains($0) } ?? false
        }
        var policies = foreseen
        for policy in missing.compactMap(\.budget) where !policies.contains(policy) { policies.append(policy) }
        for (tree, places) in RuleTree.trees(of: missing.map(\.withoutBudget)) {
            let play = AttemptPlay(tree.rule, on: facts)
            let begun = begun(RuleTree.Frame(tree.rule), play)
            var found = Array(repeating: FreeTotals(facts, watched: policies), count: places.count)
            if var walk = TreePlay(tree, play, on: rows, begun, watching: policies, at: stretches) {
                walk.run()
                found = walk.totals()
            }
            for (place, totals) in zip(places, found) { free[missing[place].withoutBudget] = totals }
        }
    }

    /// What rules cost while their budgets refuse nothing, by rule and unit, at four lengths of the outages; requests
    /// are still counted once each. Requests of quiet time may be left out.
    mutating func freeCostsUs(
        _ rules: [Rule], at stretches: PlayedStretches = .usual, onlyOutages: Bool = false
    ) -> [[SIMD4<Double>]] {
        StageMeter.measure(.playing) {
            if let limited = rows.limited {
                return rules.map { LimitedPlay.freeCostUs($0, on: rows, limited, facts, at: stretches) }
            }
            let none = facts.fixedCostUs.map { SIMD4(repeating: $0) }
            var costs = Array(repeating: none, count: rules.count)
            for (tree, places) in RuleTree.trees(of: rules.map(\.withoutBudget)) {
                let play = AttemptPlay(tree.rule, on: facts)
                let starts = begun(RuleTree.Frame(tree.rule), play)
                guard var walk = TreePlay(tree, play, on: rows, starts, watching: [], at: stretches) else { continue }
                walk.run(onlyOutages: onlyOutages)
                for (place, found) in zip(places, walk.totals()) { costs[place] = found.stretchedUs }
            }
            return costs
        }
    }

    /// The first attempts, which all rules of a frame share.
    private mutating func begun(_ frame: RuleTree.Frame, _ play: AttemptPlay) -> BegunRows {
        if let known = begun[frame] { return known }
        let fresh = BegunRows(rows, play)
        begun[frame] = fresh
        return fresh
    }

    private mutating func throughBudget(_ rule: Rule) -> PlayedRule {
        guard let known = free[rule.withoutBudget] else { preconditionFailure("a rule is played freely first") }
        guard let policy = rule.budget, let dangersUs = known.dangersUs[policy] else {
            return PlayedRule(rule: rule, totals: known.totals, stretchedUs: known.stretchedUs, refusedShare: 0)
        }
        let attempts = AttemptPlay(rule, on: facts)
        let frame = RuleTree.Frame(rule)
        let starts = begun(frame, attempts).starts
        let tree = RuleTree([rule])
        var play = BudgetPlay(tree.path(to: tree.ends[0]), policy, attempts, starts, on: rows, knowing: known)
        for units in rows.units(within: dangersUs) { play.run(opening(units, frame, starts)) }
        let asked = play.asked.reduce(0, +)
        return PlayedRule(
            rule: rule, totals: play.totals, stretchedUs: known.stretchedUs,
            refusedShare: asked > 0 ? play.refused / asked : 0)
    }

    private mutating func opening(
        _ units: Range<Int>, _ frame: RuleTree.Frame, _ starts: [AttemptPlay.Start]
    ) -> BudgetPlay.Opening {
        if let known = openings[frame]?[units] { return known }
        let fresh = BudgetPlay.Opening(units, of: rows, starts)
        openings[frame, default: [:]][units] = fresh
        return fresh
    }
}

extension Rule {
    fileprivate var withoutBudget: Rule {
        var rule = self
        rule.budget = nil
        return rule
    }
}
