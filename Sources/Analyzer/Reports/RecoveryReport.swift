public import Retry

/// `recovery`: the chance that a failed attempt would succeed after a wait, on the same host and on others.
/// methods: recovery
public enum RecoveryReport {
    /// One row a route, place of the retry, failure kind and wait.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "recovery", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: HostStateSmoother.columns) { attempts in
            let curves = curves(of: attempts, isDense: isDrawn)
            return (
                rows: curves.flatMap { rows(of: $0, route: attempts.route) },
                figures: isDrawn ? figures(of: curves, route: attempts.route) : [],
                isBinned: curves.contains { $0.curve.isBinned }
            )
        }
        for row in found.lazy.flatMap(\.rows) { table.append(row) }
        table.figures = found.flatMap(\.figures)
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
        /// The instants that the table tells of; a curve for a picture has more.
        public var stepsUs: [Int64]
    }

    /// All curves of one route: both places; all failures together, then each kind that has at least 20.
    ///
    /// - Parameter isDense: whether the curves are to be drawn.
    public static func curves(of attempts: AttemptColumns, isDense: Bool = false) -> [Named] {
        let states = Availability(attempts).smoothed
        let outages = Outages(columns: attempts, states: states)
        let recovery = RecoveryIntervals(columns: attempts)
        var generator = SplitMix64(of: attempts)
        let all = recovery.failures.flatMap { [$0.sameHost] + ($0.otherHost.map { [$0] } ?? []) }
        let stepsUs = Instants.steps(for: all)
        let request = RecoveryCurve.Request(atUs: isDense ? Instants.dense(for: all) : stepsUs)
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
            let curve = RecoveryCurve(intervals, unit: units, request: request, using: &generator)
            found.append(Named(place: place, outcome: outcome, curve: curve, stepsUs: stepsUs))
        }
        var kinds: [Outcome?] = [nil]
        for kind in Outcome.allCases where kind.isFailure {
            let count = recovery.failures.count { $0.outcome == kind }
            if count >= 20 && count < recovery.failures.count { kinds.append(kind) }
        }
        for kind in kinds {
            let name = kind?.name ?? Self.all
            add("same host", name) { kind == nil || $0.outcome == kind ? $0.sameHost : nil }
            add("other host", name) { kind == nil || $0.outcome == kind ? $0.otherHost : nil }
        }
        return found
    }

    private static let all = "all failures"

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("place", .text), .init("outcome", .text), .init("failures", .count),
        .init("units", .count), .init("after", .durationUs), .init("recovered", .probability),
        .init("low", .probability), .init("high", .probability),
    ]

    private static func rows(of named: Named, route: String) -> [[ReportTable.Cell]] {
        named.curve.points.filter { named.stepsUs.contains($0.afterUs) }.map { point in
            [
                .text(route), .text(named.place), .text(named.outcome), .count(named.curve.failures),
                .count(named.curve.units), .integer(point.afterUs), .real(point.estimate), .real(point.low),
                .real(point.high),
            ]
        }
    }

    /// One picture of all failures by place, and one by kind where there are several.
    private static func figures(of curves: [Named], route: String) -> [ReportFigure] {
        let all = curves.filter { $0.outcome == Self.all }
        guard let first = all.first?.curve.points.first, let last = all.first?.curve.points.last else { return [] }
        let x = ReportFigure.Axis(
            "wait after a failed attempt", .durationUs, isLogarithmic: true,
            Double(first.afterUs)...Double(max(last.afterUs, first.afterUs * 10)))
        func figure(_ title: String, _ caption: String, _ lines: [ReportFigure.Line]) -> ReportFigure {
            var figure = ReportFigure(
                route: route, title: title, caption: caption, x: x,
                y: .init("would succeed", .probability, 0...1))
            figure.lines = lines
            return figure
        }
        func line(_ label: String, _ named: Named) -> ReportFigure.Line {
            .init(
                label,
                named.curve.points.map { .init(x: Double($0.afterUs), y: $0.estimate, low: $0.low, high: $0.high) })
        }
        var figures = [
            figure(
                "Recovered after a wait",
                "Of the failures, the share after which an attempt would have succeeded by "
                    + "then. Band: 95 %, from resampling outages.", all.map { line($0.place, $0) })
        ]
        let kinds = curves.filter { $0.outcome != Self.all && $0.place == "same host" }
        if kinds.count > 1 {
            figures.append(
                figure(
                    "By kind of failure", "The same on the host that failed, for each kind of failure.",
                    kinds.prefix(4).map { line($0.outcome, $0) }))
        }
        return figures
    }
}
