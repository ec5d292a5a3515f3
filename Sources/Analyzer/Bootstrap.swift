import Retry

/// Resampling of evidence units (outages and quiet blocks, never single attempts) with replacement.
///
/// Row *b* of the weight matrix says how often each unit was drawn in replicate *b*; multiplied by a unit × candidate
/// matrix of costs it gives every candidate's cost in every replicate at once (methods: bootstrap over outages). Efron
/// 1979.
public struct Bootstrap: Sendable {
    /// Replicates × units.
    public let weights: Matrix

    /// Multinomial weights: every replicate draws as many units as there are.
    public init(units: Int, replicates: Int, seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var weights = Matrix(rows: replicates, columns: units)
        // Some replicates at a time are drawn where they lie together, for in the matrix they lie far apart.
        let together = 8
        var drawn = [Double](repeating: 0, count: together * units)
        for first in stride(from: 0, to: replicates, by: together) {
            let count = min(together, replicates - first)
            for replicate in 0..<count {
                for _ in 0..<units {
                    drawn[Int.random(in: 0..<units, using: &generator) * together + replicate] += 1
                }
            }
            for unit in 0..<units {
                for replicate in 0..<count {
                    weights.elements[first + replicate + unit * replicates] = drawn[unit * together + replicate]
                    drawn[unit * together + replicate] = 0
                }
            }
        }
        self.weights = weights
    }

    /// The central 95 % of a sample: its 2.5 % and 97.5 % quantiles (linear between order statistics).
    public static func interval95(_ sample: some Collection<Double>) -> ClosedRange<Double> {
        var values = sample.filter(\.isFinite)
        guard !values.isEmpty else { return 0...0 }
        var sortedFrom = 0
        func quantile(_ share: Double) -> Double {
            let position = share * Double(values.count - 1)
            let below = Int(position)
            let low = OrderStatistic.select(below, of: &values, from: sortedFrom)
            sortedFrom = below
            if below + 1 == values.count { return low }
            let high = OrderStatistic.select(below + 1, of: &values, from: below)
            return low + (position - Double(below)) * (high - low)
        }
        let lower = quantile(0.025)
        return lower...quantile(0.975)
    }

    /// The standard deviation of a sample of replicates: the standard error of what they replicate.
    public static func standardError(_ sample: some Collection<Double>) -> Double {
        let count = Double(sample.count)
        guard count > 1 else { return 0 }
        let mean = sample.reduce(0, +) / count
        return (sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
    }
}
