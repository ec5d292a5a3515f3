import Glibc
import Retry

/// What rules would cost on other days of the same service: its outages are drawn again, and last as long as other
/// outages might have.
///
/// A log of forty outages rarely holds the longest that will come, and what a rule costs hangs on those. So in half of
/// the replicates the longest quarter of the outages get lengths from a law that fits them (`OutageLengths`); in all,
/// the outages of a day are longer or shorter by a common factor, for days differ (`OutageDays`). What a rule costs in
/// an outage of another length is played, not extrapolated (`stretches`). methods: bootstrap over outages
struct OutageBootstrap {
    /// The lengths at which outages are played, as multiples of their own.
    static let stretches = Stretches([0.25, 0.5, 1, 2, 4, 16])
    /// With fewer there is no law of lengths to speak of.
    static let leastOutages = 6
    /// The share of replicates in which the longest outages keep the lengths that they had: no law fits them all.
    static let empiricalShare = 0.5

    private let facts: RouteFacts
    private let weights: Matrix
    /// Units that are outages with failures.
    private let outages: [Int]
    /// All other units.
    private let quiet: [Int]
    /// By outage and replicate.
    private let draws: [[Draw]]

    /// An outage in a replicate.
    private struct Draw {
        /// How often its requests count.
        var times: Double
        /// How far its length lies from one of `stretches` to the next.
        var share: Double
        var below: Int
    }

    /// `nil` where too few outages were seen.
    ///
    /// - Parameter weights: replicates × units.
    init?(_ facts: RouteFacts, weights: Matrix, seed: UInt64) {
        guard let outages = Self.outages(of: facts) else { return nil }
        self.facts = facts
        self.weights = weights
        self.outages = outages
        let isOutage = Set(outages)
        quiet = (0..<facts.units).filter { !isOutage.contains($0) }
        let lengths = OutageLengths(outages.map { facts.outageUs[$0] })
        let days = Self.days(of: outages, facts)
        var generator = SplitMix64(seed: seed, "outages")
        let none = Draw(times: 0, share: 0, below: 0)
        var draws = Array(repeating: Array(repeating: none, count: weights.rows), count: outages.count)
        for replicate in 0..<weights.rows {
            for (place, factor) in Self.drawFactors(lengths, days, &generator).enumerated() {
                let weight = weights[replicate, outages[place]]
                if weight == 0 { continue }
                let between = Self.stretches.between(factor)
                draws[place][replicate] = Draw(times: weight * factor, share: between.share, below: between.below)
            }
        }
        self.draws = draws
    }

    /// The units that are outages with failures; `nil` where they are too few.
    static func outages(of facts: RouteFacts) -> [Int]? {
        let failing = Set(facts.failed.map(\.unit))
        let outages = facts.outageUs.indices.filter { facts.outageUs[$0] > 0 && failing.contains($0) }
        return outages.count >= leastOutages ? outages : nil
    }

    /// On which day of the log each of these outages began.
    static func days(of outages: [Int], _ facts: RouteFacts) -> OutageDays {
        let firstUs = facts.arrivals.first?.startUs ?? 0
        var beginUs: [Int: Int64] = [:]
        for first in facts.failed where beginUs[first.unit] == nil { beginUs[first.unit] = first.startUs }
        return OutageDays(
            outages.map { (beginUs[$0, default: firstUs] - firstUs) / OutageDays.dayUs },
            lengths: outages.map { facts.outageUs[$0] })
    }

    /// How many times as long each outage might have lasted.
    static func drawFactors(
        _ lengths: OutageLengths, _ days: OutageDays, _ generator: inout SplitMix64
    ) -> [Double] {
        let factors = days.drawFactors(&generator)
        if generator.unit() < empiricalShare { return factors }
        return zip(lengths.drawFactors(&generator), factors).map { $0 * $1 }
    }

    /// The intervals of rules' mean costs, microseconds: central 95 % of the replicates, and what the log itself shows.
    ///
    /// - Parameters:
    ///   - costsUs: by rule and unit, as the log's outages were.
    ///   - stretched: by stretch, rule and unit: the same for each of `stretches`, while the budget refuses nothing.
    func intervals95(_ costsUs: [[Double]], stretched: [[[Double]]]) -> [ClosedRange<Double>] {
        let rules = costsUs.count
        // Quiet time is as it was; one column a rule, and requests.
        let sums = StageMeter.measure(.multiplying) {
            let columns = Matrix(rows: facts.units, columns: rules + 1) { elements in
                for (column, values) in (costsUs + [facts.requests]).enumerated() {
                    for unit in quiet { elements[column * facts.units + unit] = values[unit] }
                }
            }
            StageMeter.note(TuneTimes.Product(rows: weights.rows, inner: facts.units, columns: rules + 1))
            return weights.multiplied(by: columns)
        }
        var requests = Array(sums.column(rules))
        for (place, unit) in outages.enumerated() {
            let count = facts.requests[unit]
            for (replicate, draw) in draws[place].enumerated() { requests[replicate] += draw.times * count }
        }
        return costsUs.indices.map { rule in
            var costs = Array(sums.column(rule))
            for (place, unit) in outages.enumerated() {
                // What its requests cost more when it lasts that much longer.
                let changes = stretched.map { $0[rule][unit] - stretched[Self.stretches.usual][rule][unit] }
                for (replicate, draw) in draws[place].enumerated() where draw.times > 0 {
                    let low = changes[draw.below]
                    let change = low + draw.share * (changes[draw.below + 1] - low)
                    costs[replicate] += draw.times * max(0, costsUs[rule][unit] + change)
                }
            }
            let means = zip(costs, requests).compactMap { $1 > 0 ? $0 / $1 : nil }
            let meanUs = costsUs[rule].reduce(0, +) / facts.requestCount
            let interval = Bootstrap.interval95(means)
            return min(meanUs, interval.lowerBound)...max(meanUs, interval.upperBound)
        }
    }
}

/// Lengths at which outages are played, as multiples of their own; others lie between.
struct Stretches {
    /// Ascending; 1 is among them.
    let factors: [Double]
    /// Where 1 stands.
    let usual: Int
    private let logs: [Double]

    init(_ factors: [Double]) {
        precondition(zip(factors, factors.dropFirst()).allSatisfy { $0 < $1 }, "stretches ascend: \(factors)")
        guard let usual = factors.firstIndex(of: 1) else { preconditionFailure("1 is missing in \(factors)") }
        self.factors = factors
        self.usual = usual
        logs = factors.map { log($0) }
    }

    /// Between which two a factor lies and how far from the lower one, 0 ... 1, by its logarithm; beyond the ends, at
    /// the ends.
    func between(_ factor: Double) -> (below: Int, share: Double) {
        let place = min(max(log(factor), logs[0]), logs[logs.count - 1])
        let below = (logs.dropLast().lastIndex { $0 <= place }) ?? 0
        return (below, (place - logs[below]) / (logs[below + 1] - logs[below]))
    }
}
