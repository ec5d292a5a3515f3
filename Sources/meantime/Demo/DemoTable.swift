/// Before and after side by side, for a terminal.
enum DemoTable {
    static func text(_ findings: DemoFindings, style: Style) -> String {
        var table = TextTable(
            left: ["route", "rule"],
            right: ["good answers", "p50", "p99", "p99.9", "attempts", "cost", "predicted, 95 %", "measured is"])
        for route in findings.routes {
            table.rows.append(row(route.name, "Envoy's default", route.before))
            table.rows.append(row("", DemoText.second(route.isChanged), route.after, route.predicted, route.verdict))
        }
        table.rows.append(row("all", "Envoy's default", findings.before))
        let verdict = findings.predicted.verdict(of: findings.after)
        table.rows.append(row("", DemoText.second(findings.isChanged), findings.after, findings.predicted, verdict))
        var text = table.text(style: style) + "\n"
        for route in findings.routes {
            let words = route.isChanged ? DemoText.words(route.chosenRule) : "unchanged, \(route.reason)."
            text += "\(style.bold(route.name)): \(words)\n"
        }
        text += "\n" + closing(findings) + "\n"
        text +=
            "Percentiles: time until a good answer; never: fewer requests than that got one. Attempts: per request.\n"
        if let warning = findings.warning { text += style.red(warning) + "\n" }
        return text
    }

    private static func closing(_ findings: DemoFindings) -> String {
        guard findings.isChanged else {
            return DemoText.nothingChanged + ". Both runs had the same rules and differ by chance; run it longer."
        }
        return "Cost \(DemoText.ratio(findings.costRatio)) × and attempts "
            + "\(DemoText.ratio(findings.attemptsRatio)) × Envoy's default on the same faults."
    }

    private static func row(
        _ route: String, _ rule: String, _ measure: RunMeasure, _ predicted: Price? = nil,
        _ verdict: RouteFindings.Verdict? = nil
    ) -> [String] {
        [
            route, rule, DemoText.percent(measure.success), DemoText.time(measure.percentileUs(0.5)),
            DemoText.time(measure.percentileUs(0.99)), DemoText.time(measure.percentileUs(0.999)),
            DemoText.fixed(measure.attemptsPerRequest, 3), DemoText.time(measure.costUs),
            predicted.map(DemoText.price) ?? "", verdict?.rawValue ?? "",
        ]
    }
}
