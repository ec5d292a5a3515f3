import Glibc
import Retry

/// How long a host that failed is given a rest before the next attempt tries it: the rest with the least expected cost
/// of attempts that meet it still down and of time that it stands idle though it is up again (optimal inspection:
/// Barlow, Hunter & Proschan 1963). methods: ejection
public struct EjectionTime: Sendable {
    /// One way to treat a host that is down; all from its ejection to its return.
    public struct Option: Equatable, Sendable {
        /// The rest before each attempt, microseconds; `nil`: it is not ejected.
        public var restUs: Int64?
        /// What an outage costs, seconds.
        public var costSeconds: Double
        /// Attempts that meet the host while it is down, per outage.
        public var failedAttempts: Double
        /// How long it rests though it is up again, seconds per outage.
        public var idleSeconds: Double
    }

    /// The best rest; `nil` where the log does not tell.
    public var best: Option?
    /// Its 95 % interval: bootstrap over outages, microseconds.
    public var restRangeUs: ClosedRange<Int64>?
    /// A host that is not ejected: it goes on being tried as often as any.
    public var never: Option?
    /// Envoy's default: 30 s the first time, 60 s the second and so on up to 300 s, ejected by five failures.
    public var envoy: Option?
    /// Outages of single hosts that were seen.
    public var outages: Int
    /// What an attempt on a host that is down costs, seconds.
    public var attemptCostSeconds: Double
    /// What a second costs in which a host rests that is up, seconds: one attempt more on another host for each request
    /// that it would have been sent.
    public var idleCostPerSecond: Double
    /// Why nothing is chosen; empty otherwise.
    public var reason: String

    /// Fewer outages say too little of how long the next one lasts.
    public static let leastOutages = 8
}

extension EjectionTime {
    /// The best rest on a route.
    ///
    /// - Parameters:
    ///   - rule: the rule under which attempts fail; its conditions decide what a failed attempt costs.
    ///   - objective: what costs are made of.
    init(_ evidence: RouteEvidence, rule: Rule, objective: Objective, replicates: Int = 200, seed: UInt64 = 1) {
        let facts = evidence.facts
        let spanSeconds = Double(max(1, evidence.windowUs.upperBound - evidence.windowUs.lowerBound)) / 1e6
        let rate = facts.requestCount / spanSeconds / Double(max(1, facts.hostCount))
        outages = evidence.outageDurations.count
        attemptCostSeconds = facts.downAttemptCostUs(under: rule) / 1e6
        idleCostPerSecond = rate * Double(objective.attemptCostUs) / 1e6
        reason = Self.obstacle(evidence, attemptCostSeconds: attemptCostSeconds, idleCostPerSecond: idleCostPerSecond)
        guard reason.isEmpty else { return }
        let model = InspectionCost(
            probeCostUs: attemptCostSeconds * 1e6, idleCost: idleCostPerSecond, leastRestUs: max(1, 1e6 / rate))
        let problem = NPMLEProblem(evidence.outageDurations, weights: nil)
        let law = IntervalNPMLE(problem, start: nil, tolerance: .init())
        let restUs = model.bestRestUs(law.cells)
        let fixed = model.fixed(Double(restUs), law.cells)
        best = Self.option(fixed, model, restUs: restUs)
        restRangeUs = Self.range(problem, law, model, replicates: replicates, seed: seed).map {
            min($0.lowerBound, restUs)...max($0.upperBound, restUs)
        }
        let meanUs = model.fixed(model.leastRestUs, law.cells).meanUs
        let tried = rate * meanUs / 1e6
        never = Option(
            restUs: nil, costSeconds: tried * attemptCostSeconds, failedAttempts: tried, idleSeconds: 0)
        envoy = Self.option(model.envoyDefault(law.cells), model, restUs: 30_000_000)
    }

    private static func obstacle(
        _ evidence: RouteEvidence, attemptCostSeconds: Double, idleCostPerSecond: Double
    ) -> String {
        if evidence.facts.hostCount < 2 { return "there is one host: while it rests nobody answers" }
        if evidence.areHostsAsOne { return "the hosts fail together: while one rests the others are down too" }
        let seen = evidence.outageDurations.count
        if seen < leastOutages {
            return "outages of hosts that were seen: \(seen); at least \(leastOutages) are needed"
        }
        if evidence.outageDurations.allSatisfy(\.isRightCensored) { return "no outage was seen to end" }
        if idleCostPerSecond <= 0 { return "an extra attempt costs nothing, and so does a rest: any length will do" }
        return attemptCostSeconds > 0 ? "" : "attempts on a host that is down cost nothing"
    }

    private static func option(_ found: InspectionCost.Expected, _ model: InspectionCost, restUs: Int64) -> Option {
        Option(
            restUs: restUs, costSeconds: model.costUs(found) / 1e6, failedAttempts: found.failedProbes,
            idleSeconds: found.idleUs / 1e6)
    }

    private static func range(
        _ problem: NPMLEProblem, _ law: IntervalNPMLE, _ model: InspectionCost, replicates: Int, seed: UInt64
    ) -> ClosedRange<Int64>? {
        var generator = SplitMix64(seed: seed)
        let count = problem.rowOfInterval.count
        var rests: [Double] = []
        for _ in 0..<replicates {
            var drawn = [Double](repeating: 0, count: count)
            for _ in drawn.indices { drawn[Int.random(in: drawn.indices, using: &generator)] += 1 }
            let replicate = IntervalNPMLE(
                problem.reweighted(drawn), start: law.cells.map(\.mass), tolerance: .init(gap: 0.01, iterations: 200))
            rests.append(Double(model.bestRestUs(replicate.cells)))
        }
        guard !rests.isEmpty else { return nil }
        let interval = Bootstrap.interval95(rests)
        return Int64(interval.lowerBound.rounded())...Int64(interval.upperBound.rounded())
    }
}

