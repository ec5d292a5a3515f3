import Analyzer
import Retry

/// The best hedges, or why there are none.
enum HedgeText {
    static func text(_ hedge: HedgeChoice, style: Style) -> String {
        if hedge.options.isEmpty { return "none can be priced: \(hedge.reason)\n" }
        var table = TextTable(
            left: ["hedges", "after"], right: ["cost", "mean latency", "late", "extra attempts"])
        for option in hedge.options {
            table.rows.append([
                ["none", "one", "two"][option.delaysUs.count],
                option.delaysUs.isEmpty ? "-" : option.delaysUs.map(DurationText.format).joined(separator: " "),
                NumberText.duration(seconds: option.costSeconds), NumberText.duration(seconds: option.latencySeconds),
                NumberText.fixed(option.lateShare * 100, places: 3) + " %",
                NumberText.fixed(option.extraAttempts, places: 4),
            ])
        }
        let seen = NumberText.grouped(hedge.secondAttempts)
        let left = NumberText.fixed(hedge.mostExtra, places: 3, trim: true)
        return table.text(style: style) + "\n\(hedge.reason)\n"
            + "second attempts of slow requests: \(seen); extra attempts a request left for hedges: at most \(left)\n"
            + "hosts that are up only: outages are not in these costs\n"
    }

    static func json(_ hedge: HedgeChoice) -> JSON {
        .object([
            ("enforced", .bool(false)), ("reason", .string(hedge.reason)),
            ("second_attempts", .int(Int64(hedge.secondAttempts))), ("max_extra_attempts", .double(hedge.mostExtra)),
            (
                "options",
                .array(
                    hedge.options.map { option in
                        .object([
                            ("delays_us", .array(option.delaysUs.map(JSON.int))),
                            ("cost_s", .double(option.costSeconds)),
                            ("mean_latency_s", .double(option.latencySeconds)),
                            ("late_share", .double(option.lateShare)),
                            ("extra_attempts", .double(option.extraAttempts)),
                        ])
                    })
            ),
        ])
    }
}
