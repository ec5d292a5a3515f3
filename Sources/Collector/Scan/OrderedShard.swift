import Synchronization

/// An attempt that is held back because an earlier one may still come.
struct HeldRow: Sendable {
    var startUs: Int64
    var attempt: Int64
    /// The place of its chunk, which decides between equals.
    var place: Int
    var durationUs: Int64
    var host: Int64
    var outcome: Int64

    /// Bytes of memory for one, with the slack of a growing array.
    static let footprint = 2 * MemoryLayout<HeldRow>.stride

    static func < (left: HeldRow, right: HeldRow) -> Bool {
        (left.startUs, left.attempt, left.place) < (right.startUs, right.attempt, right.place)
    }
}

/// Some routes of an ordered scan: what their visitors know and the rows that they have not seen yet.
final class OrderedShard<Visitor: RouteVisitor>: Sendable {
    private let from: Int64
    private let to: Int64
    private let state = Mutex(OrderedShardState<Visitor>())

    /// The routes with codes in from ..< to.
    init(from: Int64, to: Int64) {
        self.from = from
        self.to = to
    }

    /// Sees this shard's rows of a chunk.
    func read(_ rows: ChunkRows, of chunk: ScanChunk, _ step: ScanStep) {
        let runs = chunk.runs(from: from, to: to)
        if !runs.isEmpty { state.withLock { $0.read(rows, from: chunk.extent.lowerBound, runs, step) } }
    }

    /// Lets the visitors see what is held back: there are no more chunks.
    func finish() { state.withLock { $0.finish() } }

    /// Gives out what the visitors have to tell, by route.
    func tell(_ body: (Int64, Visitor.Output) throws -> Void) throws {
        // Not under the lock: what is called may take its time, or ask for more.
        for (route, output) in state.withLock({ $0.takeOutputs() }) { try body(route, output) }
    }
}

extension ScanChunk {
    /// The stretches of the routes with codes in from ..< to.
    func runs(from: Int64, to: Int64) -> ArraySlice<Chunk.Run> {
        func first(_ code: Int64) -> Int {
            var (low, high) = (0, runs.count)
            while low < high {
                let middle = (low + high) / 2
                if runs[middle].route < code { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let low = first(from)
        return runs[low..<max(low, first(to))]
    }
}

struct OrderedShardState<Visitor: RouteVisitor>: Sendable {
    private struct Route {
        var code: Int64
        var visitor: Visitor
        /// Sorted.
        var held: [HeldRow] = []
    }

    private var slots: [Int64: Int] = [:]
    private var routes: [Route] = []
    private var touched: [Int] = []

    /// Sees some routes' rows of a chunk whose first row is number `first` of its segment.
    mutating func read(_ chunk: ChunkRows, from first: Int, _ runs: ArraySlice<Chunk.Run>, _ step: ScanStep) {
        for run in runs {
            let slot = slot(of: run.route)
            take(slot, chunk, run.rows.lowerBound - first..<run.rows.upperBound - first, step)
            touched.append(slot)
        }
    }

    mutating func finish() {
        for slot in routes.indices {
            let held = routes[slot].held
            routes[slot].held = []
            ChunkRows(held[...]).show(0..<held.count, to: &routes[slot].visitor)
            routes[slot].visitor.finish()
        }
        touched = Array(routes.indices)
    }

    mutating func takeOutputs() -> [(Int64, Visitor.Output)] {
        var outputs: [(Int64, Visitor.Output)] = []
        for slot in touched.sorted(by: { routes[$0].code < routes[$1].code }) {
            if let output = routes[slot].visitor.takeOutput() { outputs.append((routes[slot].code, output)) }
        }
        touched.removeAll(keepingCapacity: true)
        return outputs
    }

    private mutating func slot(of route: Int64) -> Int {
        if let known = slots[route] { return known }
        slots[route] = routes.count
        routes.append(Route(code: route, visitor: Visitor(route: route)))
        return routes.count - 1
    }

    /// Takes a route's rows of a chunk: what is final is seen in order, the rest is held back.
    private mutating func take(_ slot: Int, _ chunk: ChunkRows, _ rows: Range<Int>, _ step: ScanStep) {
        let final = rows.lowerBound..<chunk.firstRow(notBefore: step.nextUs, rows)
        if !routes[slot].held.isEmpty {
            let held = routes[slot].held
            let ready = held[
                ..<(held.firstIndex { one in step.nextUs.map { one.startUs >= $0 } ?? false } ?? held.count)]
            if ready.isEmpty || final.isEmpty || held[ready.count - 1].startUs < chunk.startUs[final.lowerBound] {
                ChunkRows(ready).show(0..<ready.count, to: &routes[slot].visitor)
                chunk.show(final, to: &routes[slot].visitor)
            } else {
                let merged = chunk.merged(ready, final, place: step.place)
                ChunkRows(merged[...]).show(0..<merged.count, to: &routes[slot].visitor)
            }
            routes[slot].held.removeFirst(ready.count)
        } else {
            chunk.show(final, to: &routes[slot].visitor)
        }
        let rest = final.upperBound..<rows.upperBound
        if !rest.isEmpty { routes[slot].held = chunk.merged(routes[slot].held[...], rest, place: step.place) }
    }
}
