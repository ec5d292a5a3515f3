import Glibc

/// P(T > t) as straight lines between corners, 1 before the first and flat after the last: what can be integrated
/// exactly. methods: hedge
struct SurvivalLine: Sendable {
    /// Ascending, microseconds.
    private(set) var us: [Double]
    /// Descending, at each corner.
    private(set) var survival: [Double]

    /// - Precondition: as many times as shares.
    init(us: [Double], survival: [Double]) {
        precondition(us.count == survival.count, "one share a corner")
        self.us = us
        self.survival = survival
    }

    /// A law as far as its data go; past them along its tail only if that is asked for.
    init(_ law: LatencyLaw, untilUs: Double, isExtrapolated: Bool) {
        (us, survival) = law.corners
        guard isExtrapolated, let last = us.last, last > 0 else { return }
        for step in 1...1024 where (us.last ?? untilUs) < untilUs {
            let next = min(untilUs, last * exp2(Double(step) / 16))
            us.append(next)
            survival.append(min(survival.last ?? 1, law.survival(next)))
        }
    }

    /// P(T > `at`).
    func value(_ at: Double) -> Double {
        guard let first = us.first, let last = us.last else { return 1 }
        if at <= first { return at < first ? 1 : survival[0] }
        if at >= last { return survival[survival.count - 1] }
        var low = 0
        var high = us.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if us[middle] <= at { low = middle } else { high = middle }
        }
        return survival[low] + (at - us[low]) / (us[high] - us[low]) * (survival[high] - survival[low])
    }

    /// The least t with P(T > t) ≤ `share`; `nil` if the line stays above.
    func time(ofShare share: Double) -> Double? {
        guard let place = survival.firstIndex(where: { $0 <= share }) else { return nil }
        if place == 0 { return us[0] }
        let drop = survival[place - 1] - survival[place]
        return us[place - 1] + (us[place] - us[place - 1]) * (survival[place - 1] - share) / drop
    }

    /// Fewer corners: those after which a 1/`steps` of the mass has gone, or a tenth of what was left.
    func thinned(steps: Double) -> SurvivalLine {
        guard let first = us.first, let start = survival.first else { return self }
        var kept = SurvivalLine(us: [first], survival: [start])
        for place in us.indices.dropFirst() {
            let before = kept.survival[kept.survival.count - 1]
            let drop = before - survival[place]
            guard place == us.count - 1 || drop > min(1 / steps, before / 10) else { continue }
            if us[place - 1] > kept.us[kept.us.count - 1] {
                kept.us.append(us[place - 1])
                kept.survival.append(survival[place - 1])
            }
            kept.us.append(us[place])
            kept.survival.append(survival[place])
        }
        return kept
    }
}
