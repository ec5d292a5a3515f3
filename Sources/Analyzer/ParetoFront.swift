public import Retry

/// The rules that people may want to choose from: none of them is better than another in success, latency and extra
/// load at once (Pareto 1906, Manuale di economia politica).
///
/// Two rules that differ by less than anyone would notice are one: of them the cheaper stands for both
/// (epsilon-dominance: Laumanns, Thiele, Deb, Zitzler 2002, Evolutionary Computation 10(3)).
public struct ParetoFront: Sendable {
    /// A rule with what its cost is made of.
    public struct Point: Sendable {
        /// The rule, priced.
        public var price: RulePrice
        /// Mean time that a request keeps its client waiting, seconds; one that is not answered counts to the deadline.
        public var latencySeconds: Double

        /// - Parameter objective: what the price was made with.
        public init(_ price: RulePrice, objective: Objective) {
            self.price = price
            latencySeconds = max(
                0,
                price.costSeconds - (1 - price.successShare) * Double(objective.failureCostUs) / 1e6
                    - price.extraAttempts * Double(objective.attemptCostUs) / 1e6)
        }

        /// Whether the other is no better in anything that one would notice.
        func covers(_ other: Point) -> Bool {
            price.successShare >= other.price.successShare - ParetoFront.leastSuccess
                && latencySeconds <= other.latencySeconds * (1 + ParetoFront.leastLatency)
                && price.extraAttempts <= other.price.extraAttempts + ParetoFront.leastExtra
        }
    }

    /// A difference in success below this share is nobody's reason: one request in ten thousand.
    public static let leastSuccess = 1e-4
    /// Neither is a latency less than 2 % shorter,
    public static let leastLatency = 0.02
    /// nor one attempt in a thousand requests.
    public static let leastExtra = 1e-3

    /// The points, the least extra load first.
    public let points: [Point]

    /// - Parameters:
    ///   - prices: what to choose from.
    ///   - objective: what they were priced with.
    public init(_ prices: [RulePrice], objective: Objective) {
        // Cheapest first: what is better in everything is cheaper, and of rules alike the cheaper one stays.
        let ordered = prices.enumerated().sorted {
            ($0.element.costSeconds, $0.offset) < ($1.element.costSeconds, $1.offset)
        }.map { Point($0.element, objective: objective) }
        var kept: [Point] = []
        for point in ordered where !kept.contains(where: { $0.covers(point) }) {
            kept.append(point)
        }
        points = kept.sorted { first, second in
            let (one, other) = (first.price, second.price)
            return one.extraAttempts != other.extraAttempts
                ? one.extraAttempts < other.extraAttempts : one.successShare < other.successShare
        }
    }
}
