import Collector
import Retry

/// Rules by the names people give them: a version on record, or a file.
struct RuleVersions {
    let rulesPath: String
    let storePath: String

    init(source: SourceOptions, rulesOption: RulesOption) throws {
        let configuration = try source.configuration()
        rulesPath = rulesOption.path(configuration)
        storePath = try source.storePath(configuration)
    }

    /// What the rule file says.
    func inForce() throws -> RuleSet {
        let text = try TextFile.read(rulesPath, hint: "write one with 'meantime tune', or name it with --rules")
        return try RuleSet(yaml: text, file: rulesPath)
    }

    /// A number is a version, anything else is a file.
    func named(_ name: String) throws -> RuleSet {
        if let version = Int(name) { return try onRecord(version) }
        let text = try TextFile.read(name, hint: "give a version such as 6, or a rule file")
        return try RuleSet(yaml: text, file: name)
    }

    /// A version from the history. The file's own version need not be there: a person may have written it.
    func onRecord(_ version: Int) throws -> RuleSet {
        let present = try? inForce()
        if present?.version == version, !StoreFile.exists(storePath), let present { return present }
        let store = try StoreFile.openReading(storePath)
        defer { store.close() }
        if let record = try store.ruleSet(version: version) {
            return try RuleSet(yaml: record.yaml, file: "version \(version) of \(storePath)")
        }
        if let present, present.version == version { return present }
        let known = try store.ruleHistory().map(\.version).sorted().map(String.init).joined(separator: ", ")
        throw Failure(
            storePath,
            "version \(version) is not on record; \(known.isEmpty ? "no version is" : "on record: \(known)")")
    }
}
