import Retry
import Synchronization

/// Counts durations by route and outcome, segment by segment; each thread counts for itself.
///
/// Memory: the columns of one segment a thread, and two kilobytes a route and outcome.
final class HistogramScan: Sendable {
    /// Histograms by route code × 8 + outcome.
    fileprivate struct Tally {
        var slots: [Int32]
        var histograms: [LatencyHistogram] = []
        var scratch = [UInt32](repeating: 0, count: Outcome.allCases.count * LogGrid.count)
        var durations: [Int64] = []
        var outcomes: [Int64] = []
    }

    private let feed: ChunkFeed
    private let byOutcome: Bool
    private let tally: Mutex<Tally>

    private init(_ feed: ChunkFeed, routes: Int, byOutcome: Bool) {
        self.feed = feed
        self.byOutcome = byOutcome
        tally = Mutex(Tally(slots: Array(repeating: -1, count: routes * 8)))
    }

    /// The histograms of every route by code, and what could not be read.
    ///
    /// - Parameter byOutcome: `false`: all attempts are counted as successes, and outcomes are not read.
    static func run(
        _ plan: ScanPlan, threads: Int, byOutcome: Bool = true
    ) throws(StoreError) -> (histograms: [Int64: [Outcome: LatencyHistogram]], damage: [SegmentDamage]) {
        let feed = ChunkFeed(plan, columns: byOutcome ? [.durationUs, .outcome] : [.durationUs])
        let routes = plan.names[.route].count
        let parts = (0..<max(1, threads)).map { _ in HistogramScan(feed, routes: routes, byOutcome: byOutcome) }
        Crew.run(parts.count, threads: parts.count) { parts[$0].work() }
        let damage = try feed.end()
        var merged: [Int64: [Outcome: LatencyHistogram]] = [:]
        for part in parts {
            part.tally.withLock { tally in
                for (key, slot) in tally.slots.enumerated() where slot >= 0 {
                    guard let outcome = Outcome(rawValue: UInt8(key % 8)) else { continue }
                    merged[Int64(key / 8), default: [:]][outcome, default: LatencyHistogram()]
                        .merge(tally.histograms[Int(slot)])
                }
            }
        }
        return (merged, damage)
    }

    private func work() {
        tally.withLock { tally in
            while let chunk = feed.next() {
                do throws(DecodingError) {
                    let extent = chunk.extent
                    // Both columns whole, so that a damaged segment is left out whole.
                    if byOutcome { try chunk.read(.outcome, extent, into: &tally.outcomes) }
                    try chunk.read(.durationUs, extent, into: &tally.durations)
                    for run in chunk.runs {
                        let low = run.rows.lowerBound - extent.lowerBound
                        tally.count(run.route, low..<low + run.rows.count, byOutcome: byOutcome)
                    }
                } catch {
                    feed.found(chunk.damage(error))
                }
            }
        }
    }
}

extension HistogramScan.Tally {
    /// Counts a stretch of one route's rows.
    fileprivate mutating func count(_ route: Int64, _ rows: Range<Int>, byOutcome: Bool) {
        var seen: UInt32 = byOutcome ? 0 : 1
        var (low, high) = (LogGrid.count - 1, 0)
        durations.withUnsafeBufferPointer { durations in
            outcomes.withUnsafeBufferPointer { outcomes in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    for row in rows {
                        let bin = LogGrid.index(ofUs: durations[row])
                        let outcome = byOutcome ? Int(outcomes[row]) : 0
                        scratch[outcome &* LogGrid.count &+ bin] &+= 1
                        seen |= 1 &<< UInt32(truncatingIfNeeded: outcome)
                        low = min(low, bin)
                        high = max(high, bin)
                    }
                }
            }
        }
        while seen != 0 {
            let outcome = seen.trailingZeroBitCount
            seen &= seen - 1
            let key = Int(route) * 8 + outcome
            if slots[key] < 0 {
                slots[key] = Int32(histograms.count)
                histograms.append(LatencyHistogram())
            }
            let bins = outcome * LogGrid.count + low..<outcome * LogGrid.count + high + 1
            Self.add(scratch, bins, firstBin: low, to: &histograms[Int(slots[key])])
            for bin in bins { scratch[bin] = 0 }
        }
    }

    private static func add(
        _ scratch: [UInt32], _ bins: Range<Int>, firstBin: Int, to histogram: inout LatencyHistogram
    ) {
        histogram.add(scratch.span.extracting(bins), firstBin: firstBin)
    }
}
