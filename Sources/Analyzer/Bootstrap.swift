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
        for replicate in 0..<replicates {
            for _ in 0..<units {
                weights[replicate, Int.random(in: 0..<units, using: &generator)] += 1
            }
        }
        self.weights = weights
    }

    /// The central 95 % of a sample: its 2.5 % and 97.5 % quantiles (linear between order statistics).
    public static func interval95(_ sample: some Collection<Double>) -> ClosedRange<Double> {
        let sorted = sample.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return 0...0 }
        func quantile(_ share: Double) -> Double {
            let position = share * Double(sorted.count - 1)
            let below = Int(position)
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
        }
        return quantile(0.025)...quantile(0.975)
    }

    /// The standard deviation of a sample of replicates: the standard error of what they replicate.
    public static func standardError(_ sample: some Collection<Double>) -> Double {
        let count = Double(sample.count)
        guard count > 1 else { return 0 }
        let mean = sample.reduce(0, +) / count
        return (sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
    }
}
