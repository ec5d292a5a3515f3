import Glibc

/// Several laws of one family in unknown shares, by maximum likelihood from exact and censored observations: answers
/// from a cache beside answers from a disk, brief outages beside long ones. methods: mixture
public struct MixtureFit: Equatable, Sendable {
    /// One of the laws and how many durations follow it.
    public struct Part: Equatable, Sendable {
        /// The share of durations.
        public var share: Double
        /// Their law; its own log-likelihood means nothing here.
        public var law: ParametricFit
    }

    /// The parts, by ascending location.
    public private(set) var parts: [Part]
    /// Log-likelihood of the observations as durations.
    public private(set) var logLikelihood: Double
    /// EM steps of the best start.
    public private(set) var iterations = 0

    /// Akaike's criterion: −2 log-likelihood + 2 × parameters, comparable with that of a single law.
    public var aic: Double {
        let each = parts.first?.law.family == .exponential ? 1 : 2
        return -2 * logLikelihood + 2 * Double(parts.count * (each + 1) - 1)
    }

    /// P(T > t).
    public func survival(_ t: Double) -> Double { parts.reduce(0) { $0 + $1.share * $1.law.survival(t) } }

    /// Fits `count` parts by EM from several ways to cut the durations; the best is kept.
    ///
    /// - Returns: `nil` when no start leads to parts that all hold at least three durations and spread by 10⁻³ or more
    ///   in logarithms: a part that shrinks to a point has a likelihood without bound and means nothing.
    /// - Precondition: at least one part. Cost: O(observations × steps): 40 steps a start, then at most 400 from the
    ///   best two.
    public init?(_ family: ParametricFit.Family, parts count: Int, to observations: [ParametricFit.Observation]) {
        precondition(count >= 1, "a mixture has at least one part, not \(count)")
        let used = observations.filter { $0.weight > 0 && $0.right > 0 && $0.left < .infinity }
        guard !used.isEmpty else { return nil }
        // Equal shares, or ever smaller ones towards either end.
        var begun: [MixtureFit] = []
        for ratio in count == 1 ? [1.0] : [1.0, 0.25, 4, 0.06, 16] {
            guard var fit = MixtureFit(start: family, count, ratio, used) else { continue }
            if fit.maximize(family, used, steps: 40) { begun.append(fit) }
        }
        // Most starts come near the same place; from where the last steps are taken is then no matter.
        begun.sort { $0.logLikelihood > $1.logLikelihood }
        var found: [MixtureFit] = []
        for var fit in begun where found.count < 2 {
            if fit.maximize(family, used, steps: 400) { found.append(fit) }
        }
        let best = found.max { $0.logLikelihood < $1.logLikelihood }
        guard let best else { return nil }
        self = best
        parts.sort { $0.law.location < $1.law.location }
    }

    /// Cuts the durations, in order, into parts whose shares form a geometric sequence.
    private init?(
        start family: ParametricFit.Family, _ count: Int, _ ratio: Double, _ observations: [ParametricFit.Observation]
    ) {
        func middle(_ one: ParametricFit.Observation) -> Double {
            one.right == .infinity ? one.left * 1.5 : (one.left + one.right) / 2
        }
        let sorted = observations.sorted { middle($0) < middle($1) }
        let total = sorted.reduce(0) { $0 + $1.weight }
        let sizes = (0..<count).map { pow(ratio, Double($0)) }
        let whole = sizes.reduce(0, +)
        parts = []
        logLikelihood = -.infinity
        var taken = 0
        var weight = 0.0
        var goal = 0.0
        for size in sizes {
            goal += total * size / whole
            var mine: [ParametricFit.Observation] = []
            while taken < sorted.count && (weight < goal * (1 - 1e-12) || mine.isEmpty) {
                mine.append(sorted[taken])
                weight += sorted[taken].weight
                taken += 1
            }
            guard let law = ParametricFit(family, to: mine), law.scale > 1e-6 else { return nil }
            parts.append(Part(share: size / whole, law: law))
        }
    }

    /// To the maximum, or so many steps; false if a part fades or shrinks to a point.
    private mutating func maximize(
        _ family: ParametricFit.Family, _ observations: [ParametricFit.Observation], steps: Int
    ) -> Bool {
        let total = observations.reduce(0) { $0 + $1.weight }
        var work = Work(family, observations, parts: parts.count)
        for _ in 0..<steps {
            let value = work.share(parts)
            guard value.isFinite else { return false }
            let isDone = value - logLikelihood < 1e-9 * (1 + abs(value))
            logLikelihood = value
            iterations += 1
            if isDone { return true }
            for part in parts.indices {
                let sum = work.weights[part].reduce(0, +)
                let law = work.improve(parts[part].law, part)
                guard sum >= 3, law.scale >= 1e-3, law.scale < 1e10 else { return false }
                parts[part] = Part(share: sum / total, law: law)
            }
        }
        return true
    }

    /// What the steps of EM work with.
    private struct Work {
        private let observations: [ParametricFit.Observation]
        private var likelihood: ParametricLikelihood
        /// By part and observation: its log-likelihood, then how much of it belongs to the part.
        private(set) var weights: [[Double]]

        init(_ family: ParametricFit.Family, _ observations: [ParametricFit.Observation], parts: Int) {
            self.observations = observations
            likelihood = ParametricLikelihood(family, observations)
            weights = Array(repeating: Array(repeating: 0, count: observations.count), count: parts)
        }

        /// Shares the observations out; the log-likelihood of all.
        mutating func share(_ parts: [Part]) -> Double {
            let logShares = parts.map { log($0.share) }
            for (part, one) in parts.enumerated() {
                likelihood.logLikelihoods(location: one.law.location, scale: one.law.scale, into: &weights[part])
            }
            var value = 0.0
            for (index, one) in observations.enumerated() {
                var most = -Double.infinity
                for part in parts.indices { most = max(most, logShares[part] + weights[part][index]) }
                if most == -.infinity { most = 0 }
                var sum = 0.0
                for part in parts.indices {
                    weights[part][index] = exp(logShares[part] + weights[part][index] - most)
                    sum += weights[part][index]
                }
                value += one.weight * (most + log(sum))
                for part in parts.indices { weights[part][index] *= one.weight / sum }
            }
            return value
        }

        /// One of Newton's steps from where the part's law was: a step of EM need only raise the likelihood (Dempster,
        /// Laird & Rubin 1977), and from so near that one all but reaches the maximum.
        mutating func improve(_ law: ParametricFit, _ part: Int) -> ParametricFit {
            swap(&likelihood.weights, &weights[part])
            defer { swap(&likelihood.weights, &weights[part]) }
            var point = ParametricLikelihood.Point(location: law.location, logScale: log(law.scale))
            likelihood.evaluate(&point)
            likelihood.climb(&point, steps: 1)
            return ParametricFit(law.family, at: point)
        }
    }
}
