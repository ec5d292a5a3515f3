import Collector
import Retry

/// Rules put in force on a person's word, and what is said about it.
struct RulePublication {
    let source: SourceOptions
    let configuration: Configuration?
    let present: RulesFile
    let who: String

    func publish(_ routes: [String: RuleSet.Entry], why: String) throws {
        let nowUs = WallClock.nowUs
        let wanted = RuleSet(version: 1, createdUs: nowUs, routes: routes)
        if let rules = present.rules, rules.changes(to: wanted).isEmpty {
            return try Output.print(
                "\(present.path): version \(rules.version) says the same already; nothing changed\n")
        }
        let store = try StoreFile.openWriting(source.storePath(configuration))
        defer { store.close() }
        let before = try present.rules ?? lastOnRecord(store) ?? RuleSet(version: 1, createdUs: nowUs, routes: [:])
        let rules = try RuleBook(file: present, store: store, who: who).put(routes, why: why, nowUs: nowUs)
        let changes = RuleChangeText.text(before.changes(to: rules), style: Style(for: Terminal.output))
        try Output.print("\(changes)\(present.path): version \(rules.version) is in force (\(why))\n")
    }

    /// What a damaged file said, as far as anybody knows.
    private func lastOnRecord(_ store: AttemptStore) throws -> RuleSet? {
        guard present.damage != nil else { return nil }
        return try store.ruleSet(version: store.nextRuleVersion() - 1)?.ruleSet()
    }
}
