import Retry

/// Finds the cheapest rule of a family on a set of evidence units, for the days to come (`OutageOutlook`).
///
/// First a grid of candidates: their costs by unit are the columns of a matrix **C**, bootstrap weights over units are
/// **W**, and **W·C** gives every candidate's cost in every replicate by one GEMM. Then, for each number of retries,
/// descent on the waits from the best of the grid, exact. Among rules within one standard error of the best the one
/// with the fewest retries is taken (Breiman et al. 1984, the one-standard-error rule), the error being that of the
/// paired difference, at most half a hundredth. Every rule is played once, whatever units it is then judged on.
final class RuleSearch {
    let facts: RouteFacts
    /// The family that is searched; `nil`: rules are only played.
    let candidates: CandidateRules?
    let replicates: Int
    let seed: UInt64
    let grid: [PlayedRule]
    private var played = PlayedRules()
    private var player: RulePlayer
    private let outlook: OutageOutlook?
    /// Bootstrap weights by number of units.
    private var drawn: [Int: Matrix] = [:]

    /// A difference of this share of the cost is worth no change, however surely it was measured.
    static let negligible = 0.01
    /// One of this share is not worth another retry.
    static let unseen = 0.002
    /// One of more than this share is, however unsure: the retries are what was cheaper on the outages that were seen.
    static let worthOfSimplicity = 0.005

    init(facts: RouteFacts, candidates: CandidateRules?, replicates: Int, seed: UInt64) {
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
        let shapes = Dictionary(grouping: grid) { $0.rule.retry?.maxRetries ?? 0 }.values.compactMap { rules in
            rules.min { $0.foreseenUs.reduce(0, +) < $1.foreseenUs.reduce(0, +) }
        }
        grid += Self.play(candidates?.varied(shapes.map(\.rule)) ?? [], &player, outlook, &played)
        self.grid = grid
        self.played = played
        self.player = player
        self.outlook = outlook
    }

    /// The rule to choose if these units were all the evidence.
    func best(on units: [Int]) -> PlayedRule? {
        let allowed = grid.filter { isWithinLoad($0, units) }
        let byKind = Dictionary(grouping: allowed) {
            Kind(retries: $0.rule.retry?.maxRetries ?? 0, windowUs: $0.rule.budget?.windowUs ?? 0)
        }
        let finalists = byKind.keys.sorted().compactMap { kind in
            byKind[kind]?.min { cost($0, units) < cost($1, units) }.map { descend(from: $0, on: units) }
        }
        return simplest(of: finalists, on: units)
    }

    /// Every candidate played so far, in the order in which they were; what was played only for comparison (the
    /// present rule) is none.
    var candidatesPlayed: [PlayedRule] {
        let budgets = Set(candidates?.budgets ?? [])
        return played.inOrder.filter { $0.rule.budget.map(budgets.contains) ?? false }
    }

