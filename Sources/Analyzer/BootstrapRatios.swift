import Glibc

/// Means of several sums over one count, resampled by units: their bootstrap-t intervals (Efron 1982; Hall 1988).
///
/// A mean of few skewed units varies more than its replicates show: a log that happens to lack long outages shows both
/// a low cost and a small spread. So each replicate is measured by its own spread, t = (log θ* − log θ)/s*, and the
/// interval is θ exp(−t s) with the quantiles of t; on logarithms, since costs are positive and skewed. s is the
/// linearised error of a ratio.
struct BootstrapRatios {
    private let ratio: [Double]
    private let relativeError: [Double]
    /// t by replicate, for each sum.
    private var scores: [[Double]]

    /// - Parameters:
    ///   - sums: for each mean, its sum by unit.
    ///   - counts: what they are divided by, by unit.
    ///   - weights: replicates × units.
    init(sums: [[Double]], counts: [Double], weights: Matrix) {
        let (units, kinds) = (counts.count, sums.count)
        var columns = Matrix(rows: units, columns: 3 * kinds + 2)
        for unit in 0..<units {
            for (kind, sum) in sums.enumerated() {
                columns[unit, 3 * kind] = sum[unit]
                columns[unit, 3 * kind + 1] = sum[unit] * sum[unit]
                columns[unit, 3 * kind + 2] = sum[unit] * counts[unit]
            }
            columns[unit, 3 * kinds] = counts[unit]
            columns[unit, 3 * kinds + 1] = counts[unit] * counts[unit]
        }
        var once = Matrix(rows: 1, columns: units)
        for unit in 0..<units { once[0, unit] = 1 }
        let whole = once.multiplied(by: columns)
        let drawn = weights.multiplied(by: columns)
        func measure(_ product: Matrix, _ row: Int, _ kind: Int) -> (ratio: Double, relative: Double) {
            let (sum, count) = (product[row, 3 * kind], product[row, 3 * kinds])
            guard sum > 0, count > 0 else { return (.nan, .nan) }
            let ratio = sum / count
            let square =
                product[row, 3 * kind + 1] - 2 * ratio * product[row, 3 * kind + 2]
                + ratio * ratio * product[row, 3 * kinds + 1]
            return (ratio, max(0, square).squareRoot() / sum)
        }
        let found = (0..<kinds).map { measure(whole, 0, $0) }
        ratio = found.map(\.ratio)
        relativeError = found.map(\.relative)
        scores = []
        for kind in 0..<kinds {
            scores.append(
                (0..<weights.rows).compactMap { row in
                    let one = measure(drawn, row, kind)
                    guard one.relative > 0 else { return nil }
                    return (log(one.ratio) - log(found[kind].ratio)) / one.relative
                })
        }
    }

    /// The interval of one mean; a point where nothing varies.
    func interval95(_ kind: Int) -> ClosedRange<Double> {
        let (middle, error) = (ratio[kind], relativeError[kind])
        guard middle.isFinite, error > 0, !scores[kind].isEmpty else {
            return middle.isFinite ? middle...middle : 0...0
        }
        let t = Bootstrap.interval95(scores[kind])
        return middle * exp(-max(0, t.upperBound) * error)...middle * exp(-min(0, t.lowerBound) * error)
    }
}
