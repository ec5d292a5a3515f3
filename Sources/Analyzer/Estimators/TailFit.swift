import Glibc
import Retry

/// Fits the tail of a law of durations, in grid bins. methods: latency
struct TailFit {
    private var completed = [Double](repeating: 0, count: LogGrid.count)
    private var censored = [Double](repeating: 0, count: LogGrid.count)
    private let curve: SurvivalCurve
    /// Where the log ends: most logs end at a limit, which lies within a bin.
    private let lastUs: Int64

    init(durationsUs: [Int64], isEvent: [Bool], weights: [Double]?, curve: SurvivalCurve) {
        self.curve = curve
        lastUs = curve.lastObservedUs ?? 0
        for index in durationsUs.indices {
            let bin = LogGrid.index(ofUs: durationsUs[index])
            let weight = weights?[index] ?? 1
            if isEvent[index] { completed[bin] += weight } else { censored[bin] += weight }
        }
    }

    /// Weibull or log-normal, whichever has the lesser AIC, above the first of these shares from which on it is not
    /// refuted. If all are and the first share is 0, the slower of two laws; else above the last share in any case.
    /// `nil` where the data do not determine one.
    func fit(from shares: [Double]) -> ParametricFit? {
        var last: ParametricFit?
        for share in shares {
            let fromUs = share == 0 ? 0 : curve.quantile(share) ?? curve.quantile(0.5) ?? curve.quantile(0.25)
            guard let fromUs else { break }
            let firstBin = share == 0 ? 0 : LogGrid.index(ofUs: fromUs)
            guard let found = fit(fromBin: firstBin) else { continue }
            last = found
            if shares.count == 1 || !isRefuted(found.share, parameters: 2, fromBin: firstBin) { return found }
        }
        return (shares.first == 0 ? slowerOfTwo() : nil) ?? last
    }

    /// The slower of two log-normal laws that together are not refuted, if it alone reaches to the end.
    private func slowerOfTwo() -> ParametricFit? {
        guard let mixture = MixtureFit(.logNormal, parts: 2, to: observations(fromBin: 0)),
            let slow = mixture.parts.last,
            !isRefuted({ mixture.survival($1) / max(1e-300, mixture.survival($0)) }, parameters: 5, fromBin: 0)
        else { return nil }
        let left = mixture.survival(Double(lastUs))
        return slow.share * slow.law.survival(Double(lastUs)) > 0.99 * left ? slow.law : nil
    }

    /// A bin's ends; the last one ends where the log does, and what was cut off in it was cut off there.
    private func edges(_ bin: Int) -> (low: Double, high: Double, isLast: Bool) {
        let (low, high) = (LogGrid.lowerBoundUs(bin), LogGrid.lowerBoundUs(bin + 1))
        let isLast = low <= lastUs && lastUs < high
        return (Double(low), isLast ? Double(max(low + 1, lastUs)) : Double(high), isLast)
    }

    private func observations(fromBin firstBin: Int) -> [ParametricFit.Observation] {
        var observations: [ParametricFit.Observation] = []
        for bin in firstBin..<LogGrid.count {
            let (low, high, isLast) = edges(bin)
            if completed[bin] > 0 { observations.append(.init(left: low, right: high, weight: completed[bin])) }
            if censored[bin] > 0 {
                let left = isLast ? high : (low + high) / 2
                observations.append(.init(left: left, right: .infinity, weight: censored[bin]))
            }
        }
        return observations
    }

    private func fit(fromBin firstBin: Int) -> ParametricFit? {
        let observations = observations(fromBin: firstBin)
        guard observations.count(where: { $0.right.isFinite }) >= 3 else { return nil }
        let fromUs = Double(LogGrid.lowerBoundUs(firstBin))
        return [ParametricFit.Family.weibull, .logNormal]
            .compactMap { ParametricFit($0, to: observations, truncatedBelow: fromUs) }
            .min { $0.aic < $1.aic }
    }

    /// Events bin by bin against those expected of what was still there (as in `GoodnessOfFit`, on bins); also where
    /// there are too few to judge. `share`: what outlasts one time of what outlasted another.
    private func isRefuted(_ share: (Double, Double) -> Double, parameters: Int, fromBin firstBin: Int) -> Bool {
        var left = 0.0
        for bin in firstBin..<LogGrid.count { left += completed[bin] + censored[bin] }
        var statistic = 0.0
        var stretches = 0
        var (seen, expected) = (0.0, 0.0)
        for bin in firstBin..<LogGrid.count {
            let (low, high, isLast) = edges(bin)
            seen += completed[bin]
            expected += (left - (isLast ? 0 : censored[bin] / 2)) * (1 - share(low, high))
            left -= completed[bin] + censored[bin]
            if expected < 5 { continue }
            statistic += (seen - expected) * (seen - expected) / expected
            stretches += 1
            (seen, expected) = (0, 0)
        }
        return stretches <= parameters
            || !(GoodnessOfFit.chiSquaredTail(statistic, degrees: stretches - parameters) >= 0.01)
    }
}

extension ParametricFit {
    /// P(T > `later` | T > `earlier`), also where both are too rare for a number of their own.
    fileprivate func share(_ earlier: Double, _ later: Double) -> Double {
        let before = family.logSurvival((log(max(earlier, 1e-9)) - location) / scale)
        let after = family.logSurvival((log(max(later, 1e-9)) - location) / scale)
        return before.isFinite && after.isFinite ? min(1, exp(after - before)) : 0
    }
}
