public import Retry

/// `outages`: how long hosts stay up and how long down, with mean times that count what the ends of the log cut.
/// methods: mean times
public enum OutagesReport {
    /// One row a route for all its hosts, then one for each host if there are several.
    ///
    /// - Parameter isDrawn: whether pictures are wanted too.
    /// - Throws: what the source throws.
    public static func table(
        of source: any AttemptSource, scope: SummaryScope = SummaryScope(), isDrawn: Bool = false
    ) throws -> ReportTable {
        var table = ReportTable(title: "outages", columns: columns)
        let found = try scope.mapRoutes(of: source, columns: HostStateSmoother.columns) { attempts in
            route(attempts, isDrawn: isDrawn)
        }
        for row in found.lazy.flatMap(\.rows) { table.append(row) }
        table.figures = found.flatMap(\.figures)
        table.notes = try scope.notes(of: source, table: table)
        table.notes += [
            "An outage is a stretch in which a host was more likely down than up, from all attempts on it; single "
                + "failures on a host that was up are blips and do not count. cut: outages that the log's begin or end "
                + "cuts.",
            "mtbf: time up per outage that began; mttr: time down per outage that ended; time that the ends of the log "
                + "cut counts as watched. Brackets are 95 % intervals from the scatter of the stretches, never "
                + "narrower than Poisson's.",
            "mttr_least, mttr_most: if every outage had been as short, as long as the attempts around it allow.",
            "Medians and 90 % are of Turnbull's law, with lengths cut by the ends of the log as lower bounds; an empty "
                + "cell lies past everything observed.",
        ]
        return table
    }

    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("host", .text), .init("outages", .count), .init("cut", .count),
        .init("up_share", .probability),
        .init("mtbf", .durationUs), .init("mtbf_low", .durationUs), .init("mtbf_high", .durationUs),
        .init("mttr", .durationUs), .init("mttr_low", .durationUs), .init("mttr_high", .durationUs),
        .init("mttr_least", .durationUs), .init("mttr_most", .durationUs), .init("longest", .durationUs),
        .init("outage_p50", .durationUs), .init("outage_p50_low", .durationUs), .init("outage_p50_high", .durationUs),
        .init("outage_p90", .durationUs), .init("outage_p90_low", .durationUs), .init("outage_p90_high", .durationUs),
        .init("between_p50", .durationUs), .init("between_p50_low", .durationUs),
        .init("between_p50_high", .durationUs),
    ]

    private static func route(
        _ attempts: AttemptColumns, isDrawn: Bool
    ) -> (rows: [[ReportTable.Cell]], figures: [ReportFigure]) {
        let availability = Availability(attempts)
        let outages = Outages(columns: attempts, states: availability.smoothed)
        let hosts = outages.spells(of: attempts, isShared: availability.isShared)
        var generator = SplitMix64(of: attempts)
        let down = RecoveryCurve(outages: outages.durations, isDense: isDrawn, using: &generator)
        let between = RecoveryCurve(outages: outages.timesBetween, isDense: isDrawn, using: &generator)
        let laws = down.cells(share: 0.5) + down.cells(share: 0.9) + between.cells(share: 0.5)
        var rows = [lead(attempts.route, availability.isShared ? "all as one" : "all", hosts.map(\.spells)) + laws]
        if hosts.count > 1 {
            for one in hosts {
                let own = lead(attempts.route, attempts.hostNames[one.host], [one.spells])
                rows.append(own + [ReportTable.Cell](repeating: .none, count: columns.count - own.count))
            }
        }
        guard isDrawn else { return (rows, []) }
        let lanes = OutageFigures.calendar(attempts, hosts, isShared: availability.isShared)
        return (rows, [lanes] + OutageFigures.lengths(attempts.route, down: down, between: between))
    }

    private static func lead(_ route: String, _ host: String, _ spells: [Outages.HostSpells]) -> [ReportTable.Cell] {
        let between = MeanTime(spells.flatMap(\.up))
        let repair = MeanTime(spells.flatMap(\.down))
        let all = spells.flatMap(\.outages)
        let watchedUs = between.watchedUs + repair.watchedUs
        func bound(_ sumUs: Double) -> Double? { repair.events > 0 ? sumUs / Double(repair.events) : nil }
        return [
            .text(route), .text(host), .count(all.count),
            .count(all.count { $0.lastUpBeforeUs == nil || $0.firstUpAfterUs == nil }),
            .real(watchedUs > 0 ? between.watchedUs / watchedUs : nil),
            .us(between.estimateUs), .us(between.lowUs), .us(between.highUs),
            .us(repair.estimateUs), .us(repair.watchedUs > 0 ? repair.lowUs : nil), .us(repair.highUs),
            .us(bound(spells.reduce(0) { $0 + $1.leastDownUs })), .us(bound(spells.reduce(0) { $0 + $1.mostDownUs })),
            .us(all.map { $0.endUs - $0.beginUs }.max()),
        ]
    }
}
