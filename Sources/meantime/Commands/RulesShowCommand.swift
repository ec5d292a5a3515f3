import ArgumentParser
import Retry

/// One version of the rules, or those in force.
struct RulesShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the rules in force, or a version on record.",
        usage: "meantime rules show [<version>] [--format yaml|json] [options]",
        discussion: """
            EXAMPLES
              meantime rules show
              meantime rules show 6 --store meantime.db
              meantime rules show --format json
            """
    )

    @Argument(
        help: ArgumentHelp("A version on record, or a rule file (default: what is in force).", valueName: "version"))
    var version: String?

    @Option(help: ArgumentHelp("How to write it: as the file has it, or as JSON.", valueName: "format"))
    var format: RulesFormat = .yaml

    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func run() throws {
        let versions = try RuleVersions(source: source, rulesOption: rulesOption)
        let rules = try version.map { try versions.named($0) } ?? versions.inForce()
        switch format {
        case .yaml: try Output.print(RuleText.remarked(yaml: rules.yaml()))
        case .json: try Output.print(RuleJSON.ruleSet(rules).prettyText() + "\n")
        }
    }
}

/// How rules are written.
enum RulesFormat: String, ExpressibleByArgument, CaseIterable {
    case yaml
    case json
}
