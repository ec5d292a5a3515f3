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
    private let tally: Mutex<Tally>

    private init(_ feed: ChunkFeed, routes: Int) {
        self.feed = feed
        tally = Mutex(Tally(slots: Array(repeating: -1, count: routes * 8)))
    }

    /// The histograms of every route by code, and what could not be read.
    static func run(
        _ plan: ScanPlan, threads: Int
    ) throws(StoreError) -> (histograms: [Int64: [Outcome: LatencyHistogram]], damage: [SegmentDamage]) {
        let feed = ChunkFeed(plan, columns: [.durationUs, .outcome])
        let routes = plan.names[.route].count
        let parts = (0..<max(1, threads)).map { _ in HistogramScan(feed, routes: routes) }
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
                    try chunk.read(.outcome, extent, into: &tally.outcomes)
                    try chunk.read(.durationUs, extent, into: &tally.durations)
                    for run in chunk.runs {
                        let low = run.rows.lowerBound - extent.lowerBound
                        tally.count(run.route, low..<low + run.rows.count)
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
    fileprivate mutating func count(_ route: Int64, _ rows: Range<Int>) {
        var seen: UInt32 = 0
        durations.withUnsafeBufferPointer { durations in
            outcomes.withUnsafeBufferPointer { outcomes in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    for row in rows {
                        let outcome = Int(outcomes[row])
                        scratch[outcome &* LogGrid.count &+ LogGrid.index(ofUs: durations[row])] &+= 1
                        seen |= 1 << UInt32(truncatingIfNeeded: outcome)
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
            flush(outcome * LogGrid.count, into: Int(slots[key]))
        }
    }

    private mutating func flush(_ offset: Int, into slot: Int) {
        for bin in 0..<LogGrid.count where scratch[offset + bin] > 0 {
            histograms[slot].add(bin: bin, count: Int(scratch[offset + bin]))
            scratch[offset + bin] = 0
        }
    }
}
