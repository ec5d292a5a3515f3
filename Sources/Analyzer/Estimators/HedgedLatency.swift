import Glibc

/// How long an answer takes when further attempts are sent beside a slow one, and what load they add.
///
/// Attempts are taken as independent: only where `AttemptDependence` says so may the answer be used. Queueing that the
/// extra attempts cause is not in it. methods: hedge
public struct HedgedLatency: Sendable {
    /// How long one attempt takes.
    public let law: LatencyLaw
    /// When each further attempt is sent, microseconds after the first, ascending.
    public let delaysUs: [Double]
    /// The chance with which each is sent if there is no answer by then.
    public let share: Double

    /// An attempt and its hedges.
    ///
    /// - Precondition: `share` in [0, 1], delays ascending and not negative.
    public init(law: LatencyLaw, delaysUs: [Double], share: Double = 1) {
        precondition((0...1).contains(share), "a chance lies in 0 ... 1, not \(share)")
        precondition(
            (delaysUs.first ?? 0) >= 0 && zip(delaysUs, delaysUs.dropFirst()).allSatisfy { $0 <= $1 },
            "delays ascend from 0: \(delaysUs)")
        self.law = law
        self.delaysUs = delaysUs
        self.share = share
    }

    /// P(no answer by `us`).
    public func survival(_ us: Double) -> Double {
        survival(us, hedges: delaysUs.count)
    }

    private func survival(_ us: Double, hedges: Int) -> Double {
        var product = law.survival(us)
        for delayUs in delaysUs.prefix(hedges) where us > delayUs {
            product *= 1 - share * law.probability(withinUs: us - delayUs)
        }
        return product
    }

    /// Attempts beyond the first, on average a request.
    public var extraAttempts: Double {
        delaysUs.indices.reduce(0) { $0 + share * survival(delaysUs[$1], hedges: $1) }
    }

    /// The least time by which a share `p` is answered, microseconds; `nil` where only an extrapolation gets there.
    public func quantileUs(_ p: Double) -> Double? {
        var low = 0.0
        var high = Double(law.lastObservedUs)
        if survival(high) > 1 - p { return nil }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if survival(middle) > 1 - p { low = middle } else { high = middle }
        }
        return high
    }

    /// The one hedge with the least quantile whose extra load stays within `extra`: its delay, its chance and the
    /// quantile (SingleR of Kaler, He & Elnikety 2017). `nil` where none reaches it on what was observed.
    public static func bestSingle(
        law: LatencyLaw, quantile p: Double, extra: Double
    ) -> (delayUs: Double, share: Double, quantileUs: Double)? {
        var best: (delayUs: Double, share: Double, quantileUs: Double)?
        let lastUs = Double(law.lastObservedUs)
        guard lastUs > 1 else { return nil }
        // The quantile has a kink where the load first allows every hedge to be sent, and often its least there.
        let kink = law.quantileUs(1 - extra).map { [$0] } ?? []
        for delayUs in kink + (0...1_024).map({ pow(lastUs, Double($0) / 1_024) }) {
            let share = min(1, extra / max(1e-12, law.survival(delayUs)))
            let hedged = HedgedLatency(law: law, delaysUs: [delayUs], share: share)
            guard let reached = hedged.quantileUs(p), reached < best?.quantileUs ?? .infinity else { continue }
            best = (delayUs, share, reached)
        }
        return best
    }
}