extension RouteFacts {
    /// What an attempt costs on a host that is down, microseconds: the time to its failure, and what comes of it, a
    /// retry or a failed request. The mean over recorded failures, each with the chance that its host was down.
    func downAttemptCostUs(under rule: Rule) -> Double {
        let isUp = upProbability ?? answerProbability
        var (sum, weights) = (0.0, 0.0)
        for first in failed {
            let weight = first.weight * (1 - isUp(first.host, first.startUs))
            let limitUs = min(rule.perTryTimeoutUs ?? .max, rule.timeoutUs ?? .max, objective.deadlineUs)
            let result = AttemptResult(
                outcome: first.durationUs > limitUs ? .timeout : first.outcome, status: first.status,
                isGRPC: first.isGRPC)
            let isRetried =
                !first.hasStarted && rule.refusal(of: result, after: 1, isIdempotent: first.isIdempotent) == nil
            let next = isRetried ? objective.attemptCostUs : objective.failureCostUs
            sum += weight * Double(min(first.durationUs, limitUs) + next)
            weights += weight
        }
        return weights > 0 ? sum / weights : 0
    }
}

/// What a schedule of attempts on a resting host costs when its outages have a given law. Times are microseconds.
///
/// An outage whose end lies past everything observed counts up to there, for every schedule alike.
struct InspectionCost {
    /// What becomes of an outage, on average.
    struct Expected: Equatable {
        /// Attempts that met the host down.
        var failedProbes = 0.0
        /// From its recovery to its return.
        var idleUs = 0.0
        /// The outage itself.
        var meanUs = 0.0
    }

    /// Of an attempt that meets the host down.
    let probeCostUs: Double
    /// Of a microsecond of rest while it is up, microseconds.
    let idleCost: Double
    /// No shorter rest is one: no request would have come before.
    let leastRestUs: Double

    func costUs(_ expected: Expected) -> Double {
        expected.failedProbes * probeCostUs + expected.idleUs * idleCost
    }

    /// The same rest before each attempt: of an outage of length T the first ⌈T/rest⌉ − 1 attempts fail, and the next
    /// comes ⌈T/rest⌉ × rest after the begin. Mass is spread evenly over its cell.
    func fixed(_ restUs: Double, _ cells: [IntervalNPMLE.Cell]) -> Expected {
        /// ∫ ⌈u / rest⌉ du from 0 to t.
        func area(_ t: Double) -> Double {
            let whole = (t / restUs).rounded(.down)
            return restUs * whole * (whole + 1) / 2 + (whole + 1) * (t - whole * restUs)
        }
        var expected = Expected()
        for cell in cells where cell.mass > 0 {
            let left = Double(cell.leftUs)
            if cell.rightUs == .max {
                expected.failedProbes += cell.mass * (left / restUs).rounded(.down)
                expected.meanUs += cell.mass * left
                continue
            }
            let right = Double(cell.rightUs)
            let probes = (area(right) - area(left)) / (right - left)
            expected.failedProbes += cell.mass * (probes - 1)
            expected.idleUs += cell.mass * (probes * restUs - (left + right) / 2)
            expected.meanUs += cell.mass * (left + right) / 2
        }
        return expected
    }

    /// Envoy's rests of 30 s × times ejected up to 300 s, each after five failures.
    func envoyDefault(_ cells: [IntervalNPMLE.Cell]) -> Expected {
        let (baseUs, mostUs, failures) = (30e6, 300e6, 5.0)
        var expected = Expected()
        for cell in cells where cell.mass > 0 {
            let left = Double(cell.leftUs)
            let right = cell.rightUs == .max ? left + 1 : Double(cell.rightUs)
            var (number, from, to) = (1.0, 0.0, baseUs)
            while from < right {
                let (low, high) = (max(left, from), min(right, to))
                if high > low {
                    let share = cell.mass * (high - low) / (right - left)
                    expected.failedProbes += share * (number - 1) * failures
                    if cell.rightUs != .max { expected.idleUs += share * (to - (low + high) / 2) }
                }
                number += 1
                (from, to) = (to, to + min(baseUs * number, mostUs))
            }
            expected.meanUs += cell.mass * (cell.rightUs == .max ? left : (left + right) / 2)
        }
        return expected
    }

    /// The cheapest rest: everywhere on the logarithm of time, then closely, priced after rounding to two digits.
    func bestRestUs(_ cells: [IntervalNPMLE.Cell]) -> Int64 {
        let longestUs = cells.filter { $0.mass > 0 }.map { Double($0.rightUs == .max ? $0.leftUs : $0.rightUs) }.max()
        let mostUs = max(leastRestUs, longestUs ?? leastRestUs)
        let places = 512
        let step = log(mostUs / leastRestUs) / Double(places)
        let rests = (0...places).map { leastRestUs * exp(Double($0) * step) }
        let costs = rests.map { costUs(fixed($0, cells)) }
        guard let place = costs.indices.min(by: { costs[$0] < costs[$1] }) else { return Int64(leastRestUs) }
        // Half a step either way, in two significant digits.
        let near = stride(from: -1.0, through: 1, by: 0.125).map { rests[place] * exp($0 * step) }
        let rounded = (near + [mostUs, leastRestUs]).map { Self.roundedUp($0) }
        return rounded.min { costUs(fixed(Double($0), cells)) < costUs(fixed(Double($1), cells)) } ?? Int64(mostUs)
    }

    /// Two significant digits and a third where the first is a one; never less: a rest that ends just too soon is in
    /// vain.
    private static func roundedUp(_ us: Double) -> Int64 { HedgeSearch.rounded(us, up: true) }
}
