import Retry
import Synchronization

/// A retry budget that all event loops draw from.
final class SharedBudget: Sendable {
    let policy: BudgetPolicy
    private let budget: Mutex<RetryBudget>

    init(_ policy: BudgetPolicy) {
        self.policy = policy
        budget = Mutex(RetryBudget(policy))
    }

    func recordRequest(nowUs: Int64) { budget.withLock { $0.recordRequest(nowUs: nowUs) } }

    func withdraw(nowUs: Int64) -> Bool { budget.withLock { $0.withdraw(nowUs: nowUs) } }
}

/// The rule of one route with the version it came in.
final class RouteRule: Sendable {
    let rule: Rule
    let version: Int
    let budget: SharedBudget?

    init(rule: Rule, version: Int, budget: SharedBudget?) {
        self.rule = rule
        self.version = version
        self.budget = budget
    }
}

/// The rules that new requests begin under; swapped whole. Requests in flight keep the `RouteRule` they began with.
final class RulesInForce: Sendable {
    private struct Snapshot {
        var set: RuleSet?
        var rules: [RouteRule]
    }

    private let names: [String]
    private let snapshot: Mutex<Snapshot>

    /// Until a set is put in force, every route has the rule of a proxy without a retry policy.
    init(routes: [String]) {
        names = routes
        let none = RouteRule(rule: DefaultRules.none, version: 0, budget: nil)
        snapshot = Mutex(Snapshot(set: nil, rules: routes.map { _ in none }))
    }

    /// The rule of the route at that place of the configuration.
    func rule(at index: Int) -> RouteRule { snapshot.withLock { $0.rules[index] } }

    /// The set in force, if one was given.
    var set: RuleSet? { snapshot.withLock { $0.set } }

    /// Swaps the set. A route whose budget policy did not change keeps what its budget has counted: otherwise every
    /// reload would hand out a fresh burst of retries.
    ///
    /// - Returns: what a person should know: rules that reach no route, routes without a rule, parts not enforced.
    @discardableResult
    func put(_ set: RuleSet) -> [String] {
        snapshot.withLock { current in
            current.rules = names.enumerated().map { index, name in
                let rule = set.rule(for: name) ?? DefaultRules.none
                let kept = current.rules[index].budget
                let budget = rule.budget.map { $0 == kept?.policy ? (kept ?? SharedBudget($0)) : SharedBudget($0) }
                return RouteRule(rule: rule, version: set.version, budget: budget)
            }
            current.set = set
        }
        return warnings(about: set)
    }

    private func warnings(about set: RuleSet) -> [String] {
        var lines: [String] = []
        for name in set.routes.keys.sorted() where !names.contains(name) {
            lines.append("rule for route '\(name)' reaches nothing: the configuration has no such route")
        }
        for name in names {
            guard let rule = set.rule(for: name) else {
                lines.append("route '\(name)' has no rule; it gets one attempt and a timeout of 15s")
                continue
            }
            if rule.hedge != nil { lines.append("route '\(name)': hedge is not enforced by this version") }
            if rule.ejectionUs != nil { lines.append("route '\(name)': ejection is not enforced by this version") }
        }
        return lines
    }
}
