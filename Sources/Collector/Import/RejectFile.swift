import Glibc

/// Malformed lines, kept: each under a heading with its origin and the reason, in a file that can be imported again.
///
///     #rejected access.log:17: not JSON at column 9: expected ':' after a key, found '}'
///     {"broken"}
///
/// Correct the line and import the file: the headings are skipped. A line that the file already has is not added
/// again. The file is made with the first line.
final class RejectFile {
    /// What a heading begins with. No JSON object does.
    static let heading = "#rejected "

    let path: String
    private var descriptor: Int32 = -1
    private var known: Set<UInt64> = []

    init(path: String) { self.path = path }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    static func isHeading(_ line: UnsafeRawBufferPointer) -> Bool {
        line.first == UInt8(ascii: "#") && line.starts(with: heading.utf8)
    }

    /// What is wrong with a path as the place for malformed lines, `nil` if it can be one.
    ///
    /// - Parameter reserved: files that it must not be, whether they are there already or not.
    static func fault(path: String, reserved: [String]) -> String? {
        let own = canonical(path)
        if reserved.contains(where: { canonical($0) == own }) {
            return "is the store or belongs to it; malformed lines need a file of their own"
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return nil }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        // What cannot be read is told when it is written to.
        guard file >= 0 else { return nil }
        defer { close(file) }
        var head = [UInt8](repeating: 0, count: heading.utf8.count)
        guard read(file, &head, head.count) == head.count, head == Array(heading.utf8) else {
            return "is no file of malformed lines (it does not begin with '\(heading)'); give them another file"
        }
        return nil
    }

    /// The path without links and dots, also of a file that is not there yet.
    private static func canonical(_ path: String) -> String {
        func real(_ path: String) -> String? {
            guard let found = realpath(path, nil) else { return nil }
            defer { free(found) }
            return String(cString: found)
        }
        if let found = real(path) { return found }
        guard let slash = path.lastIndex(of: "/") else { return (real(".") ?? ".") + "/" + path }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (real(directory) ?? directory) + "/" + path[path.index(after: slash)...]
    }

    func add(_ reject: ImportReport.Reject, line: UnsafeRawBufferPointer) throws(InputFault) {
        if descriptor < 0 { try openFile() }
        guard known.insert(XXH64.hash(line)).inserted else { return }
        var bytes = Array("\(Self.heading)\(reject.file):\(reject.line): \(reject.reason)\n".utf8)
        bytes.append(contentsOf: line)
        bytes.append(UInt8(ascii: "\n"))
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try ByteSource.writeAll(UnsafeRawBufferPointer(copy), to: descriptor)
    }

    /// A file that was edited may lack the end of its last line; the next heading must not run on in it.
    private func endLastLine() throws(InputFault) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return }
        var last = UInt8(ascii: "\n")
        guard pread(descriptor, &last, 1, status.st_size - 1) == 1, last != UInt8(ascii: "\n") else { return }
        var end = UInt8(ascii: "\n")
        guard write(descriptor, &end, 1) == 1 else {
            throw InputFault(reason: "cannot be written: \(SystemError.last())")
        }
    }

    private func openFile() throws(InputFault) {
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw InputFault(reason: "cannot be opened: \(SystemError.last())") }
        try endLastLine()
        guard let source = try? ByteSource(.file(path)) else { return }
        let reader = LineReader(source)
        var isBelowHeading = false
        while let line = try reader.next() {
            switch line {
            case .text(let bytes, _), .tooLong(let bytes, _):
                // The line below a heading is the malformed one, also when it looks like a heading itself.
                let isLine = isBelowHeading || !Self.isHeading(bytes)
                if isLine { known.insert(XXH64.hash(bytes)) }
                isBelowHeading = !isLine
            }
        }
    }
}
