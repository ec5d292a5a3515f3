/// The columns of an ordered scan, of some rows.
struct ChunkRows: Sendable {
    var startUs: [Int64] = []
    var durationUs: [Int64] = []
    var host: [Int64] = []
    var outcome: [Int64] = []
    /// Only where rows of several chunks may lie among each other.
    var attempt: [Int64] = []

    init(startUs: [Int64], durationUs: [Int64], host: [Int64], outcome: [Int64], attempt: [Int64]) {
        self.startUs = startUs
        self.durationUs = durationUs
        self.host = host
        self.outcome = outcome
        self.attempt = attempt
    }

    init(_ held: ArraySlice<HeldRow>) {
        startUs = held.map(\.startUs)
        durationUs = held.map(\.durationUs)
        host = held.map(\.host)
        outcome = held.map(\.outcome)
    }

    func show(_ rows: Range<Int>, to visitor: inout some RouteVisitor) {
        if rows.isEmpty { return }
        visitor.visit(
            startUs: startUs.span.extracting(rows), durationUs: durationUs.span.extracting(rows),
            host: host.span.extracting(rows), outcome: outcome.span.extracting(rows))
    }

    /// Rows held back and some of these rows, in order.
    func merged(_ held: ArraySlice<HeldRow>, _ rows: Range<Int>, place: Int) -> [HeldRow] {
        var all: [HeldRow] = []
        all.reserveCapacity(held.count + rows.count)
        var next = held.startIndex
        for row in rows {
            let one = HeldRow(
                startUs: startUs[row], attempt: attempt[row], place: place, durationUs: durationUs[row],
                host: host[row], outcome: outcome[row])
            while next < held.endIndex, held[next] < one {
                all.append(held[next])
                next += 1
            }
            all.append(one)
        }
        all += held[next...]
        return all
    }

    /// The first of the rows that starts at that time or later.
    func firstRow(notBefore us: Int64?, _ rows: Range<Int>) -> Int {
        guard let us, let last = rows.last, startUs[last] >= us else { return rows.upperBound }
        var (low, high) = (rows.lowerBound, rows.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if startUs[middle] < us { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
