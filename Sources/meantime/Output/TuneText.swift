import Analyzer
import Retry

/// What `tune` found, for people: one line a route, then each route's rules and why.
enum TuneText {
    static func text(_ result: TuneResult, _ ending: TuneEnding, style: Style) -> String {
        var table = TextTable(
            left: ["route", "decision"],
            right: [
                "attempts", "failures", "outages", "cost now", "cost then", "95 % of the change", "success now", "then",
            ])
        for route in result.routes { table.rows.append(row(route)) }
        var text = table.text(style: style)
        let common = result.routes.map { Set($0.assumptions) }.reduce(nil as Set<String>?) { all, one in
            all?.intersection(one) ?? one
        }
        for route in result.routes {
            text += "\n" + style.bold(route.route) + "\n"
            text += "  now:  \(now(route))\n"
            if route.isChanged {
                text += "  then: \(RuleText.summary(route.chosen.rule))\n"
                let price = NumberText.duration(seconds: route.present.costSeconds)
                text += "  model: the rule now would cost \(price); the change is from there\n"
            }
            text += "  why:  \(route.reason)\n"
            for assumption in route.assumptions where common?.contains(assumption) == false {
                text += "  assumed: \(assumption)\n"
            }
        }
        let shared = result.routes.first?.assumptions.filter { common?.contains($0) == true } ?? []
        if !shared.isEmpty { text += "\nassumed for every route:\n" + shared.map { "  \($0)\n" }.joined() }
        if result.missingAttempts > 0 {
            text += "\n\(NumberText.grouped(result.missingAttempts)) attempts of this time are missing from the store"
            text += " (dropped under load, or damaged); the numbers above are without them\n"
        }
        return text + "\n\(ending.line)\n"
    }

    private static func now(_ route: RouteTuning) -> String {
        let rule = RuleText.summary(route.present.rule)
        if route.isPresentGiven || route.present.rule == Rule() { return rule }
        return (route.isChanged ? "" : RuleText.none + "; ") + "the log shows \(rule)"
    }

    private static func row(_ route: RouteTuning) -> [String] {
        let interval = route.change
        let low = NumberText.duration(seconds: interval.lowerBound)
        let change = "\(low) … \(NumberText.duration(seconds: interval.upperBound))"
        return [
            route.route, route.isChanged ? "change" : "keep", NumberText.grouped(route.attempts),
            NumberText.grouped(route.failures), NumberText.grouped(route.outages),
            NumberText.duration(seconds: route.recordedCostSeconds),
            route.isChanged ? NumberText.duration(seconds: route.chosen.costSeconds) : "-",
            route.isChanged ? change : "-", success(route.recordedSuccessShare),
            route.isChanged ? success(route.chosen.successShare) : "-",
        ]
    }

    private static func success(_ share: Double) -> String { NumberText.fixed(share * 100, places: 2) + " %" }
}
