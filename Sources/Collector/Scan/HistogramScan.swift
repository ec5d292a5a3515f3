import Retry
import Synchronization

/// Counts durations by route and outcome, segment by segment; each thread counts for itself.
///
/// Memory: two columns of one segment a thread, and a kilobyte or two a route.
final class HistogramScan: Sendable {
    private let feed: ChunkFeed
    private let byOutcome: Bool
    private let tally: Mutex<HistogramTally>

    private init(_ feed: ChunkFeed, routes: Int, byOutcome: Bool) {
        self.feed = feed
        self.byOutcome = byOutcome
        tally = Mutex(HistogramTally(routes: routes))
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
        let histograms = parts[0].tally.withLock { all in
            for part in parts.dropFirst() {
                var more = part.tally.withLock { $0 }
                all.merge(&more)
            }
            return all.takeHistograms()
        }
        return (histograms, damage)
    }

    private func work() {
        tally.withLock { tally in
            var durations: [Int64] = []
            var outcomes: [Int64] = []
            while let chunk = feed.next() {
                do throws(DecodingError) {
                    let extent = chunk.extent
                    // Both columns whole, so that a damaged segment is left out whole.
                    if byOutcome { try chunk.read(.outcome, extent, into: &outcomes) }
                    try chunk.read(.durationUs, extent, into: &durations)
                    for run in chunk.runs {
                        let low = run.rows.lowerBound - extent.lowerBound
                        let rows = low..<low + run.rows.count
                        let span = durations.span.extracting(rows)
                        tally.count(run.route, span)
                        if byOutcome { tally.move(run.route, span, outcomes: outcomes.span.extracting(rows)) }
                    }
                } catch {
                    feed.found(chunk.damage(error))
                }
            }
        }
    }
}
