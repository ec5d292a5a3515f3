import Retry

/// What differs between two rule sets, for people and for scripts.
enum RuleChangeText {
    /// One line a key: `- before`, `+ after`, under the route's name.
    static func text(_ changes: [RuleChange], style: Style) -> String {
        var text = ""
        var route: String?
        for change in changes {
            if change.route != route {
                text += style.bold("\(change.route)") + "\n"
                route = change.route
            }
            if change.key == "rule" {
                // A rule that comes or goes without a key beside it says nothing.
                let isEmpty = changes.count { $0.route == change.route } == 1
                text +=
                    change.after == nil
                    ? style.red("- " + (isEmpty ? RuleText.none : "the whole rule"))
                    : style.green("+ " + (isEmpty ? RuleText.none : "a new rule"))
                text += "\n"
                continue
            }
            if let before = change.before { text += style.red("- \(change.key): \(before)") + "\n" }
            if let after = change.after { text += style.green("+ \(change.key): \(after)") + "\n" }
        }
        return text
    }

    static func json(_ changes: [RuleChange]) -> JSON {
        .array(
            changes.map { change in
                .object([
                    ("route", .string(change.route)), ("key", .string(change.key)),
                    ("before", change.before.map(JSON.string) ?? .null),
                    ("after", change.after.map(JSON.string) ?? .null),
                ])
            })
    }
}
