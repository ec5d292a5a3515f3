import Analyzer
import Retry

/// What `explain` says.
enum ExplainText {
    static func text(
        _ tuning: RouteTuning, _ alternatives: RouteAlternatives, _ reports: [ReportTable], style: Style
    ) -> String {
        let ends = [tuning.windowUs.lowerBound, tuning.windowUs.upperBound].map(StoreText.seconds)
        var text = style.bold(tuning.route) + "\n"
        text += "\(NumberText.grouped(tuning.attempts)) attempts of \(NumberText.grouped(tuning.requests)) requests"
        text += ", \(ends[0]) to \(ends[1]); \(NumberText.grouped(tuning.failures)) failed, in "
        text += "\(NumberText.grouped(tuning.outages)) outages\n"
        for report in reports {
            // What the columns mean is said by 'meantime report'.
            var table = report
            table.notes = []
            table.rows = report.rows.filter { !isOfOneKind($0, report) }
            text += "\n" + ReportText.text(table, style: style)
        }
        text +=
            "\n" + style.bold("rules")
            + ": priced on the outages of this log; tune takes what is cheapest where they may last longer as well\n\n"
            + rules(tuning, style: style)
        text +=
            "\n" + style.bold("to choose from") + ": none of these is better in all of success, latency and load\n\n"
        text += choices(tuning, style: style)
        text += "\n" + style.bold("in other words") + ": the cheapest rule that each proxy's configuration can say\n\n"
        text += DialectText.text(alternatives.dialects, style: style)
        text +=
            "\n" + style.bold("hedge")
            + ": another attempt beside one that is slow; Meantime's proxy sends none yet\n\n"
        text += HedgeText.text(alternatives.hedge, style: style)
        text += "\n" + style.bold("ejection") + ": how long a failing host rests; Meantime's proxy ejects none yet\n\n"
        text += EjectionText.text(alternatives.ejection, style: style)
        text +=
            "\nnow:  \(RuleText.summary(tuning.present.rule))\(tuning.isPresentGiven ? "" : " (read off the log)")\n"
        if tuning.isChanged { text += "then: \(RuleText.summary(tuning.chosen.rule))\n" }
        text += "why:  \(tuning.reason)\n"
        return text + tuning.assumptions.map { "assumed: \($0)\n" }.joined()
    }

    /// Whether a line is one of many about a single kind of failure; a few lines about all of them say enough here.
    private static func isOfOneKind(_ row: [ReportTable.Cell], _ table: ReportTable) -> Bool {
        guard table.title == "recovery", let column = table.columns.firstIndex(where: { $0.name == "outcome" }) else {
            return false
        }
        return row[column] != .text("all failures")
    }

    /// The rule in force, the cheapest of each number of retries, and what `tune` takes.
    private static func rules(_ tuning: RouteTuning, style: Style) -> String {
        var table = TextTable(left: ["", "retries"], right: RulePriceText.titles)
        func add(_ word: String, _ price: RulePrice) {
            table.rows.append([word, waits(price.rule)] + RulePriceText.cells(price))
        }
        add("now", tuning.present)
        for price in cheapest(tuning.candidates) where price.rule != tuning.chosen.rule { add("", price) }
        if tuning.isChanged { add("then", tuning.chosen) }
        return table.text(style: style)
    }

    /// What no other rule beats in everything, marked with what is in force and what `tune` takes.
    private static func choices(_ tuning: RouteTuning, style: Style) -> String {
        var table = TextTable(
            left: ["", "retries", "each try"],
            right: ["success", "mean latency", "extra attempts", "cost", "of the cap"])
        let cap = tuning.objective.maxExtraAttempts
        for point in front(tuning).points {
            let price = point.price
            let word = price.rule == tuning.present.rule ? "now" : price.rule == tuning.chosen.rule ? "then" : ""
            table.rows.append([
                word, waits(price.rule), price.rule.perTryTimeoutUs.map(DurationText.format) ?? "no limit",
                NumberText.fixed(price.successShare * 100, places: 2) + " %",
                NumberText.duration(seconds: point.latencySeconds), NumberText.fixed(price.extraAttempts, places: 4),
                NumberText.duration(seconds: price.costSeconds),
                cap > 0 ? RuleText.percent(price.extraAttempts / cap) : "-",
            ])
        }
        return table.text(style: style)
    }

    private static func front(_ tuning: RouteTuning) -> ParetoFront {
        ParetoFront([tuning.present] + tuning.candidates, objective: tuning.objective)
    }

    /// Candidates come cheapest first.
    static func cheapest(_ candidates: [RulePrice]) -> [RulePrice] {
        var found: [Int: RulePrice] = [:]
        for price in candidates {
            let retries = price.rule.retry?.maxRetries ?? 0
            if found[retries] == nil { found[retries] = price }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    static func waits(_ rule: Rule) -> String {
        guard let retry = rule.retry, retry.maxRetries > 0 else { return "none" }
        return "\(retry.maxRetries) \(RuleText.waits(retry))\(RuleText.disregard(retry))"
    }

    static func json(
        _ tuning: RouteTuning, _ alternatives: RouteAlternatives, _ reports: [(name: String, table: ReportTable)]
    ) -> JSON {
        .object([
            ("route", .string(tuning.route)), ("tuning", TuneJSON.route(tuning)),
            ("rules_by_retries", .array(cheapest(tuning.candidates).map(TuneJSON.price))),
            (
                "pareto_front",
                .array(
                    front(tuning).points.map { point in
                        .object([
                            ("mean_latency_s", .double(point.latencySeconds)), ("price", TuneJSON.price(point.price)),
                        ])
                    })
            ),
            ("dialects", .array(alternatives.dialects.map { DialectText.json($0, route: tuning.route) })),
            ("hedge", HedgeText.json(alternatives.hedge)),
            ("ejection", EjectionText.json(alternatives.ejection)),
            ("reports", .array(reports.map { ReportText.json($0.table, report: $0.name) })),
        ])
    }
}
