import Glibc
import Retry

/// A file that is replaced whole or not at all: written beside its target, synced, and renamed over it.
///
/// Between `prepare` and `commit` the target is untouched, so that whatever must be on record first can be recorded,
/// and every foreseeable refusal (no such directory, no permission, no space) has come before anything changed.
struct AtomicFile: ~Copyable {
    private let target: String
    private let temporary: String
    private var isCommitted = false

    private init(target: String, temporary: String) {
        self.target = target
        self.temporary = temporary
    }

    /// Writes `text` beside `path` and syncs it.
    static func prepare(_ path: String, text: String) throws(FileError) -> AtomicFile {
        let target = resolved(path)
        let (descriptor, temporary) = try createTemporary(in: directory(of: target), for: path)
        let file = AtomicFile(target: target, temporary: temporary)
        defer { close(descriptor) }
        try fill(descriptor, with: text, modeOf: target, path: path)
        return file
    }

    deinit {
        if !isCommitted { unlink(temporary) }
    }

    /// Puts the new content in force: readers see the old file or the new one, also after a power cut.
    mutating func commit() throws(FileError) {
        guard rename(temporary, target) == 0 else {
            throw FileError(file: target, reason: "cannot be replaced: \(SystemError.text(errno))")
        }
        isCommitted = true
        let directory = open(Self.directory(of: target), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A link stays a link: its target is what is replaced.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func createTemporary(in directory: String, for path: String) throws(FileError) -> (Int32, String) {
        // mkstemp puts a name of its own in place of each X.
        var template = Array("\(directory)/.meantime-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw FileError(
                file: path,
                reason: "cannot be written: \(SystemError.text(errno)); the directory '\(directory)' must exist"
                    + " and be writable")
        }
        return (
            descriptor,
            template.withUnsafeBufferPointer { buffer in
                String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        )
    }

    private static func fill(
        _ descriptor: Int32, with text: String, modeOf target: String, path: String
    ) throws(FileError) {
        func refusal() -> FileError {
            FileError(file: path, reason: "cannot be written: \(SystemError.text(errno))")
        }
        var status = stat()
        let mode = stat(target, &status) == 0 ? status.st_mode & 0o7777 : 0o644
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { throw refusal() }
            rest = rest.dropFirst(count)
        }
        if fchmod(descriptor, mode) != 0 || fsync(descriptor) != 0 { throw refusal() }
    }
}
