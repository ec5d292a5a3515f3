import Retry

/// What becomes of each first attempt of a log if a limit cuts it off and it is sent again.
///
/// Nothing is taken as fast that the log does not show to be: without evidence a slow request is as slow again.
/// methods: slow origin
struct SlowRows {
    /// P(slow again whatever is done), by row: 0 in an outage, where the state of the host decides.
    private(set) var ownShare: [Double]
    /// Whether second attempts of slow requests tell how long its own will take, by row.
    private(set) var isSeenAgain: [Bool]
    /// How long those took; of requests that are not slow by themselves.
    let secondLatency: LatencyTable?
    /// The ends of its 95 % interval, time by time: the fastest first.
    let secondLatencyEnds: [LatencyTable]

    init(_ columns: AttemptColumns, isOutage: [Bool], dependence: AttemptDependence, origin: SlowOrigin) {
        ownShare = origin.ownShare.map(Double.init)
        isSeenAgain = Array(repeating: false, count: columns.count)
        for row in isOutage.indices where isOutage[row] { ownShare[row] = 0 }
        guard let law = dependence.secondLaw else {
            secondLatency = nil
            secondLatencyEnds = []
            return
        }
        let isDependent = dependence.verdict == .dependent
        let answered = isDependent ? max(1e-9, law.observedProbability(withinUs: Double(dependence.limitUs))) : 1
        func share(_ us: Int64) -> Double { min(1, law.observedProbability(withinUs: Double(us)) / answered) }
        func interval(_ us: Int64) -> ClosedRange<Double> {
            Proportion(hits: law.observations * share(us), trials: law.observations).interval()
        }
        secondLatency = LatencyTable(probability: share)
        secondLatencyEnds = [
            // Nothing answers sooner than anything was seen to.
            LatencyTable { share($0) > 0 ? interval($0).upperBound : 0 }, LatencyTable { interval($0).lowerBound },
        ]
        let own = isDependent ? dependence.ownShare(ofDurationUs: dependence.limitUs) ?? 1 : 0
        var isFastAgain = [Bool?](repeating: nil, count: LogGrid.count)
        for row in isOutage.indices where !isOutage[row] && ownShare[row] >= 0.5 {
            let durationUs = columns.durationUs[row]
            if durationUs >= dependence.limitUs {
                ownShare[row] = min(ownShare[row], own)
                isSeenAgain[row] = true
                continue
            }
            if dependence.verdict != .independent { continue }
            // Slow at a limit that was not in force: only what passes there by itself.
            let bin = LogGrid.index(ofUs: durationUs)
            let limitUs = max(1, LogGrid.lowerBoundUs(bin))
            let isFast = isFastAgain[bin] ?? (dependence.verdict(atLimitUs: limitUs) == .independent)
            isFastAgain[bin] = isFast
            if isFast {
                ownShare[row] = 0
                isSeenAgain[row] = true
            }
        }
    }
}
