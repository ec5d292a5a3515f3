public import Retry

/// `latency`: the time to success on hosts that are up, with timeouts and cancels as lower bounds. methods: latency
public enum LatencyReport {
    /// One row a route, then one for each of its hosts if there are several.
    ///
    /// - Throws: what the source throws.
    public static func table(of source: any AttemptSource, scope: SummaryScope = SummaryScope()) throws -> ReportTable {
        var table = ReportTable(title: "latency", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: used) { rows(of: $0) }
        for row in found.joined() { table.append(row) }
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
    private static let used: ColumnSet = [
        .startUs, .durationUs, .host, .outcome, .request, .attempt, .hedge, .timeoutUs,
    ]

    private static func rows(of attempts: AttemptColumns) -> [[ReportTable.Cell]] {
        let states = Availability(attempts).smoothed
        let dependence = AttemptDependence(columns: attempts, states: states)
        let hosts: [Int?] = [nil] + (attempts.hostNames.count > 1 ? attempts.hostNames.indices.map { $0 } : [])
        return hosts.compactMap { host in
            let law = LatencyLaw.success(of: attempts, states: states, host: host)
            return law.observations > 0 ? row(attempts, host, law, dependence) : nil
        }
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
