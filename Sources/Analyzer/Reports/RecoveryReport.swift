public import Retry

/// `recovery`: the chance that a failed attempt would succeed after a wait, on the same host and on others.
/// methods: recovery
public enum RecoveryReport {
    /// One row a route, place of the retry, failure kind and wait.
    ///
    /// - Throws: what the source throws.
    public static func table(of source: any AttemptSource, scope: SummaryScope = SummaryScope()) throws -> ReportTable {
        var table = ReportTable(title: "recovery", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: [.startUs, .durationUs, .host, .outcome]) { attempts in
            let curves = curves(of: attempts)
            return (
                rows: curves.flatMap { rows(of: $0, route: attempts.route) },
                isBinned: curves.contains { $0.curve.isBinned }
            )
        }
        for row in found.lazy.flatMap(\.rows) { table.append(row) }
        table.notes = try scope.notes(of: source, table: table)
        table.notes += [
            "Time 0 is the end of the failed attempt; recovery is the first instant at which an attempt would succeed, "
                + "as anyone's later attempts tell (interval-censored; Turnbull, EM-ICM).",
            "Bands are 95 % intervals from resampling outages and blocks of quiet time, not failures.",
            "Between two attempts the instant of recovery is unknown; its chance is spread evenly there.",
        ]
        if found.contains(where: \.isBinned) {
            table.notes.append("Interval ends were moved outward to a grid of 8 bins per octave.")
        }
        return table
    }

    /// A curve with its place and kind.
    public struct Named: Sendable {
        /// `same host` or `other host`.
        public var place: String
        /// `all failures` or an outcome's name.
        public var outcome: String
        /// The curve.
        public var curve: RecoveryCurve
    }

    /// All curves of one route: both places; all failures together, then each kind that has at least 20.
    public static func curves(of attempts: AttemptColumns) -> [Named] {
        let states = Availability(attempts).smoothed
        let outages = Outages(columns: attempts, states: states)
        let recovery = RecoveryIntervals(columns: attempts)
        var generator = SplitMix64(of: attempts)
        var found: [Named] = []
        func add(_ place: String, _ outcome: String, _ pick: (RecoveryIntervals.Failure) -> CensoredInterval?) {
            var intervals: [CensoredInterval] = []
            var units: [Int] = []
            for failure in recovery.failures {
                guard let interval = pick(failure) else { continue }
                intervals.append(interval)
                units.append(outages.unit(of: failure.row))
            }
            if intervals.isEmpty { return }
            let curve = RecoveryCurve(intervals, unit: units, using: &generator)
            found.append(Named(place: place, outcome: outcome, curve: curve))
        }
        var kinds: [Outcome?] = [nil]
        for kind in Outcome.allCases where kind.isFailure {
            let count = recovery.failures.count { $0.outcome == kind }
            if count >= 20 && count < recovery.failures.count { kinds.append(kind) }
        }
        for kind in kinds {
            let name = kind?.name ?? "all failures"
            add("same host", name) { kind == nil || $0.outcome == kind ? $0.sameHost : nil }
            add("other host", name) { kind == nil || $0.outcome == kind ? $0.otherHost : nil }
        }
        return found
    }

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("place", .text), .init("outcome", .text), .init("failures", .count),
        .init("units", .count), .init("after", .durationUs), .init("recovered", .probability),
        .init("low", .probability), .init("high", .probability),
    ]

    private static func rows(of named: Named, route: String) -> [[ReportTable.Cell]] {
        named.curve.points.map { point in
            [
                .text(route), .text(named.place), .text(named.outcome), .count(named.curve.failures),
                .count(named.curve.units), .integer(point.afterUs), .real(point.estimate), .real(point.low),
                .real(point.high),
            ]
        }
    }
}
