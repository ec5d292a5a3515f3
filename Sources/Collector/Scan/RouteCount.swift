import Retry
import Synchronization

/// Counts the attempts of every route; each thread counts for itself. Only routes and starts are decoded.
final class RouteCount: Sendable {
    private struct State {
        var found: [Int64: RouteSummary] = [:]
        var starts: [Int64] = []
    }

    private let feed: ChunkFeed
    private let state = Mutex(State())

    private init(_ feed: ChunkFeed) { self.feed = feed }

    /// The routes by name, and what could not be read.
    static func run(_ plan: ScanPlan, threads: Int) throws(StoreError) -> ([RouteSummary], [SegmentDamage]) {
        let feed = ChunkFeed(plan, columns: [.startUs])
        let parts = (0..<max(1, threads)).map { _ in RouteCount(feed) }
        Crew.run(parts.count, threads: parts.count) { parts[$0].work() }
        let damage = try feed.end()
        var found: [Int64: RouteSummary] = [:]
        for part in parts {
            for (route, summary) in part.state.withLock({ $0.found }) {
                found[route] = found[route].map { $0.joined(summary) } ?? summary
            }
        }
        let names = plan.names[.route].names
        let named = found.map { code, summary in
            RouteSummary(
                route: names[Int(code)], attempts: summary.attempts, firstStartUs: summary.firstStartUs,
                lastStartUs: summary.lastStartUs)
        }
        return (named.sorted { $0.route < $1.route }, damage)
    }

    private func work() {
        state.withLock { state in
            while let chunk = feed.next() {
                do throws(DecodingError) {
                    let extent = chunk.extent
                    try chunk.read(.startUs, extent, into: &state.starts)
                    for run in chunk.runs {
                        let first = run.rows.lowerBound - extent.lowerBound
                        let here = RouteSummary(
                            route: "", attempts: run.rows.count, firstStartUs: state.starts[first],
                            lastStartUs: state.starts[first + run.rows.count - 1])
                        state.found[run.route] = state.found[run.route].map { $0.joined(here) } ?? here
                    }
                } catch {
                    feed.found(chunk.damage(error))
                }
            }
        }
    }
}

extension RouteSummary {
    fileprivate func joined(_ other: RouteSummary) -> RouteSummary {
        RouteSummary(
            route: route, attempts: attempts + other.attempts, firstStartUs: min(firstStartUs, other.firstStartUs),
            lastStartUs: max(lastStartUs, other.lastStartUs))
    }
}
