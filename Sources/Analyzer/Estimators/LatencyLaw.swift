import Glibc
public import Retry

/// How long an answer takes: a continuous law on microseconds, from durations of which many are only lower bounds.
///
/// Up to the last observed time it is Kaplan & Meier's estimate, joined by straight lines so that no optimiser can
/// exploit a step; past it, a Weibull or log-normal tail fitted by censored maximum likelihood (the one with
/// the lesser AIC) carries on, and `isExtrapolation` says so. methods: latency
public struct LatencyLaw: Sendable {
    /// Observations, as a sum of weights.
    public let observations: Double
    /// Completed ones among them.
    public let events: Double
    /// The longest duration seen, completed or not, microseconds; 0 without data.
    public let lastObservedUs: Int64
    /// P(T > last completed duration): slower than anything seen, or never.
    public let neverAnswers: Double
    /// Whether `neverAnswers` is a mass of its own and not just the end of the watch: enough completions came in the
    /// last stretch that as long a silence after them says something (Maller & Zhou 1996, α < 0.05).
    public let isNeverIdentified: Bool
    /// The law past `lastObservedUs`, conditional on getting there; `nil` where the data do not determine one.
    public let tail: ParametricFit?
    /// The curve behind the law, for intervals.
    public let curve: SurvivalCurve

    private let knotUs: [Double]
    private let knotSurvival: [Double]
    /// Area under the survival curve up to each knot.
    private let knotArea: [Double]

    /// The law of the time to success on hosts that are up: timeouts, cancels and other failures are lower bounds, and
    /// every attempt counts with P(its host was up), so that outages do not look like slow answers.
    ///
    /// - Parameters:
    ///   - host: only this host's attempts; `nil` for all.
    ///   - tailFrom: as in the initializer.
    public static func success(
        of columns: AttemptColumns, states: HostStates?, host: Int? = nil, tailFrom: [Double] = upperQuarter
    ) -> LatencyLaw {
        var durationsUs: [Int64] = []
        var isEvent: [Bool] = []
        var weights: [Double] = []
        for row in 0..<columns.count where host == nil || Int(columns.host[row]) == host {
            // Retries and hedges are made of those that were slow or failed: they are no sample of requests.
            if columns.attempt[row] > 1 || columns.hedge[row] { continue }
            durationsUs.append(columns.durationUs[row])
            isEvent.append(columns.outcome[row] == .success)
            weights.append(states?.probeUpProbability[row] ?? 1)
        }
        return LatencyLaw(durationsUs: durationsUs, isEvent: isEvent, weights: weights, tailFrom: tailFrom)
    }

    /// The law of the time to a failure that is not a timeout, among attempts that failed so.
    public static func failure(of columns: AttemptColumns, host: Int? = nil) -> LatencyLaw {
        var durationsUs: [Int64] = []
        for row in 0..<columns.count where host == nil || Int(columns.host[row]) == host {
            let outcome = columns.outcome[row]
            if outcome.isFailure && outcome != .timeout { durationsUs.append(columns.durationUs[row]) }
        }
        return LatencyLaw(
            durationsUs: durationsUs, isEvent: [Bool](repeating: true, count: durationsUs.count), weights: nil)
    }

    /// Tails fitted to the upper quarter alone: the body must not bend them.
    public static let upperQuarter = [0.75]
    /// Tails fitted to as much of the law as they describe: what shall reach far past the log needs all the evidence.
    public static let wholeBody = [0, 0.25, 0.5, 0.75, 0.9]

    /// A law from durations; `isEvent` false: a lower bound. Cost: O(n).
    ///
    /// - Parameter tailFrom: shares of the law above which a tail is fitted, ascending: the first from which on its fit
    ///   is not refuted, or the last. Where all are, two laws in unknown shares are tried if they begin at 0. None: the
    ///   law ends where the data end.
    public init(
        durationsUs: [Int64], isEvent: [Bool], weights: [Double]? = nil, tailFrom: [Double] = upperQuarter
    ) {
        let curve = SurvivalCurve(durationsUs: durationsUs, isEvent: isEvent, weights: weights)
        self.curve = curve
        observations = curve.total
        events = curve.events.reduce(0, +)
        lastObservedUs = curve.lastObservedUs ?? 0
        neverAnswers = curve.survival.last ?? 1
        isNeverIdentified = Self.isPlateau(curve)
        tail =
            tailFrom.isEmpty
            ? nil
            : TailFit(durationsUs: durationsUs, isEvent: isEvent, weights: weights, curve: curve).fit(from: tailFrom)
        var knots = Self.knots(of: curve)
        if let last = knots.last, Double(lastObservedUs) > last.us { knots.append((Double(lastObservedUs), last.s)) }
        knotUs = knots.map(\.us)
        knotSurvival = knots.map(\.s)
        var area = [max(0, knots.first?.us ?? 0)]
        for index in knots.indices.dropFirst() {
            let width = max(0, knots[index].us) - max(0, knots[index - 1].us)
            area.append(area[index - 1] + width * (knots[index].s + knots[index - 1].s) / 2)
        }
        knotArea = area
    }

    /// Where the straight lines of the law meet, as far as it was observed: times in microseconds, and P(T > each).
    var corners: (us: [Double], survival: [Double]) { (knotUs, knotSurvival) }

    /// Whether `us` lies past everything seen.
    public func isExtrapolation(_ us: Int64) -> Bool { us > lastObservedUs }

