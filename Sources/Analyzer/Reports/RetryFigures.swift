/// Pictures of what retries did.
enum RetryFigures {
    static func figures(of tallies: RetryTallies, route: String) -> [ReportFigure] {
        tallies.all.tried == 0 ? [] : [outcomes(tallies, route), byWait(tallies, route)]
    }

    /// How retries ended, by attempt number.
    private static func outcomes(_ tallies: RetryTallies, _ route: String) -> ReportFigure {
        var byAttempt: [Int: RetryTallies.Tally] = [:]
        for (key, tally) in tallies.parts {
            byAttempt[key.attempt, default: .init()].tried += tally.tried
            byAttempt[key.attempt, default: .init()].succeeded += tally.succeeded
            byAttempt[key.attempt, default: .init()].wasted += tally.wasted
        }
        let most = byAttempt.values.map(\.tried).max() ?? 1
        var figure = ReportFigure(
            route: route, title: "How retries ended",
            caption: "Wasted: the host was down from the retry's start to its end.",
            x: .init("retries and hedges", .count, 0...Double(most)))
        figure.series = ["succeeded", "failed or cancelled", "wasted"]
        figure.lanes = byAttempt.sorted { $0.key < $1.key }.map { attempt, tally in
            let parts = [tally.succeeded, tally.tried - tally.succeeded - tally.wasted, tally.wasted]
            var from = 0
            return .init(
                "attempt \(attempt)",
                parts.enumerated().compactMap { series, count in
                    defer { from += count }
                    return count == 0
                        ? nil
                        : .init(
                            "\(count) \(figure.series[series])", from: Double(from), to: Double(from + count),
                            series: series)
                })
        }
        return figure
    }

    /// The share that succeeded by the wait before; attempts of one number are one series.
    private static func byWait(_ tallies: RetryTallies, _ route: String) -> ReportFigure {
        let keys = tallies.parts.keys.sorted()
        let attempts = Set(keys.map(\.attempt)).sorted().prefix(4)
        let from = keys.map { Self.place($0.wait) }.min() ?? 1
        let to = keys.map { Self.place($0.wait) }.max() ?? 1
        var figure = ReportFigure(
            route: route, title: "Success by wait",
            caption: "Each mark stands in the middle of its range of waits; at the left end, no wait. Bars: 95 %, "
                + "taking retries as independent.",
            x: .init("wait before the retry", .durationUs, isLogarithmic: true, from / 3...to * 3),
            y: .init("succeeded", .probability, 0...1))
        figure.series = attempts.map { "attempt \($0)" }
        for key in keys where !key.isHedge {
            guard let series = attempts.firstIndex(of: key.attempt), let tally = tallies.parts[key] else { continue }
            let share = Proportion(hits: Double(tally.succeeded), trials: Double(tally.decided))
            guard let estimate = share.estimate else { continue }
            // Marks of one range stand side by side.
            let aside = 1 + 0.25 * Double(series)
            figure.marks.append(
                .init(
                    "attempt \(key.attempt): \(tally.succeeded) of \(tally.decided)", x: Self.place(key.wait) * aside,
                    y: estimate, yInterval: share.interval(), series: series))
        }
        return figure
    }

    /// The middle of a range of waits on a logarithmic axis.
    private static func place(_ wait: Int) -> Double {
        let fromUs = Double(RetryTallies.waitsUs[wait])
        guard wait > 1 else { return wait == 0 ? 300 : 3_000 }
        return fromUs * 3
    }
}
