import Glibc

/// Kaplan & Meier's estimate of P(T > t) from durations some of which are only lower bounds.
///
/// S(t) = ∏ (1 − d/n) over event times ≤ t. Ties: events before censorings. Variance after Greenwood. Times are integer
/// microseconds, so ties are exact. methods: survival
public struct SurvivalCurve: Sendable {
    /// How an interval for S is kept within [0, 1].
    public enum Transform: Sendable {
        /// Symmetric on log S: R's default.
        case log
        /// Symmetric on log(−log S): never leaves [0, 1], better in small samples.
        case logLog
    }

    /// Distinct event times, ascending.
    public private(set) var timesUs: [Int64] = []
    /// Weight at risk just before each event time.
    public private(set) var atRisk: [Double] = []
    /// Weight of events at each event time.
    public private(set) var events: [Double] = []
    /// S just after each event time.
    public private(set) var survival: [Double] = []
    /// Σ d / (n (n − d)) up to each event time: the variance of log S; infinite where S is 0.
    public private(set) var greenwood: [Double] = []
    /// The longest duration, event or not; `nil` without data.
    public private(set) var lastObservedUs: Int64?
    /// The weight of all observations.
    public private(set) var total = 0.0

    /// A curve from one duration an observation; `weights` are frequencies (default 1), zero weights are left out.
    ///
    /// - Precondition: the arrays are of one length. Cost: O(n log n).
    public init(durationsUs: [Int64], isEvent: [Bool], weights: [Double]? = nil) {
        precondition(durationsUs.count == isEvent.count, "one event flag a duration")
        precondition(weights == nil || weights?.count == durationsUs.count, "one weight a duration")
        let order = RadixOrder.places(of: durationsUs)
        for index in order { total += weights?[Int(index)] ?? 1 }
        var left = total
        var product = 1.0
        var sum = 0.0
        var position = 0
        while position < order.count {
            let timeUs = durationsUs[Int(order[position])]
            var died = 0.0
            var gone = 0.0
            while position < order.count {
                let index = Int(order[position])
                if durationsUs[index] != timeUs { break }
                let weight = weights?[index] ?? 1
                gone += weight
                if isEvent[index] { died += weight }
                position += 1
            }
            if gone > 0 { lastObservedUs = timeUs }
            if died > 0 {
                // What is left of the weights after many subtractions may miss zero by rounding.
                let isLast = left - died < 1e-9 * max(1, total)
                product = isLast ? 0 : product * (1 - died / left)
                sum = isLast ? .infinity : sum + died / (left * (left - died))
                append(timeUs, atRisk: left, events: died, survival: product, greenwood: sum)
            }
            left -= gone
        }
    }

    private mutating func append(
        _ timeUs: Int64, atRisk: Double, events: Double, survival: Double, greenwood: Double
    ) {
        timesUs.append(timeUs)
        self.atRisk.append(atRisk)
        self.events.append(events)
        self.survival.append(survival)
        self.greenwood.append(greenwood)
    }

    /// The number of event times ≤ `us`.
    func position(ofUs us: Int64) -> Int {
        var low = 0
        var high = timesUs.count
        while low < high {
            let middle = (low + high) / 2
            if timesUs[middle] <= us { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// S(t) = P(T > `us`).
    public func survival(atUs us: Int64) -> Double {
        let position = position(ofUs: us)
        return position == 0 ? 1 : survival[position - 1]
    }

    /// Greenwood's standard error of S(t); 0 before the first event, `nil` where S is 0.
    public func standardError(atUs us: Int64) -> Double? {
        let position = position(ofUs: us)
        if position == 0 { return 0 }
        if survival[position - 1] == 0 { return nil }
        return survival[position - 1] * greenwood[position - 1].squareRoot()
    }

    /// A pointwise interval for S(t).
    public func interval(
        atUs us: Int64, level: Double = 0.95, transform: Transform = .logLog
    ) -> ClosedRange<Double> {
        let position = position(ofUs: us)
        if position == 0 { return 1...1 }
        return interval(step: position - 1, factor: NormalLaw.factor(level: level), transform: transform)
    }

    private func interval(step: Int, factor z: Double, transform: Transform) -> ClosedRange<Double> {
        let s = survival[step]
        if s <= 0 { return 0...1 }
        let error = greenwood[step].squareRoot()
        switch transform {
        case .log:
            return s * exp(-z * error)...min(1, s * exp(z * error))
        case .logLog:
            let spread = exp(z * error / abs(Glibc.log(s)))
            return pow(s, spread)...pow(s, 1 / spread)
        }
    }

    /// The least t with P(T ≤ t) ≥ `p`; `nil` if the curve never gets there.
    public func quantile(_ p: Double) -> Int64? {
        firstTime { survival[$0] <= 1 - p + 1e-12 }
    }

    /// The times at which the pointwise band crosses 1 − p (Brookmeyer & Crowley 1982); `nil`: never.
    public func quantileInterval(
        _ p: Double, level: Double = 0.95, transform: Transform = .logLog
    ) -> (lowerUs: Int64?, upperUs: Int64?) {
        let z = NormalLaw.factor(level: level)
        func bound(_ step: Int) -> ClosedRange<Double> {
            survival[step] == 0 ? 0...0 : interval(step: step, factor: z, transform: transform)
        }
        return (
            firstTime { bound($0).lowerBound <= 1 - p + 1e-12 }, firstTime { bound($0).upperBound <= 1 - p + 1e-12 }
        )
    }

    /// The first event time of which `isReached` holds. A band is not monotone, so no bisection.
    private func firstTime(where isReached: (Int) -> Bool) -> Int64? {
        timesUs.indices.first(where: isReached).map { timesUs[$0] }
    }

    /// Nelson & Aalen's cumulative hazard Σ d/n up to `us`.
    public func cumulativeHazard(atUs us: Int64) -> Double {
        var sum = 0.0
        for step in 0..<position(ofUs: us) { sum += events[step] / atRisk[step] }
        return sum
    }

    /// E[min(T, `us`)] and its standard error: the area under S up to `us`, in microseconds.
    public func restrictedMean(untilUs us: Int64) -> (meanUs: Double, standardErrorUs: Double) {
        let steps = position(ofUs: us)
        var rest = 0.0
        var variance = 0.0
        var until = Double(us)
        for step in stride(from: steps - 1, through: 0, by: -1) {
            rest += survival[step] * (until - Double(timesUs[step]))
            until = Double(timesUs[step])
            if atRisk[step] > events[step] {
                variance += rest * rest * events[step] / (atRisk[step] * (atRisk[step] - events[step]))
            }
        }
        return (rest + until, variance.squareRoot())
    }
}
