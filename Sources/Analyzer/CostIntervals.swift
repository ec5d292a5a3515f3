import Glibc
import Retry

/// 95 % intervals of what rules cost a request.
///
/// Three things make a price uncertain: which outages happened to be in the log and how long others last, which
/// `OutageBootstrap` draws where enough were seen, else the bootstrap-t of `BootstrapRatios`; and how long second
/// attempts of slow requests take, of which a log holds few. The last is independent of the others: on the logarithm,
/// distances to the ends add up in quadrature. methods: bootstrap over outages
struct CostIntervals {
    private let facts: RouteFacts
    private let weights: Matrix
    private let outages: OutageBootstrap?
    private let rows: PlayedRows
    private let playsAll: Bool

    /// - Parameters:
    ///   - rows: of the facts.
    ///   - weights: replicates × units.
    ///   - playsAll: hedges and ejection are played, as they were for the rules' totals.
    init(_ facts: RouteFacts, _ rows: PlayedRows, weights: Matrix, seed: UInt64, playsAll: Bool = false) {
        self.facts = facts
        self.rows = rows
        self.playsAll = playsAll
        self.weights = weights
        outages = OutageBootstrap(facts, weights: weights, seed: seed)
    }

    /// By rule, microseconds. No request costs more than failing at the deadline after all its retries.
    func intervals95(_ rules: [PlayedRule]) -> [ClosedRange<Double>] {
        let shifts = lawShifts(rules)
        let usual = outages.map { fromOutages(rules, $0) } ?? fromRatios(rules)
        let mostUs = Double(facts.objective.deadlineUs + facts.objective.failureCostUs)
        return rules.indices.map { place in
            let rule = rules[place]
            let meanUs = rule.totals.costUs.reduce(0, +) / facts.requestCount
            let most = (rule.rule.retry?.maxRetries ?? 0) + (isTimed(rule) ? rule.rule.hedge?.max ?? 0 : 0)
            let extraUs = Double(facts.objective.attemptCostUs) * Double(most)
            let interval = Self.widened(usual[place], around: meanUs, by: shifts.map { $0[place] })
            return min(interval.lowerBound, mostUs)...min(interval.upperBound, mostUs + extraUs)
        }
    }

    private func fromOutages(_ rules: [PlayedRule], _ outages: OutageBootstrap) -> [ClosedRange<Double>] {
        var player = RulePlayer(rows, facts)
        let factors = OutageBootstrap.stretches.factors
        // By stretch, rule and unit.
        var stretched: [[[Double]]] = []
        for begin in stride(from: 0, to: factors.count, by: 4) {
            let some = factors[begin..<min(factors.count, begin + 4)]
            var lanes = SIMD4<Double>(repeating: 1)
            for (lane, factor) in some.enumerated() { lanes[lane] = factor }
            let costs = player.freeCostsUs(rules.map(\.rule), at: PlayedStretches(lanes), onlyOutages: true)
            stretched += some.indices.map { place in costs.map { $0.map { $0[place - begin] } } }
        }
        let timed = rules.indices.filter { isTimed(rules[$0]) }
        let during = timed.isEmpty ? rows : PlayedRows(facts.duringOutages)
        for place in timed {
            for (index, factor) in factors.enumerated() {
                stretched[index][place] = TimedPlay.freeCostUs(rules[place].rule, on: during, stretch: factor)
            }
        }
        return outages.intervals95(rules.map(\.totals.costUs), stretched: stretched)
    }

    private func isTimed(_ rule: PlayedRule) -> Bool { playsAll && TimedPlay.isNeeded(for: rule.rule) }

    private func fromRatios(_ rules: [PlayedRule]) -> [ClosedRange<Double>] {
        var intervals: [ClosedRange<Double>] = []
        for begin in stride(from: 0, to: rules.count, by: 64) {
            let some = rules[begin..<min(rules.count, begin + 64)]
            let ratios = BootstrapRatios(sums: some.map(\.totals.costUs), counts: facts.requests, weights: weights)
            intervals += some.indices.map { ratios.interval95($0 - begin) }
        }
        return intervals
    }

    /// How much more a request costs at each end of the law of second attempts, by end and rule, microseconds.
    private func lawShifts(_ rules: [PlayedRule]) -> [[Double]] {
        guard facts.secondLatency != nil else { return [] }
        let isTimed = rules.map(isTimed)
        func meansUs(_ law: LatencyTable?) -> [Double] {
            var other = facts
            other.secondLatency = law
            var player = RulePlayer(rows, other)
            var costs = player.freeCostsUs(rules.map(\.rule)).map { $0.map { $0[0] } }
            let all = isTimed.contains(true) ? PlayedRows(other) : rows
            for place in rules.indices where isTimed[place] {
                costs[place] = TimedPlay.freeCostUs(rules[place].rule, on: all)
            }
            return costs.map { $0.reduce(0, +) / facts.requestCount }
        }
        let usual = meansUs(facts.secondLatency)
        return facts.secondLatencyEnds.map { end in zip(meansUs(end), usual).map { $0 - $1 } }
    }

    /// The interval of a positive mean when something else, independent of it, may shift it so far.
    private static func widened(
        _ interval: ClosedRange<Double>, around mean: Double, by shifts: [Double]
    ) -> ClosedRange<Double> {
        guard mean > 0, interval.lowerBound > 0, !shifts.isEmpty else { return interval }
        func off(_ shift: Double) -> Double { log(max(mean / 100, mean + shift) / mean) }
        let below = log(min(interval.lowerBound, mean) / mean)
        let above = log(max(interval.upperBound, mean) / mean)
        let lower = hypot(below, min(0, shifts.map(off).min() ?? 0))
        let upper = hypot(above, max(0, shifts.map(off).max() ?? 0))
        return mean * exp(-lower)...mean * exp(upper)
    }
}
