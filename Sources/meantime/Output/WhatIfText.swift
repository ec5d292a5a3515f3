import Analyzer
import Retry

/// What `whatif` found.
enum WhatIfText {
    static func text(_ comparison: RuleComparison, style: Style) -> String {
        var table = TextTable(left: ["rule"], right: RulePriceText.titles + ["more than now", "95 % of that"])
        table.rows.append(["now"] + RulePriceText.cells(comparison.present) + ["-", "-"])
        for (index, one) in comparison.asked.enumerated() {
            table.rows.append(
                ["\(index + 1)"] + RulePriceText.cells(one.price) + [
                    NumberText.duration(seconds: one.differenceSeconds), RulePriceText.interval(one.differenceInterval),
                ])
        }
        let requests = NumberText.grouped(comparison.requests)
        let recorded = NumberText.duration(seconds: comparison.recordedCostSeconds)
        let ends = [comparison.windowUs.lowerBound, comparison.windowUs.upperBound].map(StoreText.seconds)
        var text = style.bold(comparison.route) + ": \(requests) requests, \(comparison.outages) outages"
        text += ", \(ends[0]) to \(ends[1]); in the log a request cost \(recorded)\n\n" + table.text(style: style)
        let origin = comparison.isPresentGiven ? "" : " (read off the log)"
        text += "\nnow: \(RuleText.summary(comparison.present.rule))\(origin)\n"
        for (index, one) in comparison.asked.enumerated() {
            text += "\(index + 1): \(RuleText.summary(one.price.rule)); \(verdict(one.differenceInterval))\n"
            for assumption in one.assumptions { text += "   assumed: \(assumption)\n" }
        }
        return text + "\n" + comparison.assumptions.map { "assumed: \($0)\n" }.joined()
    }

    private static func verdict(_ difference: ClosedRange<Double>) -> String {
        if difference.upperBound < 0 { return "cheaper than the rule now" }
        if difference.lowerBound > 0 { return "dearer than the rule now" }
        return "these outages do not tell which is cheaper"
    }

    static func json(_ comparison: RuleComparison) -> JSON {
        .object([
            ("route", .string(comparison.route)), ("requests", .int(Int64(comparison.requests))),
            ("outages", .int(Int64(comparison.outages))), ("window_us", RuleJSON.range(comparison.windowUs)),
            ("objective", TuneJSON.objective(comparison.objective)),
            ("recorded_cost_s", .double(comparison.recordedCostSeconds)),
            ("present_given", .bool(comparison.isPresentGiven)), ("present", TuneJSON.price(comparison.present)),
            (
                "asked",
                .array(
                    comparison.asked.map { one in
                        .object([
                            ("price", TuneJSON.price(one.price)), ("difference_s", .double(one.differenceSeconds)),
                            ("difference_interval_s", RuleJSON.range(one.differenceInterval)),
                            ("assumptions", .array(one.assumptions.map(JSON.string))),
                        ])
                    })
            ),
            ("assumptions", .array(comparison.assumptions.map(JSON.string))),
        ])
    }
}
