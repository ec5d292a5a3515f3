import Glibc
import Retry

/// The laws of the demo's faults and traffic.
extension SplitMix64 {
    /// Exponential with this mean.
    mutating func exponential(mean: Double) -> Double { -mean * log(1 - unit()) }

    /// Log-normal with this median; `sigma` is the standard deviation of its logarithm (Box and Muller 1958).
    mutating func logNormal(median: Double, sigma: Double) -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return median * exp(sigma * radius * cos(2 * .pi * unit()))
    }

    /// Pareto with this tail index, cut to `low ... high` by inversion.
    mutating func pareto(index: Double, low: Double, high: Double) -> Double {
        let share = 1 - pow(low / high, index)
        return low / pow(1 - unit() * share, 1 / index)
    }
}
