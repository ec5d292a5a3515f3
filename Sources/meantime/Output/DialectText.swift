import Analyzer
import Retry

/// The best rules of other proxies, in the words of each.
enum DialectText {
    /// A table of prices, then every rule by its field names.
    static func text(_ rules: [DialectRule], style: Style) -> String {
        var table = TextTable(
            left: ["proxy", "retries", "each try"],
            right: ["cost", "95 %", "success", "extra attempts", "of meantime's"])
        for one in rules {
            let cells = RulePriceText.cells(one.price)
            table.rows.append(
                [
                    one.dialect.rawValue, ExplainText.waits(one.price.rule),
                    one.price.rule.perTryTimeoutUs.map(DurationText.format) ?? "no limit",
                ] + cells.prefix(4) + [one.multiple.map { NumberText.fixed($0, places: 3) + " ×" } ?? "-"])
        }
        var text = table.text(style: style) + "\n"
        for one in rules {
            text += "\(one.dialect.rawValue): \(words(one))\n"
            for note in one.notes { text += "  \(note)\n" }
        }
        return text
    }

    /// The dialect's fields in one line.
    static func words(_ one: DialectRule) -> String {
        let rule = one.price.rule
        let fields = DialectSnippet(one, route: "").fields
        if fields.isEmpty { return "nothing" }
        let shown = fields.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        return (rule.retry?.maxRetries ?? 0) == 0 ? "no retries; \(shown)" : shown
    }

    static func json(_ one: DialectRule, route: String) -> JSON {
        .object([
            ("dialect", .string(one.dialect.rawValue)), ("price", TuneJSON.price(one.price)),
            ("multiple_of_explicit_waits", one.multiple.map(JSON.double) ?? .null),
            ("fields", .object(DialectSnippet(one, route: "").fields.map { ($0.name, .string($0.value)) })),
            ("snippet", .string(DialectSnippet(one, route: route).text)),
            ("methods", .array(one.methods.map(JSON.string))), ("notes", .array(one.notes.map(JSON.string))),
        ])
    }
}
