import Glibc

/// Whether a fitted law describes durations of which some are censored: events seen in stretches of time against events
/// expected of those who were still there (Hjort 1990; Akritas 1988). methods: goodness of fit
public struct GoodnessOfFit: Equatable, Sendable {
    /// A stretch of time.
    public struct Stretch: Equatable, Sendable {
        /// Its end, in the unit of the durations; it begins where the one before ends.
        public var end: Double
        /// Durations that ended in it.
        public var seen: Double
        /// How many should have, by the law's hazard, of those under watch.
        public var expected: Double
    }

    /// The stretches.
    public private(set) var stretches: [Stretch] = []
    /// Σ (seen − expected)² / expected.
    public private(set) var statistic = 0.0
    /// The chance of a statistic as large or larger if the law is right lies within: fitting takes between none and all
    /// of the parameters off the degrees of freedom (Chernoff & Lehmann 1954).
    public private(set) var pValue: ClosedRange<Double> = 1...1

    /// Whether the law is wrong, whichever end of `pValue` holds.
    public var isRefuted: Bool { pValue.upperBound < 0.01 }

    /// Compares a law with durations; `isEvent` false: only a lower bound.
    ///
    /// - Parameters:
    ///   - parameters: how many were fitted to these very durations.
    ///   - stretches: at most so many, with as many events each; fewer where they would hold less than five.
    /// - Precondition: one event flag a duration. Cost: O(durations × (log durations + stretches)).
    public init(
        durations: [Double], isEvent: [Bool], parameters: Int, stretches: Int = 10, survival: (Double) -> Double
    ) {
        precondition(durations.count == isEvent.count, "one event flag a duration")
        let events = zip(durations, isEvent).filter { $0.1 && $0.0 > 0 }.map(\.0).sorted()
        let count = min(stretches, events.count / 5)
        guard count > parameters else { return }
        var ends: [Double] = []
        for index in 1...count {
            let end = index == count ? durations.max() ?? 0 : events[events.count * index / count - 1]
            if end > ends.last ?? 0 { ends.append(end) }
        }
        func hazard(_ t: Double) -> Double { -log(max(survival(t), 1e-300)) }
        let atEnds = ends.map(hazard)
        var seen = [Double](repeating: 0, count: ends.count)
        var expected = seen
        for (duration, isEvent) in zip(durations, isEvent) {
            for index in ends.indices {
                let before = index > 0 ? atEnds[index - 1] : 0
                if duration > ends[index] {
                    expected[index] += atEnds[index] - before
                    continue
                }
                expected[index] += hazard(duration) - before
                if isEvent { seen[index] += 1 }
                break
            }
        }
        for index in ends.indices {
            self.stretches.append(Stretch(end: ends[index], seen: seen[index], expected: expected[index]))
            let off = seen[index] - expected[index]
            statistic += expected[index] > 0 ? off * off / expected[index] : off == 0 ? 0 : .infinity
        }
        guard ends.count > parameters else { return }
        let low = Self.chiSquaredTail(statistic, degrees: ends.count - parameters)
        pValue = low...max(low, Self.chiSquaredTail(statistic, degrees: ends.count))
    }

    /// P(χ² > x): finite sums for whole degrees of freedom (Abramowitz & Stegun 26.4.4, 26.4.5).
    static func chiSquaredTail(_ x: Double, degrees: Int) -> Double {
        if x <= 0 { return 1 }
        if x == .infinity { return 0 }
        let half = x / 2
        var term = degrees % 2 == 0 ? exp(-half) : exp(-half) * (half / .pi).squareRoot() * 2
        var sum = degrees % 2 == 0 ? 0 : erfc(half.squareRoot())
        var order = degrees % 2 == 0 ? 1.0 : 1.5
        for _ in 0..<(degrees / 2) {
            sum += term
            term *= half / order
            order += 1
        }
        return min(1, sum)
    }
}
