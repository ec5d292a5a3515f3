/// How many durations fell into each bin of the `LogGrid`: 8 bins an octave, so a quantile read off it is known to
/// within an eighth of itself.
///
/// Only the bins between the least and the greatest duration are kept. Two histograms of the same durations are equal,
/// in whatever order these came.
public struct LatencyHistogram: Equatable, Sendable {
    /// The bin of the first count.
    public private(set) var firstBin = 0
    /// How many durations fell into each bin from `firstBin` on; first and last are not 0.
    public private(set) var counts: [Int] = []
    /// How many durations there are.
    public private(set) var count = 0

    /// A histogram of nothing.
    public init() {}

    /// A histogram of durations, in microseconds.
    public init(_ durationsUs: some Sequence<Int64>) {
        for durationUs in durationsUs { add(bin: LogGrid.index(ofUs: durationUs), count: 1) }
    }

    /// A histogram of known counts.
    ///
    /// - Parameter counts: of each bin of the grid.
    public init(counts bins: Span<UInt32>) {
        precondition(bins.count == LogGrid.count, "a count of each bin (are \(bins.count))")
        var low = 0
        var high = bins.count
        while low < high, bins[low] == 0 { low += 1 }
        while high > low, bins[high - 1] == 0 { high -= 1 }
        if low == high { return }
        firstBin = low
        counts.reserveCapacity(high - low)
        for bin in low..<high {
            counts.append(Int(bins[bin]))
            count += Int(bins[bin])
        }
    }

    /// How many durations fell into a bin.
    public func count(ofBin bin: Int) -> Int {
        counts.indices.contains(bin - firstBin) ? counts[bin - firstBin] : 0
    }

    /// Adds one duration, in microseconds.
    public mutating func add(us durationUs: Int64) { add(bin: LogGrid.index(ofUs: durationUs), count: 1) }

    /// Adds as many durations to a bin.
    public mutating func add(bin: Int, count more: Int) {
        precondition((0..<LogGrid.count).contains(bin), "a bin of the grid (is \(bin))")
        precondition(more >= 0, "a number of durations (is \(more))")
        if more == 0 { return }
        reach(bin)
        counts[bin - firstBin] += more
        count += more
    }

    /// Adds one duration to each of these bins.
    public mutating func add(bins: Span<UInt16>) {
        if bins.isEmpty { return }
        var (low, high) = (bins[0], bins[0])
        for index in bins.indices {
            low = min(low, bins[index])
            high = max(high, bins[index])
        }
        precondition(high < LogGrid.count, "a bin of the grid (is \(high))")
        reach(Int(low))
        reach(Int(high))
        for index in bins.indices { counts[Int(bins[index]) - firstBin] += 1 }
        count += bins.count
    }

    private mutating func reach(_ bin: Int) {
        if counts.indices.contains(bin - firstBin) { return }
        if counts.isEmpty {
            firstBin = bin
            counts = [0]
        } else if bin < firstBin {
            counts.insert(contentsOf: repeatElement(0, count: firstBin - bin), at: 0)
            firstBin = bin
        } else if bin >= firstBin + counts.count {
            counts += repeatElement(0, count: bin - firstBin - counts.count + 1)
        }
    }

    /// Adds the durations of another histogram.
    public mutating func merge(_ other: LatencyHistogram) {
        if other.count == 0 { return }
        if count == 0 {
            self = other
            return
        }
        reach(other.firstBin)
        reach(other.firstBin + other.counts.count - 1)
        let offset = other.firstBin - firstBin
        for index in other.counts.indices { counts[offset + index] += other.counts[index] }
        count += other.count
    }

    /// The bounds between which the quantile lies, both included: those of the bin that holds it.
    ///
    /// The quantile is the least duration that is not exceeded by this share of all (nearest rank). The upper bound is
    /// less than 9/8 of the lower, from 8 µs on; in the grid's last bin it is `Int64.max`.
    ///
    /// - Parameter share: 0 ... 1.
    /// - Returns: `nil` without durations.
    public func quantileUs(_ share: Double) -> ClosedRange<Int64>? {
        guard count > 0 else { return nil }
        var before = 0
        let rank = Self.rank(of: share, among: count)
        for (offset, here) in counts.enumerated() {
            before += here
            if before >= rank { return Self.boundsUs(ofBin: firstBin + offset) }
        }
        return nil
    }

    /// The durations of a bin.
    public static func boundsUs(ofBin bin: Int) -> ClosedRange<Int64> {
        let lowUs = bin == 0 ? Int64.min : LogGrid.lowerBoundUs(bin)
        return lowUs...(bin + 1 >= LogGrid.count ? .max : max(lowUs, LogGrid.lowerBoundUs(bin + 1) - 1))
    }

    /// The place, from 1, of a quantile among so many sorted values: the nearest rank, ⌈share × count⌉.
    public static func rank(of share: Double, among count: Int) -> Int {
        precondition((0...1).contains(share), "a share of 0 ... 1 (is \(share))")
        // The product of a share such as 0.07 with 100 lies a rounding error above 7.
        let product = share * Double(count)
        let nearest = product.rounded()
        let rank = abs(product - nearest) <= 1e-12 * max(1, product) ? nearest : product.rounded(.up)
        return min(max(1, Int(rank)), max(1, count))
    }
}
