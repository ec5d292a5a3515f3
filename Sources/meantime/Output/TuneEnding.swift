/// What became of the rule file.
struct TuneEnding {
    var rulesPath: String
    /// Whether a route's rule changed, or would in a dry run.
    var isChanged: Bool
    /// Whether the file was written.
    var isWritten: Bool
    /// The version in the file now; `nil` when there is no file.
    var version: Int?
    /// The version that was there before; `nil` when there was no file.
    var before: Int?
    /// The newest version on record, if any.
    var lastOnRecord: Int?
    /// Routes that the configuration names and the log does not.
    var unseenRoutes: [String]

    /// Whether the file was made where there was none.
    var isCreated: Bool { isWritten && before == nil }

    /// One line for people.
    var line: String {
        if isWritten { return "\(rulesPath): version \(version ?? 0) is in force (before: \(there))" }
        if !isChanged, let before { return "\(rulesPath): version \(before) stays as it is; nothing changed" }
        return "\(rulesPath): nothing was written (dry run); there now: \(there)"
    }

    private var there: String {
        if let before { return "version \(before)" }
        guard let lastOnRecord else { return "no rules" }
        return "file missing, last version \(lastOnRecord) is in the history"
    }
}
