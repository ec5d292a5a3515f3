import Retry
import Synchronization

/// Collects the durations of every route, for quantiles of so few attempts that all of them fit into memory: their
/// columns are decoded once. Each thread collects for itself.
final class QuantileGather: Sendable {
    private struct State {
        /// By route code.
        var found: [[Int64]]
        var durations: [Int64] = []
        var outcomes: [Int64] = []
    }

    /// A bit for each outcome wanted; `nil`: all are.
    private let wanted: UInt32?
    private let state: Mutex<State>

    private init(routes: Int, wanted: UInt32?) {
        self.wanted = wanted
        state = Mutex(State(found: Array(repeating: [], count: routes)))
    }

    /// The durations by route code, and what could not be read.
    ///
    /// - Parameter outcomes: which are wanted; `nil`: all are, and outcomes are not read.
    static func run(
        _ plan: ScanPlan, outcomes: Set<Outcome>?, threads: Int
    ) throws(StoreError) -> ([[Int64]], [SegmentDamage]) {
        let feed = ChunkFeed(plan, columns: outcomes == nil ? [.durationUs] : [.durationUs, .outcome])
        let routes = plan.names[.route].count
        let parts = (0..<threads).map { _ in
            QuantileGather(routes: routes, wanted: outcomes.map { $0.reduce(0) { $0 | 1 << UInt32($1.rawValue) } })
        }
        Crew.run(parts.count, threads: threads) { parts[$0].work(feed) }
        let damage = try feed.end()
        var all = parts[0].take()
        for part in parts.dropFirst() {
            for (route, more) in part.take().enumerated() where !more.isEmpty { all[route] += more }
        }
        return (all, damage)
    }

    private func take() -> [[Int64]] {
        state.withLock { state in
            defer { state.found = [] }
            return state.found
        }
    }

    private func work(_ feed: ChunkFeed) {
        state.withLock { state in
            while let chunk = feed.next() {
                do throws(DecodingError) {
                    let extent = chunk.extent
                    try chunk.read(.durationUs, extent, into: &state.durations)
                    if wanted != nil { try chunk.read(.outcome, extent, into: &state.outcomes) }
                    for run in chunk.runs {
                        let low = run.rows.lowerBound - extent.lowerBound
                        take(run.route, low..<low + run.rows.count, &state)
                    }
                } catch {
                    feed.found(chunk.damage(error))
                }
            }
        }
    }

    private func take(_ route: Int64, _ rows: Range<Int>, _ state: inout State) {
        guard let wanted else {
            state.found[Int(route)].append(contentsOf: state.durations[rows])
            return
        }
        for row in rows where wanted >> UInt32(truncatingIfNeeded: state.outcomes[row]) & 1 != 0 {
            state.found[Int(route)].append(state.durations[row])
        }
    }
}
