import Glibc
import Retry

/// When to send a second attempt beside a slow one, and a third: the delays with the least cost of a request within the
/// load that the objective leaves. Only where second attempts of slow requests were seen to be fast. methods: hedge
public struct HedgeChoice: Sendable {
    /// One way to hedge.
    public struct Option: Equatable, Sendable {
        /// When each further attempt is sent if there is no answer yet, microseconds after the first; empty: none is.
        public var delaysUs: [Int64]
        /// Mean cost of a request on a host that is up, seconds.
        public var costSeconds: Double
        /// Mean time to an answer, at most the deadline, seconds.
        public var latencySeconds: Double
        /// Share of requests without an answer by the deadline.
        public var lateShare: Double
        /// Attempts beyond the first, per request.
        public var extraAttempts: Double
    }

    /// What requests cost without a hedge, with the best one and with the best two; empty where the log does not tell.
    /// One or two are missing where none fits into the load.
    public var options: [Option]
    /// The extra attempts per request that the objective leaves beside the rule's retries.
    public var mostExtra: Double
    /// Second attempts of slow requests that were seen.
    public var secondAttempts: Int
    /// Why there is nothing to price, or which option is the cheapest.
    public var reason: String

    /// The cheapest option; of those as cheap to 0.2 % the one with the fewest hedges, and none where hedging saves
    /// less than 1 %.
    public var best: Option? {
        guard let none = options.first, let least = options.map(\.costSeconds).min() else { return nil }
        if least > none.costSeconds * (1 - RuleFinals.negligible) { return none }
        return options.first { $0.costSeconds <= least * (1 + RuleFinals.unseen) }
    }
}

extension HedgeChoice {
    /// The best hedges on a route.
    ///
    /// - Parameter retriesExtra: extra attempts per request that the route's rule makes already.
    init(_ evidence: RouteEvidence, objective: Objective, isRepeatable: Bool, retriesExtra: Double) {
        let dependence = evidence.dependence
        options = []
        mostExtra = max(0, objective.maxExtraAttempts - retriesExtra)
        secondAttempts = Int(dependence.slowAfterSlow.trials)
        reason = Self.obstacle(evidence, isRepeatable: isRepeatable) ?? ""
        guard reason.isEmpty else { return }
        let deadlineUs = Double(objective.deadlineUs)
        let first = SurvivalLine(evidence.law, untilUs: deadlineUs, isExtrapolated: evidence.isCutShort)
        let again = dependence.secondLaw.map { SurvivalLine($0, untilUs: deadlineUs, isExtrapolated: false) }
        let search = HedgeSearch(
            price: HedgePrice(first: first, again: again ?? first, objective: objective), mostExtra: mostExtra
        ) { dependence.verdict(atLimitUs: $0) == .independent }
        options = [search.price.option([])] + [search.bestSingle(), search.bestDouble()].compactMap { $0 }
        if options.count == 1 {
            reason =
                "no hedge fits into the load that is left at a delay after which slow requests were seen to be fast again"
        } else {
            reason =
                ["no hedge saves 1 %", "one hedge is enough", "two hedges are the cheapest"][best?.delaysUs.count ?? 0]
        }
        if again == nil {
            reason += "; second attempts, too few for a law of their own, are taken to be as any attempt"
        }
    }

    private static func obstacle(_ evidence: RouteEvidence, isRepeatable: Bool) -> String? {
        if !isRepeatable { return "requests may not be repeated" }
        if evidence.origin.isCommon {
            return "attempts are slow while other hosts are slow too, as in an overload: hedges would be load"
        }
        switch evidence.dependence.verdict {
        case .independent: return nil
        case .dependent: return "dependent: second attempts of slow requests are slow again"
        case .notIdentified:
            let seen = Int(evidence.dependence.slowAfterSlow.trials)
            if seen == 0 { return "not identified: no slow request was sent again" }
            return
                "not identified: whether slow requests are slow again, \(seen) second attempt\(seen == 1 ? "" : "s") of "
                + "them do\(seen == 1 ? "es" : "") not tell"
        }
    }
}

/// What a request costs that is hedged after given delays. Times are microseconds.
struct HedgePrice {
    /// P(the first attempt takes longer), and the same of further ones.
    let first: SurvivalLine
    let again: SurvivalLine
    let objective: Objective

    /// P(no answer by `us`) with the first `hedges` of the delays.
    private func survival(_ us: Double, _ delaysUs: ArraySlice<Double>) -> Double {
        delaysUs.reduce(first.value(us)) { $0 * (us > $1 ? again.value(us - $1) : 1) }
    }

    /// Attempts beyond the first, per request.
    func extra(_ delaysUs: [Double]) -> Double {
        let deadlineUs = Double(objective.deadlineUs)
        return delaysUs.indices.reduce(0) { sum, place in
            delaysUs[place] < deadlineUs ? sum + survival(delaysUs[place], delaysUs[..<place]) : sum
        }
    }

