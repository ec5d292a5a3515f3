public import Retry

/// `failure-times`: how often each route fails, how long it stays down, and how long it stays up. methods: outages
public enum FailureTimesReport {
    /// One row a route and outcome, after one for all failures of the route, which carries the outages.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "failure-times", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: HostStateSmoother.columns) { attempts in
            route(attempts, isDrawn: isDrawn)
        }
        for row in found.lazy.flatMap(\.rows) { table.append(row) }
        table.figures = found.flatMap(\.figures)
        table.notes = try scope.notes(of: source, table: table)
        table.notes += [
            "An outage is a stretch in which a host was more likely down than up, from all attempts on it; outages of "
                + "several hosts that may overlap are one.",
            "Outage durations and times between outages are interval-censored (Turnbull); those cut by the ends of the "
                + "log count as lower bounds. Brackets are 95 % intervals from resampling outages; an empty cell lies "
                + "past everything observed.",
            "A blip is a failure on a host that was up. Shares have Wilson's 95 % intervals, which take attempts as "
                + "independent.",
        ]
        return table
    }

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("outcome", .text), .init("attempts", .count), .init("failures", .count),
        .init("share", .probability), .init("share_low", .probability), .init("share_high", .probability),
        .init("blips", .count), .init("outages", .count),
        .init("outage_p50", .durationUs), .init("outage_p50_low", .durationUs), .init("outage_p50_high", .durationUs),
        .init("outage_p90", .durationUs), .init("outage_p90_low", .durationUs), .init("outage_p90_high", .durationUs),
        .init("between_p50", .durationUs), .init("between_p50_low", .durationUs),
        .init("between_p50_high", .durationUs),
    ]

    private static func route(
        _ attempts: AttemptColumns, isDrawn: Bool
    ) -> (rows: [[ReportTable.Cell]], figures: [ReportFigure]) {
        let states = Availability(attempts).smoothed
        let outages = Outages(columns: attempts, states: states)
        let failures = attempts.outcome.count(where: \.isFailure)
        var generator = SplitMix64(of: attempts)
        let down = RecoveryCurve(outages: outages.durations, isDense: isDrawn, using: &generator)
        let between = RecoveryCurve(outages: outages.timesBetween, isDense: isDrawn, using: &generator)
        var rows = [
            lead(attempts, "all failures", failures, blips: outages.blips)
                + [.count(outages.outages.count)] + down.cells(share: 0.5) + down.cells(share: 0.9)
                + between.cells(share: 0.5)
        ]
        for outcome in Outcome.allCases where outcome.isFailure {
            let count = attempts.outcome.count { $0 == outcome }
            if count == 0 { continue }
            let blips = attempts.outcome.indices.count { attempts.outcome[$0] == outcome && outages.isBlip[$0] }
            let own = lead(attempts, outcome.name, count, blips: blips)
            rows.append(own + [ReportTable.Cell](repeating: .none, count: columns.count - own.count))
        }
        return (rows, isDrawn ? figures(attempts, outages, down: down, between: between) : [])
    }

    /// How attempts fail, and the lengths of outages and of the times between them.
    private static func figures(
        _ attempts: AttemptColumns, _ outages: Outages, down: RecoveryCurve, between: RecoveryCurve
    ) -> [ReportFigure] {
        var counts: [(outcome: Outcome, blips: Int, others: Int)] = []
        for outcome in Outcome.allCases where outcome.isFailure {
            let rows = attempts.outcome.indices.filter { attempts.outcome[$0] == outcome }
            let blips = rows.count { outages.isBlip[$0] }
            if !rows.isEmpty { counts.append((outcome, blips, rows.count - blips)) }
        }
        let most = counts.map { $0.blips + $0.others }.max() ?? 1
        var kinds = ReportFigure(
            route: attempts.route, title: "How attempts fail", caption: "",
            x: .init("failed attempts", .count, 0...Double(max(1, most))))
        kinds.series = ["in an outage", "blip: the host was up"]
        kinds.lanes = counts.map { one in
            ReportFigure.Lane(
                one.outcome.name,
                [
                    .init("\(one.others) in an outage", from: 0, to: Double(one.others)),
                    .init(
                        "\(one.blips) blips", from: Double(one.others), to: Double(one.others + one.blips), series: 1),
                ].filter { $0.to > $0.from })
        }
        let lengths = OutageFigures.lengths(attempts.route, down: down, between: between)
        return (counts.isEmpty ? [] : [kinds]) + lengths
    }

    private static func lead(
        _ attempts: AttemptColumns, _ outcome: String, _ failures: Int, blips: Int
    ) -> [ReportTable.Cell] {
        let tried = attempts.outcome.count { $0 != .cancelled }
        let share = Proportion(hits: Double(failures), trials: Double(tried))
        return [
            .text(attempts.route), .text(outcome), .count(attempts.count), .count(failures), .real(share.estimate),
            .real(share.interval().lowerBound), .real(share.interval().upperBound), .count(blips),
        ]
    }
}

extension RecoveryCurve {
    /// The law of durations of which each is a unit of its own.
    init(
        outages durations: [CensoredInterval], isDense: Bool = false, using generator: inout some RandomNumberGenerator
    ) {
        self.init(
            durations, unit: Array(durations.indices),
            request: Request(
                atUs: isDense ? Instants.dense(for: durations) : [], shares: [0.5, 0.9], replicates: 200),
            using: &generator)
    }

    /// A quantile and its interval; empty where unknown.
    func cells(share: Double) -> [ReportTable.Cell] {
        guard failures > 0, let one = quantiles.first(where: { $0.share == share }) else {
            return [.none, .none, .none]
        }
        return [.us(one.estimateUs), .us(one.lowUs), .us(one.highUs)]
    }
}