    /// Plays one rule through its budget.
    func play(_ rule: Rule) -> PlayedRule { Self.play([rule], &player, outlook, &played)[0] }

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
        var fresh = player.play(rules.filter { played[$0] == nil })
        outlook?.foresee(&fresh)
        for one in fresh { played.add(one) }
        return rules.compactMap { played[$0] }
    }

    /// Mean cost of a request in microseconds over some units, on the days to come.
    func cost(_ played: PlayedRule, _ units: [Int]) -> Double {
        ratio(played.foreseenUs, outlook?.requests ?? facts.requests, units)
    }

    /// The same as the log's outages were.
    func recordedCost(_ played: PlayedRule) -> Double {
        played.totals.costUs.reduce(0, +) / facts.requestCount
    }

    /// Bootstrap replicates of the mean cost of each rule, one column a rule, on common weights.
    ///
    /// - Parameter isRecorded: as the log's outages were; otherwise on the days to come.
    func replicateCosts(_ rules: [PlayedRule], on units: [Int], isRecorded: Bool = false) -> Matrix {
        let requests = isRecorded ? facts.requests : outlook?.requests ?? facts.requests
        let sums = rules.map { isRecorded ? $0.totals.costUs : $0.foreseenUs }
        let weights = weights(units.count)
        let product = StageMeter.measure(.multiplying) {
            var columns = Matrix(rows: units.count, columns: rules.count + 1)
            columns.elements.withUnsafeMutableBufferPointer { elements in
                var place = 0
                for costs in sums + [requests] {
                    costs.withUnsafeBufferPointer { costs in
                        for unit in units {
                            elements[place] = costs[unit]
                            place += 1
                        }
                    }
                }
            }
            StageMeter.note(
                TuneTimes.Product(rows: replicates, inner: units.count, columns: rules.count + 1))
            return weights.multiplied(by: columns)
        }
        var costs = Matrix(rows: replicates, columns: rules.count)
        for column in 0..<rules.count {
            for row in 0..<replicates {
                let requests = product[row, rules.count]
                costs[row, column] = requests > 0 ? product[row, column] / requests : .nan
            }
        }
        return costs
    }

    /// The same for all rules, and drawn once for every number of units.
    private func weights(_ units: Int) -> Matrix {
        if let known = drawn[units] { return known }
        let fresh = StageMeter.measure(.drawing) {
            Bootstrap(units: units, replicates: replicates, seed: seed).weights
        }
        drawn[units] = fresh
        return fresh
    }

    private func isWithinLoad(_ played: PlayedRule, _ units: [Int]) -> Bool {
        ratio(played.totals.extra, facts.requests, units) <= facts.objective.maxExtraAttempts
    }

    private func ratio(_ sums: [Double], _ counts: [Double], _ units: [Int]) -> Double {
        var (sum, count) = (0.0, 0.0)
        for unit in units {
            sum += sums[unit]
            count += counts[unit]
        }
        return count > 0 ? sum / count : 0
    }

    private func descend(from start: PlayedRule, on units: [Int]) -> PlayedRule {
        guard let candidates else { return start }
        var best = start
        var bestCost = cost(start, units)
        for factors in [[0.5, 2], [0.7, 1.4], [0.85, 1.18]] {
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                let near = candidates.neighbours(of: best.rule, stepping: factors)
                for tried in Self.play(near, &player, outlook, &played) {
                    let triedCost = cost(tried, units)
                    guard triedCost < bestCost * 0.998, isWithinLoad(tried, units) else { continue }
                    (best, bestCost, hasMoved) = (tried, triedCost, true)
                }
            }
        }
        return best
    }

    /// Of the budgets whose best rules cost the same to 1 %, the one that lasts, for the log's outages are not the
    /// longest that will come; of its rules within one standard error of the best, the one with the fewest retries.
    private func simplest(of finalists: [PlayedRule], on units: [Int]) -> PlayedRule? {
        guard let least = finalists.map({ cost($0, units) }).min() else { return nil }
        let good = finalists.filter { cost($0, units) <= least * (1 + Self.negligible) }
        let windowUs = good.compactMap(\.rule.budget?.windowUs).max()
        let rules = finalists.filter { $0.rule.budget?.windowUs == windowUs }
        guard let best = rules.indices.min(by: { cost(rules[$0], units) < cost(rules[$1], units) }) else { return nil }
        let replicated = replicateCosts(rules, on: units)
        let bestCosts = replicated.column(best)
        let near = rules.indices.filter { index in
            let differences = zip(replicated.column(index), bestCosts).map { $0 - $1 }.filter(\.isFinite)
            let bestCost = cost(rules[best], units)
            let margin = max(
                min(Bootstrap.standardError(differences), Self.worthOfSimplicity * bestCost), Self.unseen * bestCost)
            return cost(rules[index], units) - bestCost <= margin
        }
        return near.map { rules[$0] }.min { first, second in
            let (one, other) = (first.rule.retry?.maxRetries ?? 0, second.rule.retry?.maxRetries ?? 0)
            return one != other ? one < other : cost(first, units) < cost(second, units)
        }
    }

    /// Rules between which evidence decides, not descent.
    private struct Kind: Hashable, Comparable {
        var retries: Int
        var windowUs: Int64

        static func < (one: Kind, other: Kind) -> Bool {
            one.retries != other.retries ? one.retries < other.retries : one.windowUs > other.windowUs
        }
    }

    /// 95 % intervals of the mean cost of each rule, microseconds.
    func costIntervals(_ rules: [PlayedRule]) -> [ClosedRange<Double>] {
        CostIntervals(facts, weights: weights(facts.units), seed: seed).intervals95(rules)
    }
}
