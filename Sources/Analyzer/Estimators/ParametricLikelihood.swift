import Glibc

/// The log-likelihood over (location, log scale), with its exact first and second derivatives. methods: parametric
struct ParametricLikelihood {
    let family: ParametricFit.Family
    private let observations: [ParametricFit.Observation]
    /// How much each observation counts.
    var weights: [Double]
    /// Logarithms of the ends of the observations: every step asks for them again.
    private let logs: [(left: Double, right: Double)]
    /// Of what the observations exceed; `nil`: of nothing.
    private let logTruncation: Double?

    init(_ family: ParametricFit.Family, _ observations: [ParametricFit.Observation], truncatedBelow: Double = 0) {
        self.family = family
        self.observations = observations
        weights = observations.map(\.weight)
        logs = observations.map { (log($0.left), $0.right == $0.left ? 0 : log($0.right)) }
        logTruncation = truncatedBelow > 0 ? log(truncatedBelow) : nil
    }

    /// Parameters, and the log-likelihood there.
    struct Point {
        var location: Double
        var logScale: Double
        var value = 0.0
        /// By location and by log scale.
        var gradient = (0.0, 0.0)
        /// By location twice, by both, by log scale twice.
        var curvature = (0.0, 0.0, 0.0)
    }

    /// Newton's steps, damped until the likelihood grows.
    func maximize() -> Point? {
        var here = start()
        evaluate(&here)
        climb(&here, steps: 200)
        // A scale that runs off to 0 or infinity means that the data do not determine the law.
        return abs(here.logScale) < 25 && here.value.isFinite ? here : nil
    }

    /// At most so many of these steps; none makes it worse.
    func climb(_ here: inout Point, steps: Int) {
        var damping = 1e-3
        for _ in 0..<steps {
            var moved: Point?
            for _ in 0..<40 {
                if let candidate = newton(here, damping), candidate.value >= here.value {
                    moved = candidate
                    break
                }
                damping = max(damping, 1e-12) * 10
            }
            guard let next = moved else { return }
            let gain = next.value - here.value
            let step = max(abs(next.location - here.location), abs(next.logScale - here.logScale))
            here = next
            damping *= 0.05
            if gain < 1e-13 * (1 + abs(here.value)) && step < 1e-9 { return }
        }
    }

    private func start() -> Point {
        var weight = 0.0
        var sum = 0.0
        var squares = 0.0
        for (one, counted) in zip(observations, weights) {
            let middle =
                one.right.isFinite ? (one.left > 0 ? (one.left * one.right).squareRoot() : one.right / 2) : one.left
            let value = log(max(middle, 1e-300))
            weight += counted
            sum += counted * value
            squares += counted * value * value
        }
        let mean = sum / weight
        let deviation = max(squares / weight - mean * mean, 0.01).squareRoot()
        return Point(location: mean, logScale: family == .exponential ? 0 : log(deviation))
    }

