import ArgumentParser
import Retry

/// A file's rules, put in force.
struct RulesApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Put a rule file in force as the next version.",
        usage: "meantime rules apply <file> [--who <name>] [--why <text>] [options]",
        discussion: """
            The file is checked whole, gets the next version number, is recorded, and
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

    func run() throws {
        let configuration = try source.configuration()
        let text = try TextFile.read(file, hint: "give a rule file")
        let wanted = try RuleSet(yaml: text, file: file)
        let present = try RulesFile.load(rulesOption.path(configuration))
        try RulePublication(source: source, configuration: configuration, present: present, who: record.name)
            .publish(wanted.routes, why: record.why ?? "applied \(file)")
    }
}
