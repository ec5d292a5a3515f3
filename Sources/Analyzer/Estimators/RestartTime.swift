import Glibc

/// How long an answer takes when every try is cut off at a limit and sent again, until one answers.
///
/// Tries are taken as independent: only where `AttemptDependence` says so may the answer be used. The law under it
/// counts tries that were cut off, so that the best limit is estimated under censoring. methods: restart
public struct RestartTime: Sendable {
    /// How long one try takes.
    public let law: LatencyLaw
    /// Time lost between two tries, microseconds.
    public let restartUs: Double

    /// Tries of one law.
    ///
    /// - Precondition: `restartUs` is not negative.
    public init(law: LatencyLaw, restartUs: Double = 0) {
        precondition(restartUs >= 0, "a restart cannot gain time (\(restartUs) us)")
        self.law = law
        self.restartUs = restartUs
    }

    /// The mean time to an answer with this limit, microseconds; infinite where no try answers within it.
    public func meanUs(limitUs: Double) -> Double {
        let answered = law.probability(withinUs: limitUs)
        if answered <= 0 { return .infinity }
        return (law.truncatedMeanUs(limitUs) + restartUs * (1 - answered)) / answered
    }

    /// The mean time that the tries of a list of limits take, microseconds, whether or not the last one answers.
    public func meanUs(limitsUs: [Double]) -> Double {
        var mean = 0.0
        for (index, limitUs) in limitsUs.enumerated().reversed() {
            let isLast = index == limitsUs.count - 1
            mean = law.truncatedMeanUs(limitUs) + law.survival(limitUs) * (isLast ? 0 : restartUs + mean)
        }
        return mean
    }

    /// The limit with the least mean among observed times; `nil` without answers, and where the least is at the end of
    /// what was observed, so that cutting off gains nothing that the log can show.
    public func best() -> (limitUs: Double, meanUs: Double)? {
        let lastUs = Double(law.lastObservedUs)
        guard lastUs > 1, law.events > 0 else { return nil }
        // The mean has many local minima where steps are sharp: look everywhere, then closely at the best place.
        let places = 2_048
        func limit(_ place: Double) -> Double { pow(lastUs, place / Double(places)) }
        var best = 1
        var least = Double.infinity
        for place in 1...places {
            let mean = meanUs(limitUs: limit(Double(place)))
            if mean < least {
                least = mean
                best = place
            }
        }
        if best == places || !least.isFinite { return nil }
        var low = Double(best - 1)
        var high = Double(best + 1)
        for _ in 0..<40 {
            let third = (high - low) / 3
            if meanUs(limitUs: limit(low + third)) < meanUs(limitUs: limit(high - third)) {
                high -= third
            } else {
                low += third
            }
        }
        let near = limit((low + high) / 2)
        let mean = meanUs(limitUs: near)
        return mean < least ? (near, mean) : (limit(Double(best)), least)
    }
}
