public import Retry

/// P(recovered within t) with a pointwise band from resampling units of evidence, not failures. methods: recovery
public struct RecoveryCurve: Sendable {
    /// One instant of the curve.
    public struct Point: Equatable, Sendable {
        /// Time since the end of the failed attempt.
        public var afterUs: Int64
        /// P(recovered within it).
        public var estimate: Double
        /// The band.
        public var low: Double
        /// See `low`.
        public var high: Double
    }

    /// The estimate.
    public let law: IntervalNPMLE
    /// The instants asked for.
    public let points: [Point]
    /// Quantiles asked for, with their intervals; `nil`: past everything observed.
    public let quantiles: [Quantile]
    /// Failed attempts and units of evidence behind it.
    public let failures: Int
    /// See `failures`.
    public let units: Int
    /// Whether the intervals were widened to the duration grid because there were too many distinct ones.
    public let isBinned: Bool

    /// A quantile of the recovery time.
    public struct Quantile: Equatable, Sendable {
        /// The share recovered.
        public var share: Double
        /// The time it takes.
        public var estimateUs: Int64?
        /// The interval.
        public var lowUs: Int64?
        /// See `lowUs`.
        public var highUs: Int64?
    }

    /// What is asked of a curve.
    public struct Request: Sendable {
        /// Instants at which the curve is wanted.
        public var atUs: [Int64]
        /// Shares whose times are wanted.
        public var shares: [Double]
        /// The coverage of band and intervals.
        public var level: Double
        /// Bootstrap replicates.
        public var replicates: Int

        /// A request; by default 1 ms ... 60 s in a 1-2-5 series, quartiles and 90 %, 200 replicates.
        public init(
            atUs: [Int64] = Request.series, shares: [Double] = [0.25, 0.5, 0.75, 0.9], level: Double = 0.95,
            replicates: Int = 200
        ) {
            self.atUs = atUs
            self.shares = shares
            self.level = level
            self.replicates = replicates
        }

        /// 1 ms, 2 ms, 5 ms ... 60 s.
        public static let series: [Int64] = [
            1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
            10_000_000, 20_000_000, 60_000_000,
        ]
    }

    /// The curve of some failures; `unit[i]` says from which unit of evidence interval `i` comes.
    ///
    /// Above 4,000 distinct intervals their ends are moved outward to the duration grid (at most 1/8 of their length).
    /// - Precondition: one unit an interval.
    public init(
        _ intervals: [CensoredInterval], unit: [Int], request: Request = Request(),
        using generator: inout some RandomNumberGenerator
    ) {
        precondition(intervals.count == unit.count, "one unit an interval")
        let isBinned = Set(intervals).count > 4_000
        let used = isBinned ? intervals.map(Self.onGrid) : intervals
        let problem = NPMLEProblem(used, weights: nil)
        let law = IntervalNPMLE(problem, start: nil, tolerance: .init())
        let numbers = Dictionary(
            Set(unit).sorted().enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
        var curves: [[Double]] = []
        var times: [[Int64?]] = []
        for _ in 0..<(intervals.isEmpty ? 0 : request.replicates) {
            var draws = [Double](repeating: 0, count: numbers.count)
            for _ in draws.indices { draws[Int.random(in: draws.indices, using: &generator)] += 1 }
            let weights = unit.map { draws[numbers[$0] ?? 0] }
            let replicate = IntervalNPMLE(
                problem.reweighted(weights), start: law.cells.map(\.mass),
                tolerance: .init(gap: 0.01, iterations: 200))
            curves.append(request.atUs.map { replicate.probability(withinUs: $0) })
            times.append(request.shares.map { replicate.quantileUs($0) })
        }
        self.law = law
        self.isBinned = isBinned
        failures = intervals.count
        units = numbers.count
        let witnesses = Witnesses(intervals, unit: unit, level: request.level)
        points = request.atUs.enumerated().map { index, atUs in
            let estimate = law.probability(withinUs: atUs)
            let band = Self.band(curves.map { $0[index] }, level: request.level)
            // One unit has nothing to vary: the band says so instead of vanishing.
            let range = numbers.count > 1 ? witnesses.widened(band ?? 0...1, estimate, atUs: atUs) : 0...1
            return Point(
                afterUs: atUs, estimate: estimate, low: min(range.lowerBound, estimate),
                high: max(range.upperBound, estimate))
        }
        quantiles = request.shares.enumerated().map { index, share in
            let sorted = times.map { $0[index] ?? .max }.sorted()
            let range = Self.band(sorted, level: request.level)
            let isWide = numbers.count > 1
            return Quantile(
                share: share, estimateUs: law.quantileUs(share),
                lowUs: isWide ? range.flatMap { $0.lowerBound == .max ? nil : $0.lowerBound } : 0,
                highUs: isWide ? range.flatMap { $0.upperBound == .max ? nil : $0.upperBound } : nil)
        }
    }

    /// Both ends moved outward to bin edges.
    static func onGrid(_ interval: CensoredInterval) -> CensoredInterval {
        let leftUs =
            interval.leftUs <= 0 ? 0 : LogGrid.lowerBoundUs(LogGrid.index(ofUs: interval.leftUs))
        if interval.isRightCensored { return CensoredInterval(leftUs: leftUs, rightUs: .max) }
        let bin = LogGrid.index(ofUs: interval.rightUs)
        let edgeUs = LogGrid.lowerBoundUs(bin)
        let rightUs = edgeUs == interval.rightUs ? edgeUs : LogGrid.lowerBoundUs(bin + 1)
        return CensoredInterval(leftUs: min(leftUs, rightUs - 1), rightUs: max(rightUs, interval.rightUs))
    }

    private static func band<Value: Comparable>(_ values: [Value], level: Double) -> ClosedRange<Value>? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let cut = Int((Double(sorted.count) * (1 - level) / 2).rounded(.down))
        return sorted[cut]...sorted[sorted.count - 1 - cut]
    }
}

/// The units of evidence that know of an instant whether they had recovered by then.
private struct Witnesses {
    /// Of each unit, when the first and the last of its failures can be told from the instant.
    private var earliestUs: [Int: Int64] = [:]
    private var latestUs: [Int: Int64] = [:]
    private let level: Double

    init(_ intervals: [CensoredInterval], unit: [Int], level: Double) {
        self.level = level
        for (interval, unit) in zip(intervals, unit) {
            earliestUs[unit] = min(earliestUs[unit] ?? .max, interval.leftUs)
            latestUs[unit] = max(latestUs[unit] ?? 0, interval.rightUs)
        }
    }

    /// A band in which all replicates agree says only that resampling shows no other: then as many units as know of the
    /// instant bound the share, after Wilson; without one, nothing is known.
    func widened(_ band: ClosedRange<Double>, _ estimate: Double, atUs: Int64) -> ClosedRange<Double> {
        guard band.upperBound - band.lowerBound < 1e-9 else { return band }
        let before = earliestUs.values.count { $0 >= atUs }
        let known = before + latestUs.values.count { $0 <= atUs }
        let share = Proportion(hits: estimate * Double(known), trials: Double(known)).interval(level: level)
        return min(band.lowerBound, share.lowerBound)...max(band.upperBound, share.upperBound)
    }
}
