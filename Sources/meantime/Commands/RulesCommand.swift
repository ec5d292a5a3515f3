import ArgumentParser

/// The rules: what is in force, what was, and how to get from one to the other.
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Show, compare, apply and roll back rules.",
        discussion: """
            Every version that was put in force is kept in the store, with who did it, \
            when and why.

            EXAMPLES
              meantime rules show                    what is in force
              meantime rules history                 every version, newest first
              meantime rules diff 6 7                what version 7 changed
              meantime rules apply edited.yaml       a file, as the next version
              meantime rules rollback                back to the version before
            """,
        subcommands: [
            RulesShowCommand.self, RulesDiffCommand.self, RulesHistoryCommand.self, RulesApplyCommand.self,
            RulesRollbackCommand.self,
        ]
    )
}
