import ArgumentParser

/// What the history will say of it.
struct RecordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Who does it, for the history (default: user@host).", valueName: "name"))
    var who: String?

    @Option(help: ArgumentHelp("Why, for the history.", valueName: "text"))
    var why: String?

    /// The name to record.
    var name: String { who ?? Account.current }
}
