import Analyzer
import Retry

/// The rules in force with the evidence written beside them.
enum RulesReport {
    private static let columns: [ReportTable.Column] = [
        .init("route", .text), .init("rule", .text), .init("attempts", .count), .init("failures", .count),
        .init("outages", .count), .init("cost_before_us", .durationUs), .init("cost_after_us", .durationUs),
        .init("change_low_us", .durationUs), .init("change_high_us", .durationUs), .init("reason", .text),
    ]

    static func table(of rules: RuleSet, route: String?, file: String) throws(Failure) -> ReportTable {
        var table = ReportTable(title: "Rules in force: version \(rules.version) of \(file)", columns: columns)
        let names = rules.routes.keys.sorted()
        if let route, !names.contains(route) {
            throw Failure(file, "no rule for route '\(route)'; there are rules for: \(names.joined(separator: ", "))")
        }
        for name in names where route == nil || name == route {
            guard let entry = rules.routes[name] else { continue }
            table.append([.text(name), .text(RuleText.summary(entry.rule))] + cells(of: entry.evidence))
        }
        table.notes.append("made \(Timestamp.format(rules.createdUs))")
        return table
    }

    private static func cells(of evidence: Evidence?) -> [ReportTable.Cell] {
        guard let evidence else {
            return Array(repeating: .none, count: columns.count - 3) + [.text("written by hand, without evidence")]
        }
        func us(_ seconds: Double?) -> ReportTable.Cell { .us(seconds.map { $0 * 1e6 }) }
        return [
            .count(evidence.attempts), .count(evidence.failures), .count(evidence.outages), us(evidence.cost?.before),
            us(evidence.cost?.after), us(evidence.cost?.interval.lowerBound), us(evidence.cost?.interval.upperBound),
            .text(evidence.reason),
        ]
    }
}
