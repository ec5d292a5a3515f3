import ArgumentParser
import Retry

/// What differs between two rule sets.
struct RulesDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two versions or files, key by key.",
        usage: "meantime rules diff <before> [<after>] [--format table|json] [options]",
        discussion: """
            A number is a version on record, anything else a rule file. With one, it is \
            compared with the rules in force. Evidence is no part of a rule and does not \
            count.

            EXAMPLES
              meantime rules diff 6 7
              meantime rules diff 6
              meantime rules diff rules.yaml edited.yaml --format json
            """
    )

    @Argument(help: ArgumentHelp("A version or a rule file.", valueName: "before"))
    var before: String

    @Argument(help: ArgumentHelp("A version or a rule file (default: the rules in force).", valueName: "after"))
    var after: String?

    @Option(help: ArgumentHelp("How to write it.", valueName: "format"))
    var format: DocumentFormat = .table

    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption

    func run() throws {
        let versions = try RuleVersions(source: source, rulesOption: rulesOption)
        let old = try versions.named(before)
        let new = try after.map { try versions.named($0) } ?? versions.inForce()
        let changes = old.changes(to: new)
        switch format {
        case .json:
            try Output.print(RuleChangeText.json(changes).prettyText() + "\n")
        case .table where changes.isEmpty:
            try Output.print("no rule differs\n")
        case .table:
            try Output.print(RuleChangeText.text(changes, style: Style(for: Terminal.output)))
        }
    }
}