    /// The area under P(no answer) up to the deadline: between corners it is a product of straight lines, of at most
    /// three, which Simpson's rule integrates exactly.
    func latencyUs(_ delaysUs: [Double]) -> Double {
        let deadlineUs = Double(objective.deadlineUs)
        var corners = [0, deadlineUs] + first.us + delaysUs
        for delayUs in delaysUs { corners += again.us.lazy.map { $0 + delayUs } }
        corners = corners.filter { (0...deadlineUs).contains($0) }.sorted()
        var area = 0.0
        var left = survival(0, delaysUs[...])
        for (from, to) in zip(corners, corners.dropFirst()) {
            let right = survival(to, delaysUs[...])
            if to > from {
                area += (to - from) / 6 * (left + 4 * survival((from + to) / 2, delaysUs[...]) + right)
            }
            left = right
        }
        return area
    }

    /// Mean cost of a request, microseconds.
    func costUs(_ delaysUs: [Double]) -> Double {
        latencyUs(delaysUs) + Double(objective.failureCostUs) * late(delaysUs)
            + Double(objective.attemptCostUs) * extra(delaysUs)
    }

    private func late(_ delaysUs: [Double]) -> Double { survival(Double(objective.deadlineUs), delaysUs[...]) }

    func option(_ delaysUs: [Int64]) -> HedgeChoice.Option {
        let delays = delaysUs.map(Double.init)
        return HedgeChoice.Option(
            delaysUs: delaysUs, costSeconds: costUs(delays) / 1e6, latencySeconds: latencyUs(delays) / 1e6,
            lateShare: late(delays), extraAttempts: extra(delays))
    }
}

/// Finds the cheapest delays: everywhere on a thinned law, then closely on the law itself.
struct HedgeSearch {
    let price: HedgePrice
    let mostExtra: Double
    /// Whether attempts slower than this were seen to be followed by fast ones.
    let isFastAgain: (Int64) -> Bool

    /// The cheapest single hedge that fits into the load.
    func bestSingle() -> HedgeChoice.Option? { best(places(256).map { [$0] }) }

    /// The cheapest two.
    func bestDouble() -> HedgeChoice.Option? {
        let places = places(48)
        return best(places.flatMap { one in places.filter { $0 >= one }.map { [one, $0] } })
    }

    /// Delays evenly spread over the logarithm, and the first that the load allows: there costs have their kink.
    private func places(_ count: Int) -> [Double] {
        let deadlineUs = Double(price.objective.deadlineUs)
        guard let leastUs = price.first.us.first(where: { $0 > 0 }), leastUs < deadlineUs else { return [] }
        let step = log(deadlineUs / leastUs) / Double(count)
        let even = (0..<count).map { leastUs * exp(Double($0) * step) }
        return (even + (price.first.time(ofShare: mostExtra).map { [$0] } ?? [])).filter { $0 < deadlineUs }.sorted()
    }

    private func best(_ places: [[Double]]) -> HedgeChoice.Option? {
        let coarse = HedgePrice(
            first: price.first.thinned(steps: 128), again: price.again.thinned(steps: 128), objective: price.objective)
        // The thinned law differs a little: what it takes for just too much load is tried as well.
        let priced = places.filter { coarse.extra($0) <= mostExtra * 1.05 }
            .map { (delays: $0, costUs: coarse.costUs($0)) }.sorted { $0.costUs < $1.costUs }
        var known: [Int64: Bool] = [:]
        func isAllowed(_ delaysUs: [Int64]) -> Bool {
            guard let first = delaysUs.first, price.extra(delaysUs.map(Double.init)) <= mostExtra else { return false }
            if let answer = known[first] { return answer }
            let answer = isFastAgain(first)
            known[first] = answer
            return answer
        }
        let starts = priced.lazy.map { $0.delays.map { Self.rounded($0, up: true) } }.filter(isAllowed)
        return Array(starts.prefix(3)).map { descend(from: $0, isAllowed) }.min { $0.costSeconds < $1.costSeconds }
    }

    private func descend(from start: [Int64], _ isAllowed: ([Int64]) -> Bool) -> HedgeChoice.Option {
        var best = start
        var leastUs = price.costUs(start.map(Double.init))
        for factor in [1.2, 1.08, 1.02] {
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                for near in neighbours(of: best, factor) where near != best {
                    let costUs = price.costUs(near.map(Double.init))
                    guard costUs < leastUs * (1 - 1e-9), isAllowed(near) else { continue }
                    (best, leastUs, hasMoved) = (near, costUs, true)
                }
            }
        }
        return price.option(best)
    }

    /// One delay longer or shorter, or all.
    private func neighbours(of delaysUs: [Int64], _ factor: Double) -> [[Int64]] {
        var found: [[Int64]] = []
        for by in [1 / factor, factor] {
            for place in delaysUs.indices {
                var near = delaysUs
                near[place] = Self.rounded(Double(delaysUs[place]) * by, up: by > 1)
                found.append(near)
            }
            if delaysUs.count > 1 { found.append(delaysUs.map { Self.rounded(Double($0) * by, up: by > 1) }) }
        }
        return found.filter { $0 == $0.sorted() && ($0.last ?? 0) < price.objective.deadlineUs && ($0.first ?? 0) > 0 }
    }

    /// Two significant digits, and a third where the first is a one: 1.05 ms, 21 ms, 131 ms.
    static func rounded(_ us: Double, up: Bool) -> Int64 {
        var scale = 1.0
        while us / scale >= 200 { scale *= 10 }
        return Int64(((us / scale).rounded(up ? .up : .down)) * scale)
    }
}
