import Retry

/// Pictures of outages.
enum OutageFigures {
    /// When which host was down.
    static func calendar(
        _ attempts: AttemptColumns, _ hosts: [(host: Int, spells: Outages.HostSpells)], isShared: Bool
    ) -> ReportFigure {
        let (first, last) = (attempts.startUs.first ?? 0, attempts.startUs.last ?? 0)
        let caption =
            isShared
            ? "All hosts were down together: one state explains the log better than one for each."
            : hosts.count > shownHosts ? "The \(shownHosts) hosts with most time down of \(hosts.count)." : ""
        var figure = ReportFigure(
            route: attempts.route, title: "When it was down", caption: caption,
            x: .init("time (UTC)", .timeUs, Double(first)...Double(max(last, first + 1))))
        let shown = hosts.sorted { down($0.spells) > down($1.spells) }.prefix(shownHosts).sorted { $0.host < $1.host }
        figure.lanes = shown.map { one in
            let name = isShared ? "all hosts" : attempts.hostNames[one.host]
            return ReportFigure.Lane(
                name.isEmpty ? "host" : name,
                one.spells.outages.map {
                    .init("down, \($0.failures) failures", from: Double($0.beginUs), to: Double($0.endUs))
                })
        }
        return figure
    }

    private static let shownHosts = 12

    private static func down(_ spells: Outages.HostSpells) -> Double {
        spells.down.reduce(0) { $0 + $1.watchedUs }
    }

    /// How long outages last, and how long it takes to the next.
    static func lengths(_ route: String, down: RecoveryCurve, between: RecoveryCurve) -> [ReportFigure] {
        [
            survival(
                route, "How long outages last", down, x: "time since an outage began", y: "still down",
                caption: "Of the outages, the share that lasts longer."),
            survival(
                route, "How long until the next", between, x: "time since an outage ended", y: "no new outage yet",
                caption: "Of the times between outages of a host, the share that is longer."),
        ].compactMap { $0 }
    }

    private static func survival(
        _ route: String, _ title: String, _ curve: RecoveryCurve, x: String, y: String, caption: String
    ) -> ReportFigure? {
        guard let first = curve.points.first, let last = curve.points.last, first.afterUs < last.afterUs else {
            return nil
        }
        var figure = ReportFigure(
            route: route, title: title, caption: caption + " Band: 95 %, from resampling outages.",
            x: .init(x, .durationUs, isLogarithmic: true, Double(first.afterUs)...Double(last.afterUs)),
            y: .init(y, .probability, 0...1))
        figure.lines = [
            .init(
                y,
                curve.points.map {
                    .init(x: Double($0.afterUs), y: 1 - $0.estimate, low: 1 - $0.high, high: 1 - $0.low)
                })
        ]
        figure.marks = curve.quantiles.compactMap { one in
            guard let us = one.estimateUs else { return nil }
            let ends = Double(one.lowUs ?? us)...Double(max(us, one.highUs ?? last.afterUs))
            return .init(
                ReportFigure.percentile(one.share), x: Double(us), y: 1 - one.share,
                xInterval: ends.lowerBound <= Double(us) ? ends : Double(us)...ends.upperBound)
        }
        return figure
    }
}

extension ReportFigure {
    /// `p50`, `p99`, `p99.9`.
    static func percentile(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "p\(tenths / 10)" : "p\(tenths / 10).\(tenths % 10)"
    }
}
