import Retry

/// The latency tables of all hosts of a route side by side, for a play that looks them up a hundred million times.
struct LatencyTables {
    private let points: [LatencyTable.Point]
    /// What is answered within the usual limit, by host.
    private let usual: [LatencyTable.Point]
    private let usualLimitUs: Int64

    init(_ tables: [LatencyTable], usualLimitUs: Int64) {
        points = tables.flatMap(\.points)
        usual = tables.map { $0.within(usualLimitUs) }
        self.usualLimitUs = usualLimitUs
    }

    /// As `LatencyTable.within`, for one host.
    @inline(__always)
    func within(_ us: Int64, _ host: Int) -> LatencyTable.Point {
        if us == usualLimitUs { return usual[host] }
        if us <= 0 { return LatencyTable.Point(share: 0, partialMeanUs: 0) }
        let first = host * LogGrid.count
        let index = LogGrid.index(ofUs: us)
        if index + 1 >= LogGrid.count { return points[first + LogGrid.count - 1] }
        return LatencyTable.between(points[first + index], points[first + index + 1], index: index, us)
    }
}
