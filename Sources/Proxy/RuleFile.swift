import Glibc
import Retry

/// What tells one state of a file from another without reading it.
struct FileSignature: Equatable, Sendable {
    var inode: UInt64
    var size: Int64
    var modifiedSecond: Int64
    var modifiedNanosecond: Int64

    fileprivate init(_ status: stat) {
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modifiedSecond = Int64(status.st_mtim.tv_sec)
        modifiedNanosecond = Int64(status.st_mtim.tv_nsec)
    }

    init(inode: UInt64, size: Int64, modifiedSecond: Int64, modifiedNanosecond: Int64) {
        self.inode = inode
        self.size = size
        self.modifiedSecond = modifiedSecond
        self.modifiedNanosecond = modifiedNanosecond
    }

    /// The state of the file at `path`; `nil` when there is none.
    static func of(path: String) -> FileSignature? {
        var status = stat()
        return stat(path, &status) == 0 ? FileSignature(status) : nil
    }
}

/// Reads the rule file whole.
enum RuleFile {
    private static let largest = 16 << 20

    /// - Throws: `FileError` when the file is too large, is no text, or holds no valid rule set.
    static func parse(_ bytes: [UInt8], path: String) throws(FileError) -> RuleSet {
        if bytes.count > largest { throw FileError(file: path, reason: "larger than 16 MiB, so no rule file") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(file: path, reason: "not UTF-8 text")
        }
        return try RuleSet(yaml: text, file: path)
    }

    /// The file's bytes, no more than one read beyond what a rule file may have.
    ///
    /// - Throws: `FileError` when the file cannot be read, which may pass.
    static func bytes(path: String) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(file: path, reason: "cannot be read: \(message(errno))") }
        defer { _ = Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= largest {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(file: path, reason: "cannot be read: \(message(errno))")
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private static func message(_ code: CInt) -> String {
        strerror(code).map { String(cString: $0) } ?? "errno \(code)"
    }
}
