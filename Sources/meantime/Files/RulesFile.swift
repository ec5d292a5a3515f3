import Glibc
import Retry

/// The rule file as it stands: what is in force, and the exact text, to notice whether someone changes it meanwhile.
struct RulesFile {
    var path: String
    /// `nil` when there is no file yet.
    var text: String?
    /// What the text says.
    var rules: RuleSet?

    /// - Throws: `FileError` when there is a file and it does not validate: it is somebody's work and is left alone.
    static func load(_ path: String) throws(FileError) -> RulesFile {
        guard let text = try TextFile.readIfPresent(path) else { return RulesFile(path: path) }
        do {
            return RulesFile(path: path, text: text, rules: try RuleSet(yaml: text, file: path))
        } catch {
            var refusal = error
            refusal.reason += "; nothing was changed: repair the file or move it away"
            throw refusal
        }
    }

    /// Whether it would still read the same.
    func isUnchanged() throws(FileError) -> Bool { try TextFile.readIfPresent(path) == text }

    /// When the file was last written and by whom, as the file system says.
    func lastWritten() -> (us: Int64, who: String)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let us = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
        return (us, "\(Account.user(status.st_uid))@\(Account.host)")
    }
}
