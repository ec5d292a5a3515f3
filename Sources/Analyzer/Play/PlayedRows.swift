import Retry

/// The requests of a route whose course depends on the rule, and when all its requests began.
final class PlayedRows {
    let facts: RouteFacts
    /// The failed ones, then the slow ones; a row's place here is what its chances are drawn from.
    let firsts: [RouteFacts.First]
    /// Their places in order of their start.
    let order: [Int32]
    /// Whether each unit is an outage.
    let isOutage: [Bool]
    /// All requests as the route's rate limiter meets them, if it has one that is known.
    let limited: LimitedRows?
    /// How many requests began before each arrival, and when those of it did.
    fileprivate let arrived: [Int64]
    /// See `arrived`.
    fileprivate let arrivedUs: [Int64]
    /// The rows of each unit in order of their start.
    private let rowsOfUnit: [[Int32]]

    init(_ facts: RouteFacts) {
        self.facts = facts
        let firsts = facts.failed + facts.slow
        self.firsts = firsts
        order = firsts.indices.map { Int32($0) }.sorted { one, other in
            let (a, b) = (firsts[Int(one)].startUs, firsts[Int(other)].startUs)
            return a != b ? a < b : one < other
        }
        limited = facts.rateLimit.map { LimitedRows(firsts, facts, $0) }
        isOutage = facts.requests.indices.map { $0 < facts.outageUs.count && facts.outageUs[$0] > 0 }
        var sum: Int64 = 0
        var arrived: [Int64] = []
        arrived.reserveCapacity(facts.arrivals.count + 1)
        for arrival in facts.arrivals {
            arrived.append(sum)
            sum += arrival.count
        }
        arrived.append(sum)
        self.arrived = arrived
        arrivedUs = facts.arrivals.map(\.startUs)
        var rowsOfUnit = [[Int32]](repeating: [], count: facts.units)
        for row in order { rowsOfUnit[firsts[Int(row)].unit].append(row) }
        self.rowsOfUnit = rowsOfUnit
    }

    /// The rows of some units that follow each other, unit by unit.
    func rows(of units: Range<Int>) -> some Sequence<Int> { units.lazy.flatMap { self.rowsOfUnit[$0] }.map { Int($0) } }

    /// The units of all rows that begin within any of these stretches, as runs of units; units without rows do not
    /// end a run, for time goes on over them.
    func units(within stretches: [Range<Int64>]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        // The first unit after the last run and the empty ones that follow it.
        var reach = -1
        for unit in rowsOfUnit.indices {
            guard let first = rowsOfUnit[unit].first, let last = rowsOfUnit[unit].last else {
                if reach == unit { reach += 1 }
                continue
            }
            let (fromUs, toUs) = (firsts[Int(first)].startUs, firsts[Int(last)].startUs)
            guard stretches.contains(where: { $0.lowerBound <= toUs && fromUs < $0.upperBound }) else { continue }
            if reach == unit, let run = runs.last {
                runs[runs.count - 1] = run.lowerBound..<unit + 1
            } else {
                runs.append(unit..<unit + 1)
            }
            reach = unit + 1
        }
        return runs
    }

    /// How many requests began between two instants, both included.
    func requests(fromUs: Int64, toUs: Int64) -> Int64 {
        let (first, end) = (firstArrival(fromUs), firstArrival(toUs + 1))
        return end > first ? arrived[end] - arrived[first] : 0
    }

    /// The first arrival at or after an instant.
    func firstArrival(_ atUs: Int64) -> Int {
        var (low, high) = (0, arrivedUs.count)
        while low < high {
            let middle = (low + high) / 2
            if arrivedUs[middle] < atUs { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The first attempts of all rows under the limits of a frame.
struct BegunRows {
    /// What becomes of each.
    let starts: [AttemptPlay.Start]
    /// What is settled with them, by unit.
    private(set) var settled: [(costUs: Double, success: Double)]
    /// Where those that may go on stand in the order of the rows: most have answered and are all settled.
    let open: [Int32]
    /// Those of them that began during an outage.
    let openInOutages: [Int32]

    init(_ rows: PlayedRows, _ play: AttemptPlay) {
        let starts = rows.firsts.map(play.begin)
        self.starts = starts
        settled = Array(repeating: (0, 0), count: rows.facts.units)
        for row in rows.order {
            let (unit, fate) = (rows.firsts[Int(row)].unit, starts[Int(row)].fate)
            settled[unit].costUs += fate.costUs
            settled[unit].success += fate.success
        }
        open = rows.order.indices.lazy.filter { starts[Int(rows.order[$0])].fate.first.weight > 0 }.map { Int32($0) }
        openInOutages = open.filter { rows.isOutage[rows.firsts[Int(rows.order[Int($0)])].unit] }
    }
}

/// Counts the requests of windows that move forward in time.
struct RequestCursor {
    private let rows: PlayedRows
    /// The first arrival in the window, and the first after it.
    private var first: Int
    private var next: Int

    init(_ rows: PlayedRows, from beginUs: Int64) {
        self.rows = rows
        first = rows.firstArrival(beginUs)
        next = first
    }

    /// How many began between two instants, both included; neither may lie before that of an earlier call.
    mutating func count(from beginUs: Int64, to endUs: Int64) -> Int64 {
        (first, next) = rows.arrivedUs.withUnsafeBufferPointer { arrivedUs in
            var (first, next) = (first, next)
            while next < arrivedUs.count && arrivedUs[next] <= endUs { next += 1 }
            while first < next && arrivedUs[first] < beginUs { first += 1 }
            return (first, next)
        }
        return rows.arrived[next] - rows.arrived[first]
    }
}
