import Glibc
import Retry

/// What rules would cost on other days of the same service: its outages are drawn again, and last as long as other
/// outages might have.
///
/// A log of forty outages rarely holds the longest that will come, and what a rule costs hangs on those. So in half of
/// the replicates the longest quarter of the outages get lengths from a law that fits them (`OutageLengths`); in all,
/// outages are longer or shorter by a common factor, for days differ. What a rule costs in an outage of another length
/// is played, not extrapolated (`stretches`). methods: bootstrap over outages
struct OutageBootstrap {
    /// The lengths at which outages are played, as multiples of their own.
    static let stretches = [0.25, 0.5, 1, 2, 4, 16]
    /// With fewer there is no law of lengths to speak of.
    static let leastOutages = 6
    /// Standard deviation of the logarithm of the factor that a day applies to the lengths of its outages.
    static let daySpread = 0.25
    /// The share of replicates in which the longest outages keep the lengths that they had: no law fits them all.
    static let empiricalShare = 0.5

    private let facts: RouteFacts
    private let weights: Matrix
    /// Units that are outages with failures.
    private let outages: [Int]
    /// All other units.
    private let quiet: [Int]
    /// By replicate and outage: how many times as long it lasts.
    private let factors: [[Double]]

    /// `nil` where too few outages were seen.
    ///
    /// - Parameter weights: replicates × units.
    init?(_ facts: RouteFacts, weights: Matrix, seed: UInt64) {
        let failing = Set(facts.failed.map(\.unit))
        let outages = facts.outageUs.indices.filter { facts.outageUs[$0] > 0 && failing.contains($0) }
        guard outages.count >= Self.leastOutages else { return nil }
        self.facts = facts
        self.weights = weights
        self.outages = outages
        let isOutage = Set(outages)
        quiet = (0..<facts.units).filter { !isOutage.contains($0) }
        let lengths = OutageLengths(outages.map { facts.outageUs[$0] })
        var generator = SplitMix64(seed: seed, "outages")
        factors = (0..<weights.rows).map { _ in
            let day = exp(Self.daySpread * generator.normal())
            if generator.unit() < Self.empiricalShare { return Array(repeating: day, count: outages.count) }
            return lengths.drawFactors(&generator).map { $0 * day }
        }
    }

    /// The interval of one rule's mean cost, microseconds: central 95 % of the replicates, and what the log itself
    /// shows.
    ///
    /// - Parameters:
    ///   - costUs: by unit, as the log's outages were.
    ///   - stretched: the same for each of `stretches`, while the budget refuses nothing.
    func interval95(_ costUs: [Double], stretched: [[Double]]) -> ClosedRange<Double> {
        let means = (0..<weights.rows).compactMap { replicate -> Double? in
            var (cost, requests) = (0.0, 0.0)
            for unit in quiet {
                cost += weights[replicate, unit] * costUs[unit]
                requests += weights[replicate, unit] * facts.requests[unit]
            }
            for (place, unit) in outages.enumerated() where weights[replicate, unit] > 0 {
                let factor = factors[replicate][place]
                let times = weights[replicate, unit] * factor
                cost += times * max(0, costUs[unit] + Self.change(stretched, unit, factor))
                requests += times * facts.requests[unit]
            }
            return requests > 0 ? cost / requests : nil
        }
        let meanUs = costUs.reduce(0, +) / facts.requestCount
        let interval = Bootstrap.interval95(means)
        return min(meanUs, interval.lowerBound)...max(meanUs, interval.upperBound)
    }

    /// What a unit's requests cost more when its outage lasts `factor` times as long: linear in the factor's logarithm
    /// between the stretches, level beyond them.
    private static func change(_ stretched: [[Double]], _ unit: Int, _ factor: Double) -> Double {
        let usual = stretched[2][unit]
        guard let above = stretches.firstIndex(where: { $0 >= factor }) else {
            return stretched[stretches.count - 1][unit] - usual
        }
        if above == 0 { return stretched[0][unit] - usual }
        let share = log(factor / stretches[above - 1]) / log(stretches[above] / stretches[above - 1])
        let (low, high) = (stretched[above - 1][unit], stretched[above][unit])
        return low + share * (high - low) - usual
    }
}
