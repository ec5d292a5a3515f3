import ArgumentParser
import Collector
import Retry

/// A file's rules, put in force.
struct RulesApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put a rule file in force as the next version.",
        usage: "meantime rules apply <file> [--who <name>] [--why <text>] [options]",
        discussion: """
            The file is checked whole, gets the next version number, is recorded, and \
            replaces the rule file in one step; a running proxy takes it without a restart.

            EXAMPLES
              meantime rules apply edited.yaml
              meantime rules apply edited.yaml --why "checkout moved to new hosts"
            """
    )

    @Argument(help: ArgumentHelp("The rule file to put in force.", valueName: "file"), completion: .file())
    var file: String

    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption
    @OptionGroup var record: RecordOptions

    /// Evidence speaks for the rule it was found with: a rule that was edited since has none.
    private func withoutStaleEvidence(
        _ routes: [String: RuleSet.Entry], _ present: RulesFile, _ configuration: Configuration?
    ) throws -> [String: RuleSet.Entry] {
        var known = present.rules.map { [$0] } ?? []
        let storePath = try source.storePath(configuration)
        if StoreFile.exists(storePath) {
            let store = try StoreFile.openReading(storePath)
            defer { store.close() }
            known += try store.ruleHistory().map { try $0.ruleSet() }
        }
        return routes.reduce(into: routes) { kept, route in
            guard let evidence = route.value.evidence else { return }
            let rules = known.compactMap { $0.routes[route.key] }.filter { $0.evidence == evidence }.map(\.rule)
            if rules.isEmpty || rules.contains(route.value.rule) { return }
            kept[route.key]?.evidence = nil
            Exit.complain("\(file): \(route.key): its rule is not the one its evidence is for; left out the evidence")
        }
    }

    func run() throws {
        let configuration = try source.configuration()
        let text = try TextFile.read(file, hint: "give a rule file")
        let wanted = try RuleSet(yaml: text, file: file)
        let present = try RulesFile.loadReplaceable(rulesOption.path(configuration))
        try RulePublication(source: source, configuration: configuration, present: present, who: record.name)
            .publish(
                try withoutStaleEvidence(wanted.routes, present, configuration), why: record.why ?? "applied \(file)")
    }
}