    /// P(T ≤ `us`), continuous; past the last observed time by the tail.
    public func probability(withinUs us: Double) -> Double { 1 - survival(us) }

    /// P(T ≤ `us`) from observed times alone: past the last it stays where it is.
    public func observedProbability(withinUs us: Double) -> Double { 1 - survival(min(us, Double(lastObservedUs))) }

    /// P(T > `us`).
    public func survival(_ us: Double) -> Double {
        guard let last = knotUs.last, let lastSurvival = knotSurvival.last else { return 1 }
        if us >= last {
            guard let tail, us > last, !isNeverIdentified else { return lastSurvival }
            return lastSurvival * ratio(tail, us, past: last)
        }
        let index = firstKnot(after: us)
        if index == 0 { return 1 }
        let share = (us - knotUs[index - 1]) / (knotUs[index] - knotUs[index - 1])
        return knotSurvival[index - 1] + share * (knotSurvival[index] - knotSurvival[index - 1])
    }

    /// E[min(T, `us`)] in microseconds.
    public func truncatedMeanUs(_ us: Double) -> Double {
        guard let last = knotUs.last, let lastArea = knotArea.last else { return max(0, us) }
        if us > last { return lastArea + tailArea(from: last, to: us) }
        let index = firstKnot(after: us)
        if index == 0 { return max(0, us) }
        return knotArea[index - 1] + (us - knotUs[index - 1]) * (knotSurvival[index - 1] + survival(us)) / 2
    }

    /// The least duration with P(T ≤ it) ≥ `p`; `nil` if the law never gets there or only by extrapolation.
    public func quantileUs(_ p: Double) -> Double? {
        let goal = 1 - p
        guard let last = knotSurvival.last, goal >= last - 1e-12 else { return nil }
        var low = 0
        var high = knotSurvival.count - 1
        while low < high {
            let middle = (low + high) / 2
            if knotSurvival[middle] <= goal + 1e-12 { high = middle } else { low = middle + 1 }
        }
        if low == 0 { return knotUs[0] }
        let drop = knotSurvival[low - 1] - knotSurvival[low]
        if drop <= 0 { return knotUs[low] }
        let share = min(1, (knotSurvival[low - 1] - goal) / drop)
        return knotUs[low - 1] + share * (knotUs[low] - knotUs[low - 1])
    }

    private func firstKnot(after us: Double) -> Int {
        var low = 0
        var high = knotUs.count
        while low < high {
            let middle = (low + high) / 2
            if knotUs[middle] <= us { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// S(us)/S(past) of the tail; 0/0 far out is 0.
    private func ratio(_ tail: ParametricFit, _ us: Double, past: Double) -> Double {
        let base = tail.family.logSurvival((log(past) - tail.location) / tail.scale)
        let here = tail.family.logSurvival((log(us) - tail.location) / tail.scale)
        return here.isFinite && base.isFinite ? min(1, exp(here - base)) : 0
    }

    /// ∫ S over the tail by Simpson's rule on a logarithmic scale.
    private func tailArea(from: Double, to: Double) -> Double {
        let low = log(max(from, 1))
        let width = (log(max(to, 1)) - low) / 64
        if width <= 0 { return survival(to) * (to - from) }
        var sum = 0.0
        for step in 0...64 {
            let us = exp(low + Double(step) * width)
            let factor = step == 0 || step == 64 ? 1.0 : (step % 2 == 1 ? 4.0 : 2.0)
            sum += factor * us * survival(us)
        }
        return sum * width / 3
    }
}

extension LatencyLaw {
    /// The curve as corners: each step becomes a ramp that begins at the step before, but at most one grid bin (t/8)
    /// earlier. Steps too small to see (1/4096 of the mass and 1 % of what is left) are passed over.
    private static func knots(of curve: SurvivalCurve) -> [(us: Double, s: Double)] {
        guard let first = curve.timesUs.first else { return [] }
        var knots: [(us: Double, s: Double)] = [(Double(first) - max(1, Double(first) / 8), 1)]
        for step in curve.timesUs.indices {
            let last = knots[knots.count - 1]
            let survival = curve.survival[step]
            let isEnd = step == curve.timesUs.count - 1
            let drop = last.s - survival
            if !isEnd && curve.timesUs.count > 4096 && drop < 1.0 / 4096 && drop < 0.01 * last.s { continue }
            let us = Double(curve.timesUs[step])
            let rampUs = us - max(1, us / 8)
            if rampUs > last.us && knots.count > 1 {
                // What was passed over belongs to the flat part.
                let before = step > 0 ? curve.survival[step - 1] : 1
                knots.append((rampUs, before))
            }
            if us > knots[knots.count - 1].us { knots.append((us, survival)) }
        }
        return knots
    }

    /// Maller & Zhou's α = (1 − N/n)^n, N the completions in the last stretch as long as the silence after it.
    private static func isPlateau(_ curve: SurvivalCurve) -> Bool {
        // A silence shorter than half the time before it is no silence: most logs end at one limit.
        guard let lastEvent = curve.timesUs.last, let last = curve.lastObservedUs, curve.survival.last ?? 0 > 0,
            last - lastEvent > lastEvent / 2
        else { return false }
        let fromUs = 2 * lastEvent - last
        var near = 0.0
        for step in curve.timesUs.indices where curve.timesUs[step] > fromUs { near += curve.events[step] }
        return exp(curve.total * log1p(-min(near / curve.total, 1 - 1e-12))) < 0.05
    }
}
