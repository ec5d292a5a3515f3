import Retry

/// Counts of durations by route and outcome. Successes, which nearly all attempts are, are counted bin by bin in one
/// table; of the others the bins are noted down, and now and then put into histograms, which keep only the bins between
/// their least and their greatest.
struct HistogramTally: Sendable {
    private typealias Eight = SIMD8<Int64>

    /// The successes by route code × bins + bin, of the routes that were met.
    private var table: [UInt32] = []
    /// Where a route's bins begin in the table, by route code; -1: nowhere yet.
    private var places: [Int]
    /// How many attempts may be counted before a bin might be full.
    private var room: Int
    private let limit: Int
    /// (route code × 8 + outcome) << 9 | bin of each attempt that was no success.
    private var noted: [UInt64] = []
    /// How many are noted at most.
    private static let most = 1 << 18
    /// By route code × 8 + outcome: what is neither in the table nor noted.
    private var settled: [LatencyHistogram]

    /// Of routes with codes below `routes`; nothing is counted yet.
    ///
    /// - Parameter limit: what a bin of the table holds at most.
    init(routes: Int, limit: Int = Int(UInt32.max)) {
        places = Array(repeating: -1, count: routes)
        settled = Array(repeating: LatencyHistogram(), count: routes * 8)
        self.limit = limit
        room = limit
        // So that it need not be moved as it grows; what is not used takes no memory.
        table.reserveCapacity(min(routes, 4_096) * LogGrid.count)
    }

    /// Counts attempts of one route as successes.
    mutating func count(_ route: Int64, _ durations: Span<Int64>) {
        if durations.count > room { empty() }
        room -= durations.count
        let first = place(Int(route))
        durations.withUnsafeBufferPointer { durations in
            table.withUnsafeMutableBufferPointer { table in
                guard let bins = table.baseAddress.map({ $0 + first }) else { return }
                for durationUs in durations { bins[LogGrid.index(ofUs: durationUs)] &+= 1 }
            }
        }
    }

    /// Counts attempts as what they are that `count` has just taken for successes, by raw values of `Outcome`.
    mutating func move(_ route: Int64, _ durations: Span<Int64>, outcomes: Span<Int64>) {
        let first = place(Int(route))
        outcomes.withUnsafeBufferPointer { outcomes in
            var row = 0
            while true {
                row = Self.other(than: Int64(Outcome.success.rawValue), in: outcomes, from: row)
                if row == outcomes.count { return }
                let bin = LogGrid.index(ofUs: durations[row])
                table[first + bin] -= 1
                noted.append(UInt64(route) << 12 | UInt64(outcomes[row]) << 9 | UInt64(bin))
                row += 1
            }
        }
        if noted.count >= Self.most { settle() }
    }

    /// The first row from `start` on that has another value; the number of rows when none has.
    private static func other(than value: Int64, in column: UnsafeBufferPointer<Int64>, from start: Int) -> Int {
        var row = start
        if let base = UnsafeRawPointer(column.baseAddress) {
            let same = Eight(repeating: value)
            while row &+ 8 <= column.count {
                // Any bit that differs; to compare lane by lane takes longer.
                let differing = base.loadUnaligned(fromByteOffset: row &* 8, as: Eight.self) ^ same
                let four = differing.lowHalf | differing.highHalf
                let two = four.lowHalf | four.highHalf
                if two.x | two.y != 0 { break }
                row &+= 8
            }
        }
        while row < column.count, column[row] == value { row &+= 1 }
        return row
    }

    private mutating func place(_ route: Int) -> Int {
        if places[route] < 0 {
            places[route] = table.count
            table.append(contentsOf: repeatElement(0, count: LogGrid.count))
        }
        return places[route]
    }

    /// Moves everything into the histograms.
    private mutating func empty() {
        let counts = table
        table = []
        for route in places.indices where places[route] >= 0 {
            let bins = counts.span.extracting(places[route]..<places[route] + LogGrid.count)
            let histogram = LatencyHistogram(counts: bins)
            settled[route * 8 + Int(Outcome.success.rawValue)].merge(histogram)
            places[route] = -1
        }
        room = limit
        settle()
    }

    /// Puts what is noted into the histograms: all of one at a time.
    private mutating func settle() {
        if noted.isEmpty { return }
        var ends = [Int](repeating: 0, count: settled.count + 1)
        for one in noted { ends[Int(one >> 9) + 1] += 1 }
        for key in settled.indices { ends[key + 1] += ends[key] }
        var bins = [UInt16](repeating: 0, count: noted.count)
        for one in noted {
            let key = Int(one >> 9)
            bins[ends[key]] = UInt16(one & 511)
            ends[key] += 1
        }
        noted.removeAll(keepingCapacity: true)
        var start = 0
        for key in settled.indices where ends[key] > start {
            settled[key].add(bins: bins.span.extracting(start..<ends[key]))
            start = ends[key]
        }
    }

    /// Adds the counts of another tally of the same routes, whose table is emptied.
    mutating func merge(_ other: inout HistogramTally) {
        empty()
        other.empty()
        for (key, more) in other.settled.enumerated() where more.count > 0 { settled[key].merge(more) }
    }

    /// What was counted, by route code; outcomes that did not occur are left out. Nothing is counted then.
    mutating func takeHistograms() -> [Int64: [Outcome: LatencyHistogram]] {
        empty()
        var found: [Int64: [Outcome: LatencyHistogram]] = [:]
        for (key, histogram) in settled.enumerated() where histogram.count > 0 {
            guard let outcome = Outcome(rawValue: UInt8(key % 8)) else { continue }
            found[Int64(key / 8), default: [:]][outcome] = histogram
        }
        settled = Array(repeating: LatencyHistogram(), count: settled.count)
        return found
    }
}
