import Retry

/// The table `outages`: the runs of failures of each route with no success between.
///
/// The attempts of a route are taken in order of their start, of equal starts the failures first; `cancelled` says
/// nothing. A run begins with its first failure's start and ends when its last failure was known; `recovered_us` is the
/// start of the first success after it, NULL when there is none yet; it may lie before the end, for a slow failure is
/// known late. This counts what was seen. The reports smooth it: they tell a blip from an outage, and know that a host
/// can recover unseen between two attempts.
final class OutagesTable: RouteTable {
    static let columns: [(name: String, kind: CellKind)] =
        [
            ("route", .route), ("start_us", .integer), ("end_us", .integer), ("duration_us", .integer),
            ("failures", .integer), ("hosts", .integer), ("recovered_us", .optionalInteger),
        ]

    init(view: StoreView) {
        super.init(name: "outages", columns: Self.columns, view: view)
    }

    override func estimate(_ outline: (entries: [SegmentEntry], tailRows: Int, routes: Int)) -> Double {
        let failures = Outcome.allCases.filter(\.isFailure).map { Int($0.rawValue) }
        return outline.entries.reduce(1) { sum, entry in
            sum + failures.reduce(0.0) { $0 + Double(entry.zone.outcomes[$1]) } / 2
        }
    }

    override func rows(_ filter: AttemptsFilter, columns used: UInt32, arguments: [Int64?]) -> any BlockSource {
        var filter = filter
        filter.outcomes &= ~(1 << Outcome.cancelled.rawValue)
        return Rows(
            view, width: columns.count, filter: filter, columns: [.startUs, .durationUs, .host, ColumnSet(.outcome)])
    }

    private final class Rows: RouteRows {
        private struct Failure {
            var startUs: Int64
            var endUs: Int64
            var host: Int64
            /// The first success from its start on, before the next failure.
            var recoveredUs: Int64?
        }

        override func make(route: Int64, of windows: [BlockWindow]) {
            var failures: [Failure] = []
            for window in windows {
                let (startUs, durationUs) = (window.values(.startUs), window.values(.durationUs))
                let (host, outcome) = (window.values(.host), window.values(.outcome))
                for row in window.rows.lazy.map(Int.init) where outcome[row] != Int64(Outcome.success.rawValue) {
                    failures.append(
                        Failure(startUs: startUs[row], endUs: startUs[row] &+ durationUs[row], host: host[row]))
                }
            }
            if failures.isEmpty { return }
            failures.sort { $0.startUs < $1.startUs }
            for window in windows { Self.note(window, in: &failures) }
            var first = 0
            for index in failures.indices {
                let isLast = index == failures.count - 1
                guard isLast || failures[index].recoveredUs != nil else { continue }
                add(failures[first...index], route: route)
                first = index + 1
            }
        }

        /// Notes the successes, which are in order of their start, with the failures before them.
        private static func note(_ window: BlockWindow, in failures: inout [Failure]) {
            let (startUs, outcome) = (window.values(.startUs), window.values(.outcome))
            var next = 0
            for row in window.rows.lazy.map(Int.init) where outcome[row] == Int64(Outcome.success.rawValue) {
                while next < failures.count, failures[next].startUs <= startUs[row] { next += 1 }
                guard next > 0 else { continue }
                failures[next - 1].recoveredUs = min(failures[next - 1].recoveredUs ?? .max, startUs[row])
            }
        }

        private func add(_ run: ArraySlice<Failure>, route: Int64) {
            guard let first = run.first, let last = run.last else { return }
            let endUs = run.map(\.endUs).max() ?? first.endUs
            block.add([
                route, first.startUs, endUs, endUs &- first.startUs, Int64(run.count),
                Int64(Set(run.map(\.host)).count), last.recoveredUs ?? .min,
            ])
        }
    }
}
