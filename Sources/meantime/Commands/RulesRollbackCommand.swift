import ArgumentParser
import Collector
import Retry

/// An older version's rules, put in force again.
struct RulesRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Put an older version's rules in force again, as a new version.",
        usage: "meantime rules rollback [--to <version>] [--why <text>] [options]",
        discussion: """
            Versions only grow, so that every attempt in the log names the rules it ran \
            under: rolling version 7 back to 6 writes version 8 with the rules of 6.

            EXAMPLES
              meantime rules rollback                to the version before the one in force
              meantime rules rollback --to 4 --why "checkout is slow since 5"
            """
    )

    @Option(help: ArgumentHelp("The version to go back to (default: the one before).", valueName: "version"))
    var to: Int?

    @Argument(help: .hidden)
    var stray: String?

    @OptionGroup var source: SourceOptions
    @OptionGroup var rulesOption: RulesOption
    @OptionGroup var record: RecordOptions

    func validate() throws {
        if let stray { throw ValidationError("Unexpected argument '\(stray)'; write --to \(stray)") }
    }

    func run() throws {
        let configuration = try source.configuration()
        let present = try RulesFile.loadReplaceable(rulesOption.path(configuration))
        let versions = try RuleVersions(source: source, rulesOption: rulesOption)
        let version = try to ?? before(present.rules, versions)
        let wanted = try versions.onRecord(version)
        let why = record.why.map { ": \($0)" } ?? ""
        try RulePublication(source: source, configuration: configuration, present: present, who: record.name)
            .publish(wanted.routes, why: "rolled back to version \(version)\(why)")
    }

    /// The newest version on record below the one in force.
    private func before(_ present: RuleSet?, _ versions: RuleVersions) throws -> Int {
        let store = try StoreFile.openReading(versions.storePath)
        defer { store.close() }
        let known = try store.ruleHistory().map(\.version)
        let limit = present?.version ?? Int.max
        guard let version = known.filter({ $0 < limit }).max() else {
            throw Failure(
                versions.storePath, "no version before \(present.map { "\($0.version)" } ?? "any") is on record")
        }
        return version
    }
}
