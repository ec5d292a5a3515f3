import Retry
import Synchronization

/// One thread's share of a pass for quantiles: counts or collects the durations within the bounds of each target.
final class QuantilePart: Sendable {
    private struct State {
        /// For each target the counts of its parts, or its durations.
        var found: [[Int64]]
        var durations: [Int64] = []
        var outcomes: [Int64] = []
    }

    private let targets: [QuantileTarget]
    /// The places of each route's targets.
    private let places: [Int64: Range<Int>]
    /// A bit for each outcome wanted; `nil`: all are.
    private let wanted: UInt32?
    private let isCounting: Bool
    private let state: Mutex<State>

    /// - Parameter targets: sorted by route.
    init(_ targets: [QuantileTarget], outcomes: Set<Outcome>?, isCounting: Bool) {
        self.targets = targets
        self.isCounting = isCounting
        wanted = outcomes.map { $0.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }
        var places: [Int64: Range<Int>] = [:]
        for (place, target) in targets.enumerated() {
            places[target.route] = (places[target.route]?.lowerBound ?? place)..<place + 1
        }
        self.places = places
        let none = isCounting ? [Int64](repeating: 0, count: QuantileTarget.parts) : []
        state = Mutex(State(found: Array(repeating: none, count: targets.count)))
    }

    /// What was counted or collected.
    var found: [[Int64]] { state.withLock { $0.found } }

    /// Works on chunks until there are no more.
    func work(_ feed: ChunkFeed) {
        state.withLock { state in
            while let chunk = feed.next() {
                do throws(DecodingError) {
                    let extent = chunk.extent
                    try chunk.read(.durationUs, extent, into: &state.durations)
                    if wanted != nil { try chunk.read(.outcome, extent, into: &state.outcomes) }
                    for run in chunk.runs {
                        let rows = run.rows.lowerBound - extent.lowerBound..<run.rows.upperBound - extent.lowerBound
                        for place in places[run.route] ?? 0..<0 { take(rows, place, &state) }
                    }
                } catch {
                    feed.found(chunk.damage(error))
                }
            }
        }
    }

    private func take(_ rows: Range<Int>, _ place: Int, _ state: inout State) {
        let target = targets[place]
        let (low, high) = (target.bounds.lowerBound, target.bounds.upperBound)
        let width = target.width
        for row in rows {
            let durationUs = state.durations[row]
            guard durationUs >= low, durationUs <= high else { continue }
            if let wanted, wanted >> UInt32(truncatingIfNeeded: state.outcomes[row]) & 1 == 0 { continue }
            if isCounting {
                state.found[place][Int(UInt64(bitPattern: durationUs &- low) / width)] += 1
            } else {
                state.found[place].append(durationUs)
            }
        }
    }
}
