/// What became of the rule file.
struct TuneEnding {
    var rulesPath: String
    /// Whether the rules to use differ from those in the file.
    var isChanged: Bool
    /// Whether the file was written.
    var isWritten: Bool
    /// The version in the file now; `nil` when there is no file.
    var version: Int?
    /// The version that was there before.
    var before: Int?

    /// One line for people.
    var line: String {
        let there = before.map { "version \($0)" }
        if isWritten {
            return "\(rulesPath): version \(version ?? 0) is in force (before: \(there ?? "no rules"))"
        }
        if !isChanged { return "\(rulesPath): \(there ?? "no rules") stay as they are; nothing changed" }
        return "\(rulesPath): nothing was written (dry run); \(there ?? "no rules") there now"
    }
}
