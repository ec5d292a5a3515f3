import Glibc

/// A law of durations fitted by maximum likelihood to exact, right-, left- and interval-censored observations.
///
/// log T = location + scale × W, with W the law that names the family. methods: parametric
public struct ParametricFit: Equatable, Sendable {
    /// The law of W.
    public enum Family: String, CaseIterable, Sendable {
        /// W smallest-extreme-value, scale 1.
        case exponential
        /// W smallest-extreme-value; shape = 1/scale.
        case weibull
        /// W normal.
        case logNormal
        /// W logistic.
        case logLogistic
    }

    /// What is known of one duration, or of several.
    public struct Observation: Equatable, Sendable {
        /// The duration is > `left` (0: nothing known), in any unit.
        public var left: Double
        /// The duration is ≤ `right` (infinity: nothing known); equal to `left` for an exact duration.
        public var right: Double
        /// How many durations.
        public var weight: Double

        /// An observation.
        public init(left: Double, right: Double, weight: Double = 1) {
            self.left = left
            self.right = right
            self.weight = weight
        }
    }

    /// The family.
    public var family: Family
    /// In logarithms of the unit of the observations.
    public var location: Double
    /// Spread of log T; 1 for the exponential.
    public var scale: Double
    /// Log-likelihood of the observations as durations (densities per unit of time).
    public var logLikelihood: Double

    /// Akaike's criterion: −2 log-likelihood + 2 × parameters; the least is preferred.
    public var aic: Double { -2 * logLikelihood + (family == .exponential ? 2 : 4) }

    /// P(T > t).
    public func survival(_ t: Double) -> Double {
        t <= 0 ? 1 : exp(family.logSurvival((Glibc.log(t) - location) / scale))
    }

    /// Fits a family; with `truncatedBelow`, to observations that are there only because they exceed it.
    ///
    /// - Returns: `nil` when the data do not determine the parameters (no upper bounds, or all durations equal).
    public init?(_ family: Family, to observations: [Observation], truncatedBelow: Double = 0) {
        let used = observations.filter { $0.weight > 0 && $0.right > $0.left || $0.right == $0.left && $0.left > 0 }
        guard used.contains(where: { $0.right.isFinite }) else { return nil }
        let likelihood = ParametricLikelihood(family, used, truncatedBelow: truncatedBelow)
        guard let found = likelihood.maximize() else { return nil }
        self.init(family, at: found)
    }

    init(_ family: Family, at point: ParametricLikelihood.Point) {
        self.family = family
        location = point.location
        scale = exp(point.logScale)
        logLikelihood = point.value
    }
}

extension ParametricFit.Family {
    /// log P(W > z).
    func logSurvival(_ z: Double) -> Double {
        switch self {
        case .exponential, .weibull: -exp(z)
        case .logNormal:
            z < 30 ? log(NormalLaw.tail(z)) : -0.5 * z * z - log(z * (2 * Double.pi).squareRoot()) - 1 / (z * z)
        case .logLogistic: z > 700 ? -z : -log1p(exp(z))
        }
    }

    /// log of the density of W.
    func logDensity(_ z: Double) -> Double {
        switch self {
        case .exponential, .weibull: z - exp(z)
        case .logNormal: -0.5 * z * z - 0.5 * log(2 * Double.pi)
        case .logLogistic: -abs(z) - 2 * log1p(exp(-abs(z)))
        }
    }

    /// d log density / dz.
    func slope(_ z: Double) -> Double {
        switch self {
        case .exponential, .weibull: 1 - exp(z)
        case .logNormal: -z
        case .logLogistic: -tanh(z / 2)
        }
    }

    /// d² log density / dz².
    func bend(_ z: Double) -> Double {
        switch self {
        case .exponential, .weibull: -exp(z)
        case .logNormal: -1
        case .logLogistic: 0.5 * (tanh(z / 2) * tanh(z / 2) - 1)
        }
    }

    /// log P(low < W ≤ high).
    func logInterval(_ low: Double, _ high: Double) -> Double {
        switch self {
        case .exponential, .weibull: -exp(low) + log(-expm1(exp(low) - exp(high)))
        case .logNormal:
            low > 0
                ? log(NormalLaw.tail(low) - NormalLaw.tail(high))
                : log(NormalLaw.cumulative(high) - NormalLaw.cumulative(low))
        case .logLogistic:
            // 1/(1+e^low) − 1/(1+e^high), without cancellation.
            high == .infinity
                ? logSurvival(low)
                : high + logSurvival(low) + logSurvival(high) + log(-expm1(low - high))
        }
    }
}
