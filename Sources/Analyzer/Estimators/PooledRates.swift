import Glibc

/// Rates of many routes, each drawn towards what all of them show by as much as it lacks evidence of its own.
///
/// Events of a route are Poisson with its rate, rates are gamma between routes: the empirical Bayes of Robbins (1956).
/// Outages over seconds, blips over attempts, recoveries over seconds down. methods: pooled
public struct PooledRates: Equatable, Sendable {
    /// What a route shows.
    public struct Count: Equatable, Sendable {
        /// Events seen; an expected number may be a fraction.
        public var events: Double
        /// Seconds, or attempts, during which they could be seen.
        public var exposure: Double

        /// A count.
        public init(events: Double, exposure: Double) {
            self.events = events
            self.exposure = exposure
        }
    }

    /// What is known of a rate.
    public struct Rate: Equatable, Sendable {
        /// Events per unit of exposure.
        public var mean: Double
        /// Its standard deviation.
        public var deviation: Double
        /// The central 95 % (Wilson & Hilferty's approximation of the gamma law).
        public var interval: ClosedRange<Double>
    }

    /// Events that the others' evidence is worth; large when all routes are alike.
    public let shape: Double
    /// Exposure that it is worth; the mean rate is `shape / exposure`.
    public let exposure: Double

    /// Above this the routes' rates are taken as one and the same.
    public static let alike = 1e5

    /// The law of the rates, by maximum likelihood of the negative binomial counts; `nil` without exposure.
    ///
    /// Without any event half an event is supposed in all exposure together. Cost: O(routes).
    public init?(_ counts: [Count]) {
        let used = counts.filter { $0.exposure > 0 }
        let events = used.reduce(0) { $0 + $1.events }
        let seen = used.reduce(0) { $0 + $1.exposure }
        guard seen > 0 else { return nil }
        guard events > 0 else {
            shape = 0.5
            exposure = seen
            return
        }
        // Golden section on log shape; for each the exposure that fits best solves an increasing equation.
        let golden = (5.0.squareRoot() - 1) / 2
        var low = log(1e-3)
        var high = log(Self.alike)
        func value(_ place: Double) -> Double { Self.logLikelihood(used, shape: exp(place)) }
        var left = high - golden * (high - low)
        var right = low + golden * (high - low)
        var atLeft = value(left)
        var atRight = value(right)
        while high - low > 1e-7 {
            if atLeft > atRight {
                high = right
                right = left
                atRight = atLeft
                left = high - golden * (high - low)
                atLeft = value(left)
            } else {
                low = left
                left = right
                atLeft = atRight
                right = low + golden * (high - low)
                atRight = value(right)
            }
        }
        shape = exp((low + high) / 2)
        exposure = Self.exposure(used, shape: shape)
    }

    /// Σ (shape + y) b / (b + t) = n × shape, solved for b.
    private static func exposure(_ counts: [Count], shape: Double) -> Double {
        let events = counts.reduce(0) { $0 + $1.events }
        let seen = counts.reduce(0) { $0 + $1.exposure }
        var low = log(shape * seen / events) - 30
        var high = low + 60
        for _ in 0..<80 {
            let b = exp((low + high) / 2)
            let excess = counts.reduce(0) { $0 + ($1.events * b - shape * $1.exposure) / (b + $1.exposure) }
            if excess < 0 { low = log(b) } else { high = log(b) }
        }
        return exp((low + high) / 2)
    }

    private static func logLikelihood(_ counts: [Count], shape: Double) -> Double {
        let b = exposure(counts, shape: shape)
        return logLikelihood(counts, shape: shape, exposure: b)
    }

    /// Σ log P(events | shape, exposure), without what does not depend on them.
    static func logLikelihood(_ counts: [Count], shape: Double, exposure b: Double) -> Double {
        counts.reduce(0) {
            $0 + lgamma($1.events + shape) - lgamma(shape) - shape * log1p($1.exposure / b)
                - $1.events * log(b + $1.exposure)
        }
    }

    /// A route's rate, given what it shows itself; without anything of its own, what the others make likely.
    public func rate(of count: Count) -> Rate {
        let events = count.events + shape
        let seen = count.exposure + exposure
        func quantile(_ z: Double) -> Double {
            let root = 1 - 1 / (9 * events) + z / (3 * events.squareRoot())
            return events * pow(max(0, root), 3) / seen
        }
        let z = NormalLaw.factor(level: 0.95)
        return Rate(
            mean: events / seen, deviation: events.squareRoot() / seen, interval: quantile(-z)...quantile(z))
    }
}