    private func newton(_ here: Point, _ damping: Double) -> Point? {
        var next = here
        let h = here.curvature
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

    /// The log-likelihood and its derivatives at the point's parameters.
    func evaluate(_ point: inout Point) {
        var sums = Sums(perScale: exp(-point.logScale))
        var edge = Edge()
        var counted = 0.0
        for index in observations.indices {
            let (one, log, weight) = (observations[index], logs[index], weights[index])
            counted += weight
            if one.left == one.right {
                let z = (log.left - point.location) * sums.perScale
                sums.value += weight * (family.logDensity(z) - point.logScale - log.left)
                sums.g1 -= weight
                sums.add(weight, z, slope: family.slope(z), bend: family.bend(z))
            } else if one.right == .infinity {
                guard one.left > 0 else { continue }
                sums.addSurvival(weight, (log.left - point.location) * sums.perScale, family)
            } else {
                let low = one.left > 0 ? (log.left - point.location) * sums.perScale : -.infinity
                let high = (log.right - point.location) * sums.perScale
                sums.add(weight, between(low, high, &edge))
            }
        }
        if let logTruncation {
            sums.addSurvival(-counted, (logTruncation - point.location) * sums.perScale, family)
        }
        point.value = sums.value
        point.gradient = (sums.g0 * sums.perScale, sums.g1)
        point.curvature = (sums.h00 * sums.perScale * sums.perScale, sums.h01 * sums.perScale, sums.h11)
    }

    /// The log-likelihood of each observation, of weight 1, as a duration.
    func logLikelihoods(location: Double, scale: Double, into values: inout [Double]) {
        let (perScale, logScale) = (1 / scale, log(scale))
        var edge = Edge()
        for index in observations.indices {
            let (one, log) = (observations[index], logs[index])
            let left = (log.left - location) * perScale
            if one.left == one.right {
                values[index] = family.logDensity(left) - logScale - log.left
            } else if one.right == .infinity {
                values[index] = one.left > 0 ? family.logSurvival(left) : 0
            } else {
                let low = one.left > 0 ? left : -.infinity
                values[index] = between(low, (log.right - location) * perScale, &edge).logMass
            }
        }
    }

    /// The upper end of the interval before, and what was worked out for it: where intervals are bins, one begins where
    /// the last ended.
    private struct Edge {
        var z = Double.nan
        /// Normal: what lies beyond on the side of `isUpper`; extreme value: e^z.
        var mass = 0.0
        var density = 0.0
        var isUpper = false
    }

    @inline(__always)
    private func between(_ low: Double, _ high: Double, _ edge: inout Edge) -> Between {
        switch family {
        case .logNormal:
            let isUpper = low > 0
            let isKnown = edge.z == low && edge.isUpper == isUpper
            func mass(_ z: Double) -> Double { isUpper ? NormalLaw.tail(z) : NormalLaw.cumulative(z) }
            let (massLow, densityLow) = isKnown ? (edge.mass, edge.density) : (mass(low), NormalLaw.density(low))
            edge = Edge(z: high, mass: mass(high), density: NormalLaw.density(high), isUpper: isUpper)
            let inside = isUpper ? massLow - edge.mass : edge.mass - massLow
            return Between(
                logMass: log(inside), low: Between.End(z: low, share: densityLow / inside, slope: -low),
                high: Between.End(z: high, share: edge.density / inside, slope: -high))
        case .exponential, .weibull:
            let begun = edge.z == low ? edge.mass : exp(low)
            edge = Edge(z: high, mass: exp(high))
            // Of those that reach the interval, 1 − e^(−(e^high − e^low)) do not outlast it.
            let ended = -expm1(begun - edge.mass)
            return Between(
                logMass: log(ended) - begun, low: Between.End(z: low, share: begun / ended, slope: 1 - begun),
                high: Between.End(
                    z: high, share: ended < 1 ? edge.mass * (1 - ended) / ended : 0, slope: 1 - edge.mass))
        case .logLogistic:
            let logMass = family.logInterval(low, high)
            func end(_ z: Double) -> Between.End {
                let share = z == -.infinity ? 0 : exp(family.logDensity(z) - logMass)
                return Between.End(z: z, share: share, slope: family.slope(z))
            }
            return Between(logMass: logMass, low: end(low), high: end(high))
        }
    }
}

/// Sums over observations, by score z = (log t − location)/scale; powers of the scale are left to the end.
private struct Sums {
    let perScale: Double
    var value = 0.0
    var g0 = 0.0
    var g1 = 0.0
    var h00 = 0.0
    var h01 = 0.0
    var h11 = 0.0

    init(perScale: Double) { self.perScale = perScale }

    /// The derivatives of a function of z with these first and second derivatives.
    @inline(__always)
    mutating func add(_ weight: Double, _ z: Double, slope: Double, bend: Double) {
        g0 -= weight * slope
        g1 -= weight * slope * z
        h00 += weight * bend
        h01 += weight * (slope + z * bend)
        h11 += weight * z * (slope + z * bend)
    }

    /// log P(W > z), whose slope is minus the hazard.
    @inline(__always)
    mutating func addSurvival(_ weight: Double, _ z: Double, _ family: ParametricFit.Family) {
        let logSurvival = family.logSurvival(z)
        let hazard = exp(family.logDensity(z) - logSurvival)
        value += weight * logSurvival
        add(weight, z, slope: -hazard, bend: -hazard * (family.slope(z) + hazard))
    }

    /// log P(low < W ≤ high).
    @inline(__always)
    mutating func add(_ weight: Double, _ between: Between) {
        let (low, high) = (between.low, between.high)
        let first = high.share - low.share
        let second = high.z * high.share - low.z * low.share
        value += weight * between.logMass
        g0 -= weight * first
        g1 -= weight * second
        let (bendLow, bendHigh) = (low.slope * low.share, high.slope * high.share)
        h00 += weight * (bendHigh - bendLow - first * first)
        h01 += weight * (first + high.z * bendHigh - low.z * bendLow - first * second)
        h11 += weight * (second + high.z * high.z * bendHigh - low.z * low.z * bendLow - second * second)
    }
}

/// What lies between two scores.
private struct Between {
    /// The density at an end over the mass between them, and the slope of its logarithm.
    struct End {
        var z: Double
        var share: Double
        var slope: Double

        /// An end beyond which there is nothing has no part in it.
        init(z: Double, share: Double, slope: Double) {
            let isPart = share > 0 || share.isNaN
            self.z = isPart ? z : 0
            self.share = share
            self.slope = isPart ? slope : 0
        }
    }

    var logMass: Double
    var low: End
    var high: End
}
