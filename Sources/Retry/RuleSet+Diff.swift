/// What differs between two rules of a route.
public struct RuleChange: Equatable, Sendable {
    /// The route.
    public var route: String
    /// The key, such as `retry.max_retries`; `rule` when the whole route came or went.
    public var key: String
    /// Its text before; `nil` when it was absent.
    public var before: String?
    /// Its text after; `nil` when it is absent.
    public var after: String?
}

extension RuleSet {
    /// The changes from `self` to `other`, by route and key. Evidence is no part of a rule and does not count.
    public func changes(to other: RuleSet) -> [RuleChange] {
        var changes: [RuleChange] = []
        for name in Set(routes.keys).union(other.routes.keys).sorted() {
            let (before, after) = (Self.fields(routes[name]?.rule), Self.fields(other.routes[name]?.rule))
            for key in Self.order where before[key] != after[key] {
                changes.append(RuleChange(route: name, key: key, before: before[key], after: after[key]))
            }
        }
        return changes
    }

    private static let order = [
        "rule", "timeout", "per_try_timeout", "retry.max_retries", "retry.on", "retry.host", "retry.retry_after",
        "retry.backoff", "budget", "hedge", "ejection",
    ]

    /// A rule's text by key, as the file has it.
    private static func fields(_ rule: Rule?) -> [String: String] {
        guard let rule else { return [:] }
        var fields = ["rule": "present"]
        for line in lines(of: rule) {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            let key = parts[0].hasPrefix("  ") ? "retry." + parts[0].dropFirst(2) : parts[0]
            let value = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            if !value.isEmpty { fields[key] = value }
        }
        return fields
    }
}
