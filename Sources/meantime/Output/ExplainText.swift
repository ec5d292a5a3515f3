import Analyzer
import Retry

/// What `explain` says.
enum ExplainText {
    static func text(_ tuning: RouteTuning, _ reports: [ReportTable], style: Style) -> String {
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
        text += "\n" + style.bold("rules") + "\n\n" + rules(tuning, style: style)
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

    /// Candidates come cheapest first.
    static func cheapest(_ candidates: [RulePrice]) -> [RulePrice] {
        var found: [Int: RulePrice] = [:]
        for price in candidates {
            let retries = price.rule.retry?.maxRetries ?? 0
            if found[retries] == nil { found[retries] = price }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func waits(_ rule: Rule) -> String {
        guard let retry = rule.retry, retry.maxRetries > 0 else { return "none" }
        return "\(retry.maxRetries) \(RuleText.waits(retry))"
    }

    static func json(_ tuning: RouteTuning, _ reports: [(name: String, table: ReportTable)]) -> JSON {
        .object([
            ("route", .string(tuning.route)), ("tuning", TuneJSON.route(tuning)),
            ("rules_by_retries", .array(cheapest(tuning.candidates).map(TuneJSON.price))),
            ("reports", .array(reports.map { ReportText.json($0.table, report: $0.name) })),
        ])
    }
}
