import Retry

/// Exact quantiles by route in bounded memory. Of few attempts all durations are collected. Of many, a count by bins
/// says between which bounds each quantile lies and at which place among the durations there; wide bounds are split and
/// counted again until few durations are left, and those are collected and sorted.
struct QuantileScan {
    /// How many durations are collected at most, apart from those of targets with few.
    static let collectLimit = 4 << 20
    /// A target with as many durations within its bounds as this is worth a count of its own.
    static let few = 8_192

    private let plan: ScanPlan
    private let shares: [Double]
    private let outcomes: Set<Outcome>
    private let threads: Int
    private let limit: Int
    private var damage: Set<SegmentDamage> = []

    init(
        _ plan: ScanPlan, shares: [Double], outcomes: Set<Outcome>, threads: Int,
        limit: Int = QuantileScan.collectLimit
    ) {
        self.plan = plan
        self.shares = shares
        self.outcomes = outcomes
        self.threads = max(1, threads)
        self.limit = limit
    }

    /// The quantiles by route name, and what could not be read.
    mutating func run() throws(StoreError) -> ([RouteQuantiles], [SegmentDamage]) {
        let rows = plan.entries.reduce(plan.tail?.extent.count ?? 0) { $0 + $1.zone.rows }
        if rows <= limit { return try gather() }
        let isEveryOne = outcomes.count == Outcome.allCases.count
        let counted = try HistogramScan.run(plan, threads: threads, byOutcome: !isEveryOne)
        damage.formUnion(counted.damage)
        var attempts: [Int64: Int] = [:]
        var targets: [QuantileTarget] = []
        for (route, histograms) in counted.histograms {
            var all = LatencyHistogram()
            for (outcome, one) in histograms where isEveryOne || outcomes.contains(outcome) { all.merge(one) }
            if all.count == 0 { continue }
            attempts[route] = all.count
            for share in shares { targets.append(QuantileTarget(route: route, share: share, of: all)) }
        }
        let few = max(1, min(Self.few, limit / max(1, targets.count)))
        targets.sort { $0.route < $1.route }
        while targets.reduce(0, { $0 + $1.pending }) > limit, targets.contains(where: { $0.pending > few }) {
            try narrow(&targets, few: few)
        }
        let values = try collect(targets)
        var found: [Int64: [Int64: Int64]] = [:]
        for (target, value) in zip(targets, values) { found[target.route, default: [:]][target.key] = value }
        let names = plan.names[.route].names
        let quantiles = attempts.map { route, attempts in
            RouteQuantiles(
                route: names[Int(route)], attempts: attempts,
                quantilesUs: shares.map { found[route]?[QuantileTarget.key(of: $0)] ?? 0 })
        }
        return (quantiles.sorted { $0.route < $1.route }, Array(damage))
    }

    /// The same of so few attempts that all of their durations are collected.
    private func gather() throws(StoreError) -> ([RouteQuantiles], [SegmentDamage]) {
        let wanted = outcomes.count < Outcome.allCases.count ? outcomes : nil
        var (durations, damage) = try QuantileGather.run(plan, outcomes: wanted, threads: threads)
        let names = plan.names[.route].names
        var quantiles: [RouteQuantiles] = []
        for route in durations.indices where !durations[route].isEmpty {
            let values = durations[route].withUnsafeMutableBufferPointer { found in
                shares.map { Selection.value(at: LatencyHistogram.rank(of: $0, among: found.count) - 1, of: found) }
            }
            quantiles.append(
                RouteQuantiles(route: names[route], attempts: durations[route].count, quantilesUs: values))
        }
        return (quantiles.sorted { $0.route < $1.route }, damage)
    }

    /// Splits the bounds of the targets with many durations and keeps the part that holds the quantile.
    private mutating func narrow(_ targets: inout [QuantileTarget], few: Int) throws(StoreError) {
        let wide = targets.indices.filter { targets[$0].pending > few }
        let counts = try scan(wide.map { targets[$0] }, isCounting: true)
        for (index, counts) in zip(wide, counts) { targets[index].narrow(by: counts) }
    }

    /// The value of each target.
    private mutating func collect(_ targets: [QuantileTarget]) throws(StoreError) -> [Int64] {
        let open = targets.indices.filter { targets[$0].pending > 0 }
        var values = targets.map(\.bounds.lowerBound)
        for (index, durations) in zip(open, try scan(open.map { targets[$0] }, isCounting: false)) {
            values[index] = durations.sorted()[targets[index].rank - 1]
        }
        return values
    }

    private mutating func scan(
        _ targets: [QuantileTarget], isCounting: Bool
    ) throws(StoreError) -> [[Int64]] {
        if targets.isEmpty { return [] }
        let columns: [Column] = outcomes.count < Outcome.allCases.count ? [.durationUs, .outcome] : [.durationUs]
        let feed = ChunkFeed(plan, columns: columns)
        let parts = (0..<threads).map { _ in
            QuantilePart(targets, outcomes: columns.count > 1 ? outcomes : nil, isCounting: isCounting)
        }
        Crew.run(parts.count, threads: threads) { parts[$0].work(feed) }
        let found = Set(try feed.end())
        guard found.isSubset(of: damage) else {
            // The places that were counted among all are no places among what is left.
            throw StoreError(
                .damaged, path: plan.reader.connection.path, "a segment could be read at first and then no more")
        }
        var joined = parts[0].found
        for part in parts.dropFirst() {
            for (index, more) in part.found.enumerated() {
                if isCounting {
                    for bin in more.indices { joined[index][bin] += more[bin] }
                } else {
                    joined[index] += more
                }
            }
        }
        return joined
    }
}

/// Where a quantile of a route lies.
struct QuantileTarget: Sendable {
    /// Into how many parts bounds are split.
    static let parts = 1024

    let route: Int64
    /// Tells the shares of one route apart.
    let key: Int64
    private(set) var bounds: ClosedRange<Int64>
    /// Its place, from 1, among the route's durations within the bounds.
    private(set) var rank: Int
    private var count: Int

    init(route: Int64, share: Double, of all: LatencyHistogram) {
        self.route = route
        key = Self.key(of: share)
        rank = LatencyHistogram.rank(of: share, among: all.count)
        var offset = 0
        while rank > all.counts[offset] {
            rank -= all.counts[offset]
            offset += 1
        }
        bounds = LatencyHistogram.boundsUs(ofBin: all.firstBin + offset)
        count = all.counts[offset]
    }

    static func key(of share: Double) -> Int64 { Int64(bitPattern: share.bitPattern) }

    /// How many durations have to be looked at; none once the bounds are one value.
    var pending: Int { bounds.lowerBound == bounds.upperBound ? 0 : count }

    /// The width of a part.
    var width: UInt64 {
        UInt64(bitPattern: bounds.upperBound &- bounds.lowerBound) / UInt64(Self.parts) + 1
    }

    mutating func narrow(by counts: [Int64]) {
        var part = 0
        while rank > counts[part] {
            rank -= Int(counts[part])
            part += 1
        }
        let low = bounds.lowerBound &+ Int64(bitPattern: UInt64(part) &* width)
        let high = low.addingReportingOverflow(Int64(bitPattern: width &- 1))
        bounds = low...(high.overflow ? bounds.upperBound : min(high.partialValue, bounds.upperBound))
        count = Int(counts[part])
    }
}
