public import Retry

/// `latency`: the time to success on hosts that are up, with timeouts and cancels as lower bounds. methods: latency
public enum LatencyReport {
    /// One row a route, then one for each of its hosts if there are several.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "latency", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: used) { route($0, isDrawn: isDrawn) }
        for row in found.lazy.flatMap(\.rows) { table.append(row) }
        table.figures = found.compactMap(\.figure)
        table.notes = try scope.notes(of: source, table: table)
        table.notes += [
            "Time to success (Kaplan-Meier): timeouts, cancels and other failures are lower bounds; each attempt counts "
                + "with the probability that its host was up. Brackets are 95 % intervals.",
            "An empty cell lies past the longest time observed: today's limits hide it.",
            "slow_again: whether a second attempt of a request that was slow is slow too; where the log cannot tell, "
                + "no timeout should be shortened on its account.",
        ]
        return table
    }

    /// What the law, the states of the hosts and the dependence of attempts need.
    private static let used = HostStateSmoother.columns.union([.hedge, .timeoutUs])

    private static func route(
        _ attempts: AttemptColumns, isDrawn: Bool
    ) -> (rows: [[ReportTable.Cell]], figure: ReportFigure?) {
        let states = Availability(attempts).smoothed
        let dependence = AttemptDependence(columns: attempts, states: states)
        let hosts: [Int?] = [nil] + (attempts.hostNames.count > 1 ? attempts.hostNames.indices.map { $0 } : [])
        var rows: [[ReportTable.Cell]] = []
        var laws: [(name: String, law: LatencyLaw)] = []
        for host in hosts {
            let law = LatencyLaw.success(of: attempts, states: states, host: host)
            if law.observations <= 0 { continue }
            rows.append(row(attempts, host, law, dependence))
            laws.append((host.map { attempts.hostNames[$0] } ?? "all hosts", law))
        }
        return (rows, isDrawn ? figure(of: laws, route: attempts.route) : nil)
    }

    /// The share not answered yet, the tail in sight: all hosts with their band, and each of a few.
    private static func figure(of laws: [(name: String, law: LatencyLaw)], route: String) -> ReportFigure? {
        let shown = laws.count <= 5 ? laws : Array(laws.prefix(1))
        guard let all = shown.first?.law, let first = shown.compactMap({ $0.law.curve.timesUs.first }).min(),
            let last = shown.map({ $0.law.lastObservedUs }).max()
        else { return nil }
        let floor = min(0.5, max(1e-6, 0.5 / max(1, all.observations)))
        var figure = ReportFigure(
            route: route, title: "Not answered yet",
            caption: "Of attempts on hosts that are up, the share that takes longer; what no limit let answer never "
                + "comes down. Band: 95 %. Marks: p50, p90, p99, p99.9 with their intervals.",
            x: .init(
                "time since the attempt began", .durationUs, isLogarithmic: true,
                Double(max(1, first))...Double(max(last, max(1, first) * 2))),
            y: .init("not answered yet", .probability, isLogarithmic: true, floor...1))
        figure.lines = shown.enumerated().map { index, one in
            line(one.name, one.law.curve, hasBand: index == 0, untilUs: one.law.lastObservedUs)
        }
        figure.marks = quantiles.compactMap { one in
            guard let us = all.curve.quantile(one.share) else { return nil }
            let ends = all.curve.quantileInterval(one.share)
            let low = min(us, ends.lowerUs ?? us)
            return .init(
                ReportFigure.percentile(one.share), x: Double(us), y: 1 - one.share,
                xInterval: Double(low)...Double(max(us, ends.upperUs ?? last)))
        }
        return figure
    }

    /// Steps close enough for a picture: some 200 of equal drop on a logarithmic scale.
    private static func line(
        _ name: String, _ curve: SurvivalCurve, hasBand: Bool, untilUs: Int64
    ) -> ReportFigure.Line {
        var points: [ReportFigure.Point] = []
        var shownS = 2.0
        for (step, us) in curve.timesUs.enumerated() {
            let s = curve.survival[step]
            let isLast = step == curve.timesUs.count - 1
            if !isLast && s > 0 && s > shownS * 0.97 && shownS - s < 0.005 { continue }
            shownS = s
            let band = hasBand && s > 0 ? curve.interval(atUs: us) : s...s
            points.append(.init(x: Double(us), y: s, low: band.lowerBound, high: band.upperBound))
        }
        if var end = points.last, end.x < Double(untilUs) {
            end.x = Double(untilUs)
            points.append(end)
        }
        return .init(name, points, isStepped: true)
    }

    private static let quantiles: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999),
    ]

    private static let columns: [ReportTable.Column] =
        [
            .init("route", .text), .init("host", .text), .init("attempts", .count),
            .init("censored", .probability), .init("no_answer", .probability),
            .init("last_observed", .durationUs),
        ]
        + quantiles.flatMap { one -> [ReportTable.Column] in
            [
                .init(one.name, .durationUs), .init("\(one.name)_low", .durationUs),
                .init("\(one.name)_high", .durationUs),
            ]
        }
        + [.init("slow_again", .text)]

    private static func row(
        _ attempts: AttemptColumns, _ host: Int?, _ law: LatencyLaw, _ dependence: AttemptDependence
    ) -> [ReportTable.Cell] {
        let count = host.map { host in attempts.host.count { Int($0) == host } } ?? attempts.count
        var cells: [ReportTable.Cell] = [
            .text(attempts.route), .text(host.map { attempts.hostNames[$0] } ?? "all"), .count(count),
            .real(1 - law.events / law.observations), .real(law.neverAnswers), .integer(law.lastObservedUs),
        ]
        for one in quantiles {
            let bounds = law.curve.quantileInterval(one.share)
            cells += [.us(law.curve.quantile(one.share)), .us(bounds.lowerUs), .us(bounds.upperUs)]
        }
        return cells + [.text(host == nil ? dependence.verdict.rawValue : "")]
    }
}
