import Glibc

/// The standard normal law.
enum NormalLaw {
    /// P(Z ≤ z).
    static func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

    /// P(Z > z), exact far out.
    static func tail(_ z: Double) -> Double { 0.5 * erfc(z / 2.0.squareRoot()) }

    /// The density.
    static func density(_ z: Double) -> Double { exp(-0.5 * z * z) / (2 * Double.pi).squareRoot() }

    /// z with P(Z ≤ z) = p, for p in (0, 1): Halley's steps on the smaller tail, to full precision.
    static func quantile(_ p: Double) -> Double {
        if p <= 0 { return -.infinity }
        if p >= 1 { return .infinity }
        if p > 0.5 { return -quantile(1 - p) }
        var z = -(-2 * log(p)).squareRoot()
        if p > 0.1 { z = (p - 0.5) * (2 * Double.pi).squareRoot() }
        for _ in 0..<60 {
            let error = cumulative(z) - p
            let newton = error / density(z)
            let move = newton / (1 + 0.5 * z * newton)
            z -= move
            if abs(move) < 1e-15 * max(1, abs(z)) { break }
        }
        return z
    }

    /// The half-width factor of a two-sided interval: 1.96 for 0.95.
    static func factor(level: Double) -> Double { -quantile((1 - level) / 2) }
}

/// How often something happened, with Wilson's interval. methods: proportions
public struct Proportion: Equatable, Sendable {
    /// Times it happened; a sum of weights may be fractional.
    public var hits: Double
    /// Times it could have.
    public var trials: Double

    /// A proportion.
    public init(hits: Double, trials: Double) {
        self.hits = hits
        self.trials = trials
    }

    /// hits / trials, or `nil` without trials.
    public var estimate: Double? { trials > 0 ? hits / trials : nil }

    /// Wilson's score interval (1927); [0, 1] without trials.
    public func interval(level: Double = 0.95) -> ClosedRange<Double> {
        guard trials > 0 else { return 0...1 }
        let z = NormalLaw.factor(level: level)
        let share = hits / trials
        let centre = share + z * z / (2 * trials)
        let spread = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)).squareRoot()
        let scale = 1 + z * z / trials
        let low = hits <= 0 ? 0 : max(0, (centre - spread) / scale)
        let high = hits >= trials ? 1 : min(1, (centre + spread) / scale)
        return min(low, high)...high
    }
}
