import Glibc
import Retry

/// Whole text files, with an error that says what is wrong with which.
enum TextFile {
    /// No file that a person writes for Meantime comes near this; a log given by mistake does.
    static let largest = 16 << 20

    /// The file's text, or `nil` when there is no such file.
    static func readIfPresent(_ path: String) throws(FileError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw FileError(file: path, reason: "cannot be read: \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(file: path, reason: "cannot be read: \(SystemError.text(errno))")
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw FileError(file: path, reason: "is a directory; give a file")
        }
        let bytes = try all(of: descriptor, path: path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(file: path, reason: "is not UTF-8 text; is it the right file?")
        }
        return text
    }

    /// The file's text; `hint` says how to come by the file when there is none.
    static func read(_ path: String, hint: String) throws(FileError) -> String {
        guard let text = try readIfPresent(path) else {
            throw FileError(file: path, reason: "no such file; \(hint)")
        }
        return text
    }

    private static func all(of descriptor: Int32, path: String) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { throw FileError(file: path, reason: "cannot be read: \(SystemError.text(errno))") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > largest {
                throw FileError(file: path, reason: "is longer than \(largest >> 20) MiB; is it the right file?")
            }
        }
    }
}
