import Retry

/// The table `requests`: the attempts put together by route and request.
///
/// `outcome` is `success` if any attempt succeeded, or else the last attempt's; `first_failure` is the outcome of the
/// first attempt that failed, NULL if none did. `duration_us` runs from the first start to the last end, `waited_us`
/// sums the waits and `wasted_us` the durations of the attempts that did not succeed. First and last go by the
/// attempts' numbers, then by their starts.
final class RequestsTable: RouteTable {
    static let columns: [(name: String, kind: CellKind)] =
        [
            ("route", .route), ("request", .integer), ("start_us", .integer), ("end_us", .integer),
            ("duration_us", .integer), ("attempts", .integer), ("failures", .integer), ("hedges", .integer),
            ("outcome", .outcome), ("first_failure", .outcome), ("waited_us", .integer), ("wasted_us", .integer),
        ]

    init(view: StoreView) {
        super.init(name: "requests", columns: Self.columns, view: view)
    }

    override func estimate(_ outline: (entries: [SegmentEntry], tailRows: Int, routes: Int)) -> Double {
        Double(outline.entries.reduce(outline.tailRows) { $0 + ($1.isSound ? $1.zone.rows : 0) })
    }

    override func rows(_ filter: AttemptsFilter, columns used: UInt32, arguments: [Int64?]) -> any BlockSource {
        // What each of the columns needs of the attempts.
        let needs: [ColumnSet] = [
            [], [], [], .durationUs, .durationUs, [], ColumnSet(.outcome), .hedge, ColumnSet(.outcome),
            ColumnSet(.outcome), .waitUs, [.durationUs, ColumnSet(.outcome)],
        ]
        let needed = needs.enumerated().reduce(into: ColumnSet([.startUs, .request, .attempt])) { sum, need in
            if used >> UInt32(need.offset) & 1 == 1 { sum.formUnion(need.element) }
        }
        return Rows(view, columns.count, filter, needed)
    }

    private final class Rows: RouteRows {
        private let has: ColumnSet
        /// The attempts of the route by request, and the first whose request is still to come.
        private var places: [Place] = []
        private var first = 0
        private var windows: [BlockWindow] = []
        private var route: Int64 = 0

        /// A busy route has millions of requests: as rows they are in memory a few at a time.
        private static let rowsAtOnce = 1_024

        init(_ view: StoreView, _ width: Int, _ filter: AttemptsFilter, _ columns: ColumnSet) {
            has = columns
            super.init(view, for: .requests, width: width, filter: filter, columns: columns)
        }

        /// An attempt by its place, so that only what is sorted is copied.
        private struct Place {
            var request: Int64
            var window: Int32
            var row: Int32
        }

        override func make(route: Int64, of windows: [BlockWindow]) {
            (self.route, self.windows, first) = (route, windows, 0)
            places.removeAll(keepingCapacity: true)
            places.reserveCapacity(windows.reduce(0) { $0 + $1.positions.count })
            for (number, window) in windows.enumerated() {
                let request = window.values(.request)
                for row in window.rows {
                    places.append(
                        Place(request: request[Int(row)], window: Int32(truncatingIfNeeded: number), row: row))
                }
            }
            places.sort { $0.request < $1.request }
            makeMore()
        }

        override func makeMore() {
            while first < places.count, block.selected < Self.rowsAtOnce {
                var end = first + 1
                while end < places.count, places[end].request == places[first].request { end += 1 }
                add(places[first..<end])
                first = end
            }
            isUnfinished = first < places.count
            if !isUnfinished { windows = [] }
        }

        private func add(_ places: ArraySlice<Place>) {
            var attempts: ArraySlice<Place> = places
            func value(_ column: Column, _ place: Place) -> Int64 {
                has.contains(column) ? windows[Int(place.window)].values(column)[Int(place.row)] : 0
            }
            if attempts.count > 1 {
                attempts.sort {
                    (value(.attempt, $0), value(.startUs, $0)) < (value(.attempt, $1), value(.startUs, $1))
                }
            }
            var (startUs, endUs) = (Int64.max, Int64.min)
            var (failures, hedges, waitedUs, wastedUs) = (Int64(0), Int64(0), Int64(0), Int64(0))
            var (firstFailure, outcome) = (Int64(-1), Int64(0))
            var hasSuccess = false
            for place in attempts {
                let (start, duration) = (value(.startUs, place), value(.durationUs, place))
                startUs = min(startUs, start)
                endUs = max(endUs, start &+ duration)
                hedges += value(.hedge, place)
                waitedUs &+= value(.waitUs, place)
                outcome = value(.outcome, place)
                if outcome == Int64(Outcome.success.rawValue) {
                    hasSuccess = true
                    continue
                }
                wastedUs &+= duration
                if outcome == Int64(Outcome.cancelled.rawValue) { continue }
                failures += 1
                if firstFailure < 0 { firstFailure = outcome }
            }
            block.add([
                route, places[places.startIndex].request, startUs, endUs, endUs &- startUs, Int64(attempts.count),
                failures, hedges, hasSuccess ? Int64(Outcome.success.rawValue) : outcome, firstFailure, waitedUs,
                wastedUs,
            ])
        }
    }
}
