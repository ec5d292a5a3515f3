/// Aalen & Johansen's estimate of P(T ≤ t, cause k) where several causes compete, with its variance.
///
/// F_k(t) = Σ S(t−) d_k/n. With one cause it is 1 − Kaplan–Meier, and its variance Greenwood's. methods: incidence
public struct CumulativeIncidence: Sendable {
    /// Distinct times at which any cause acted, ascending.
    public private(set) var timesUs: [Int64] = []
    /// F_k just after each time, by cause 0 ..< causes.
    public private(set) var incidence: [[Double]]
    /// Its variance.
    public private(set) var variance: [[Double]]
    /// P(T > t) just after each time.
    public private(set) var survival: [Double] = []

    /// From durations and causes; cause −1 is censored. Ties: events before censorings.
    ///
    /// - Precondition: one cause below `causes` for each duration. Cost: O(n log n + causes × times).
    public init(durationsUs: [Int64], cause: [Int], causes: Int) {
        precondition(durationsUs.count == cause.count, "one cause a duration")
        incidence = [[Double]](repeating: [], count: causes)
        variance = incidence
        let order = durationsUs.indices.sorted { durationsUs[$0] < durationsUs[$1] }
        var left = Double(durationsUs.count)
        var deaths: [[Double]] = []
        var atRisk: [Double] = []
        var position = 0
        while position < order.count {
            let timeUs = durationsUs[order[position]]
            var died = [Double](repeating: 0, count: causes)
            var gone = 0.0
            while position < order.count && durationsUs[order[position]] == timeUs {
                gone += 1
                let which = cause[order[position]]
                if which >= 0 { died[which] += 1 }
                position += 1
            }
            if died.contains(where: { $0 > 0 }) {
                timesUs.append(timeUs)
                deaths.append(died)
                atRisk.append(left)
            }
            left -= gone
        }
        accumulate(deaths, atRisk)
    }

    private mutating func accumulate(_ deaths: [[Double]], _ atRisk: [Double]) {
        var before = 1.0
        var level = [Double](repeating: 0, count: incidence.count)
        // The variance is quadratic in F(t), so three running sums per cause replace the double sum over times.
        var sums = [VarianceSums](repeating: VarianceSums(), count: incidence.count)
        for step in timesUs.indices {
            let n = atRisk[step]
            let all = deaths[step].reduce(0, +)
            for cause in incidence.indices {
                let d = deaths[step][cause]
                level[cause] += before * d / n
                sums[cause].add(level: level[cause], before: before, atRisk: n, all: all, own: d)
                incidence[cause].append(level[cause])
                variance[cause].append(sums[cause].variance(level: level[cause]))
            }
            before *= all < n ? 1 - all / n : 0
            survival.append(before)
        }
    }

    /// F_k(`us`).
    public func incidence(cause: Int, atUs us: Int64) -> Double {
        let step = timesUs.lastIndex { $0 <= us }
        return step.map { incidence[cause][$0] } ?? 0
    }

    /// The standard error of F_k(`us`).
    public func standardError(cause: Int, atUs us: Int64) -> Double {
        let step = timesUs.lastIndex { $0 <= us }
        return step.map { variance[cause][$0].squareRoot() } ?? 0
    }
}

/// Σ (F(t) − F_j)² a_j + b_j − 2 (F(t) − F_j) c_j, kept as sums that do not know t. methods: incidence
private struct VarianceSums {
    private var a = 0.0
    private var aF = 0.0
    private var aFF = 0.0
    private var b = 0.0
    private var c = 0.0
    private var cF = 0.0

    mutating func add(level: Double, before: Double, atRisk n: Double, all: Double, own d: Double) {
        let weight = all < n ? all / (n * (n - all)) : 0
        a += weight
        aF += weight * level
        aFF += weight * level * level
        b += before * before * d * (n - d) / (n * n * n)
        let mixed = before * d / (n * n)
        c += mixed
        cF += mixed * level
    }

    func variance(level: Double) -> Double {
        max(0, level * level * a - 2 * level * aF + aFF + b - 2 * (level * c - cF))
    }
}
