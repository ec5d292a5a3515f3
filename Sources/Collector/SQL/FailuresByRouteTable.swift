import Retry

/// The table `failures_by_route`: how the attempts of each route ended, all of them or those that started in
/// `failures_by_route(from_us, to_us)`, the end exclusive.
///
/// `failures` are the outcomes that are failures (not `cancelled`), `failure_share` their share of the attempts;
/// `p50_us` and `p99_us` are of the attempts that succeeded.
final class FailuresByRouteTable: RouteTable {
    static let columns: [(name: String, kind: CellKind)] =
        [("route", .route), ("attempts", .integer), ("failures", .integer), ("failure_share", .real)]
        + Outcome.allCases.map { ($0.name, CellKind.integer) }
        + [("p50_us", .optionalInteger), ("p99_us", .optionalInteger)]

    init(view: StoreView) {
        super.init(name: "failures_by_route", columns: Self.columns, arguments: ["from_us", "to_us"], view: view)
    }

    override func estimate(_ outline: (entries: [SegmentEntry], tailRows: Int, routes: Int)) -> Double {
        Double(outline.routes)
    }

    override func rows(_ filter: AttemptsFilter, columns used: UInt32, arguments: [Int64?]) -> any BlockSource {
        var filter = filter
        filter.time = RowFilter(fromUs: arguments[0], toUs: arguments[1])
        if filter.isEmpty { return NoRows() }
        let wantsQuantiles = used >> UInt32(columns.count - 2) != 0
        return Rows(view, columns.count, filter, wantsQuantiles: wantsQuantiles)
    }

    private final class Rows: RouteRows {
        private let wantsQuantiles: Bool

        init(_ view: StoreView, _ width: Int, _ filter: AttemptsFilter, wantsQuantiles: Bool) {
            self.wantsQuantiles = wantsQuantiles
            super.init(
                view, width: width, filter: filter,
                columns: wantsQuantiles ? [ColumnSet(.outcome), .durationUs] : ColumnSet(.outcome))
        }

        override func make(route: Int64, of windows: [BlockWindow]) {
            var counts = Array(repeating: Int64(0), count: Outcome.allCases.count)
            var successes: [Int64] = []
            for window in windows {
                let outcome = window.values(.outcome)
                for row in window.rows { counts[Int(outcome[Int(row)])] += 1 }
                guard wantsQuantiles else { continue }
                let durationUs = window.values(.durationUs)
                for row in window.rows.lazy.map(Int.init) where outcome[row] == Int64(Outcome.success.rawValue) {
                    successes.append(durationUs[row])
                }
            }
            let attempts = counts.reduce(0, +)
            let failures = Outcome.allCases.reduce(Int64(0)) {
                $1.isFailure ? $0 + counts[Int($1.rawValue)] : $0
            }
            successes.sort()
            let share = Double(failures) / Double(attempts)
            let quantiles = [0.5, 0.99].map { p in
                successes.isEmpty ? Int64.min : successes[LatencyHistogram.rank(of: p, among: successes.count) - 1]
            }
            block.add([route, attempts, failures, Int64(bitPattern: share.bitPattern)] + counts + quantiles)
        }
    }
}
