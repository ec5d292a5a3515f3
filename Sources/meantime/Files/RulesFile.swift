import Glibc
import Retry

/// The rule file as it stands: what is in force, and the exact text, to notice whether someone changes it meanwhile.
struct RulesFile {
    var path: String
    /// `nil` when there is no file yet.
    var text: String?
    /// What the text says.
    var rules: RuleSet?
    /// Why the file is none, when it is to be replaced all the same.
    var damage: String?

    private static let advice = "; nothing was changed: repair the file or move it away"

    /// - Throws: `FileError` when there is a file and it does not validate: it is somebody's work and is left alone.
    static func load(_ path: String) throws(FileError) -> RulesFile {
        guard let text = try TextFile.readIfPresent(path) else { return RulesFile(path: path) }
        do {
            return RulesFile(path: path, text: text, rules: try RuleSet(yaml: text, file: path))
        } catch {
            var refusal = error
            refusal.reason += advice
            throw refusal
        }
    }

    /// For commands that put other rules in its place: a file that does not validate must not stop them.
    ///
    /// - Throws: `FileError` when what is there is no file, or cannot be read.
    static func loadReplaceable(_ path: String) throws(FileError) -> RulesFile {
        do {
            return try load(path)
        } catch {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, R_OK) == 0 else {
                throw error
            }
            var damage = error
            if damage.reason.hasSuffix(advice) { damage.reason.removeLast(advice.count) }
            return RulesFile(path: path, text: (try? TextFile.readIfPresent(path)) ?? nil, damage: damage.description)
        }
    }

    /// Keeps a damaged file's content under a name of its own, which it returns.
    func keepCopy(nowUs: Int64) throws(FileError) -> String {
        guard let real = realpath(path, nil) else {
            throw FileError(file: path, reason: "cannot be kept: \(SystemError.text(errno))")
        }
        defer { free(real) }
        // The file is about to be replaced by a rename, so that a second name for it is a copy.
        let copy = "\(path).damaged-\(Timestamp.format(nowUs).filter { $0 != ":" })"
        guard link(real, copy) == 0 else {
            throw FileError(file: copy, reason: "cannot be made, so nothing was changed: \(SystemError.text(errno))")
        }
        return copy
    }

    /// Whether it would still read the same.
    func isUnchanged() throws(FileError) -> Bool {
        if damage != nil && text == nil { return true }
        return try TextFile.readIfPresent(path) == text
    }

    /// When the file was last written and by whom, as the file system says.
    func lastWritten() -> (us: Int64, who: String)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let us = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
        return (us, "\(Account.user(status.st_uid))@\(Account.host)")
    }
}
