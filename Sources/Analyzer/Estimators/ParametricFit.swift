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
        var likelihood = Likelihood(family: family, observations: used, truncatedBelow: truncatedBelow)
        guard let found = likelihood.maximize() else { return nil }
        self.family = family
        location = found.location
        scale = exp(found.logScale)
        logLikelihood = found.value
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

/// The log-likelihood over (location, log scale), with its exact gradient.
private struct Likelihood {
    let family: ParametricFit.Family
    let observations: [ParametricFit.Observation]
    /// Logarithms of the ends of the observations: every step asks for them again.
    private let logs: [(left: Double, right: Double)]
    /// Of what the observations exceed; `nil`: of nothing.
    private let logTruncation: Double?

    init(family: ParametricFit.Family, observations: [ParametricFit.Observation], truncatedBelow: Double) {
        self.family = family
        self.observations = observations
        logs = observations.map { (log($0.left), $0.right == $0.left ? 0 : log($0.right)) }
        logTruncation = truncatedBelow > 0 ? log(truncatedBelow) : nil
    }

    struct Point {
        var location: Double
        var logScale: Double
        var value = 0.0
        var gradient = (0.0, 0.0)
    }

    /// Newton with a finite-difference Hessian of the exact gradient, damped until the likelihood grows.
    mutating func maximize() -> Point? {
        var here = start()
        evaluate(&here)
        var damping = 1e-3
        for _ in 0..<200 {
            let hessian = curvature(at: here)
            var moved: Point?
            for _ in 0..<40 {
                if let candidate = newton(here, hessian, damping), candidate.value >= here.value {
                    moved = candidate
                    break
                }
                damping = max(damping, 1e-12) * 10
            }
            guard let next = moved else { return here.value.isFinite ? here : nil }
            let gain = next.value - here.value
            let step = max(abs(next.location - here.location), abs(next.logScale - here.logScale))
            here = next
            damping *= 0.05
            if gain < 1e-13 * (1 + abs(here.value)) && step < 1e-9 { break }
        }
        // A scale that runs off to 0 or infinity means that the data do not determine the law.
        return abs(here.logScale) < 25 && here.value.isFinite ? here : nil
    }

    private func start() -> Point {
        var weight = 0.0
        var sum = 0.0
        var squares = 0.0
        for one in observations {
            let middle =
                one.right.isFinite ? (one.left > 0 ? (one.left * one.right).squareRoot() : one.right / 2) : one.left
            let value = log(max(middle, 1e-300))
            weight += one.weight
            sum += one.weight * value
            squares += one.weight * value * value
        }
        let mean = sum / weight
        let deviation = max(squares / weight - mean * mean, 0.01).squareRoot()
        return Point(location: mean, logScale: family == .exponential ? 0 : log(deviation))
    }

    private func newton(_ here: Point, _ h: (Double, Double, Double), _ damping: Double) -> Point? {
        var next = here
        let h00 = h.0 - damping * (1 + abs(h.0))
        if family == .exponential {
            guard h00 < 0 else { return nil }
            next.location -= here.gradient.0 / h00
        } else {
            let h11 = h.2 - damping * (1 + abs(h.2))
            let determinant = h00 * h11 - h.1 * h.1
            guard h00 < 0, determinant > 0 else { return nil }
            next.location -= (h11 * here.gradient.0 - h.1 * here.gradient.1) / determinant
            next.logScale -= (h00 * here.gradient.1 - h.1 * here.gradient.0) / determinant
        }
        guard abs(next.logScale - here.logScale) < 3, next.location.isFinite else { return nil }
        evaluate(&next)
        return next.value.isFinite ? next : nil
    }

    private func curvature(at here: Point) -> (Double, Double, Double) {
        let step = 1e-5
        func gradient(_ location: Double, _ logScale: Double) -> (Double, Double) {
            var point = Point(location: here.location + location, logScale: here.logScale + logScale)
            evaluate(&point)
            return point.gradient
        }
        let right = gradient(step, 0)
        let left = gradient(-step, 0)
        let above = gradient(0, step)
        let below = gradient(0, -step)
        let mixed = (right.1 - left.1 + above.0 - below.0) / (4 * step)
        return ((right.0 - left.0) / (2 * step), mixed, (above.1 - below.1) / (2 * step))
    }

    private func evaluate(_ point: inout Point) {
        let scale = exp(point.logScale)
        var value = 0.0
        var g0 = 0.0
        var g1 = 0.0
        var edge = Edge()
        func score(_ logT: Double) -> Double { (logT - point.location) / scale }
        // d/dz of log S is minus the hazard of W.
        func hazard(_ z: Double) -> Double { exp(family.logDensity(z) - family.logSurvival(z)) }
        let truncation = logTruncation.map(score)
        let truncated = truncation.map { (z: $0, logSurvival: family.logSurvival($0), hazard: hazard($0)) }
        for (one, log) in zip(observations, logs) {
            if one.left == one.right {
                let z = score(log.left)
                let slope = family.slope(z)
                value += one.weight * (family.logDensity(z) - point.logScale - log.left)
                g0 -= one.weight * slope / scale
                g1 -= one.weight * (slope * z + 1)
            } else if one.right == .infinity {
                guard one.left > 0 else { continue }
                let z = score(log.left)
                let logSurvival = family.logSurvival(z)
                let hazard = exp(family.logDensity(z) - logSurvival)
                value += one.weight * logSurvival
                g0 += one.weight * hazard / scale
                g1 += one.weight * hazard * z
            } else {
                let high = score(log.right)
                let low = one.left > 0 ? score(log.left) : -.infinity
                let logMass = logMass(low, high, &edge)
                let atHigh = exp(family.logDensity(high) - logMass)
                let atLow = low == -.infinity ? 0 : exp(family.logDensity(low) - logMass)
                value += one.weight * logMass
                g0 -= one.weight * (atHigh - atLow) / scale
                g1 -= one.weight * (atHigh * high - (atLow == 0 ? 0 : atLow * low))
            }
            if let truncated {
                value -= one.weight * truncated.logSurvival
                g0 -= one.weight * truncated.hazard / scale
                g1 -= one.weight * truncated.hazard * truncated.z
            }
        }
        point.value = value
        point.gradient = (g0, g1)
    }

    /// The upper end of the interval before and what lies on one side of it.
    private struct Edge {
        var z = Double.nan
        var isUpper = false
        var mass = 0.0
    }

    /// As `logInterval`. Where intervals are bins, one begins where the last ended, and half the work is done already.
    @inline(__always)
    private func logMass(_ low: Double, _ high: Double, _ edge: inout Edge) -> Double {
        guard family == .logNormal else { return family.logInterval(low, high) }
        let isUpper = low > 0
        func mass(_ z: Double) -> Double { isUpper ? NormalLaw.tail(z) : NormalLaw.cumulative(z) }
        let atLow = edge.z == low && edge.isUpper == isUpper ? edge.mass : mass(low)
        let atHigh = mass(high)
        edge = Edge(z: high, isUpper: isUpper, mass: atHigh)
        return log(isUpper ? atLow - atHigh : atHigh - atLow)
    }
}
