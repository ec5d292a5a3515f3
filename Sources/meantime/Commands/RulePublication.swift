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
        let before = present.rules ?? RuleSet(version: 1, createdUs: nowUs, routes: [:])
        let store = try StoreFile.openWriting(source.storePath(configuration))
        defer { store.close() }
        let rules = try RuleBook(file: present, store: store, who: who).put(routes, why: why, nowUs: nowUs)
        let changes = RuleChangeText.text(before.changes(to: rules), style: Style(for: Terminal.output))
        try Output.print("\(changes)\(present.path): version \(rules.version) is in force (\(why))\n")
    }
}
