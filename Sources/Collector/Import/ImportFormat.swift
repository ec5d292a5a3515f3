/// What the lines of an input are.
public enum ImportFormat: String, CaseIterable, Codable, Sendable {
    /// One JSON object an attempt, with the column names of the attempt record.
    case attempts
    /// What Envoy's `upstream_log` (a line an attempt) and `access_log` (a line a request) write as `json_format`.
    case envoy
}

/// One input of an import.
public enum ImportInput: Equatable, Sendable {
    /// A file, plain or gzip; which of both its first bytes tell.
    case file(String)
    /// An open descriptor, such as a pipe; it stays open. `name` is what messages call it.
    case descriptor(Int32, name: String)

    /// The input a command line argument means: `-` is standard input, everything else a path.
    public init(argument: String) {
        self = argument == "-" ? .descriptor(0, name: "stdin") : .file(argument)
    }

    /// What messages call it.
    public var name: String {
        switch self {
        case .file(let path): path
        case .descriptor(_, let name): name
        }
    }
}

/// How far an import is.
public struct ImportProgress: Equatable, Sendable {
    /// Bytes taken from the inputs, as they are on disk (packed, if packed).
    public var bytesRead: Int64
    /// Bytes of all inputs, if all of them are files.
    public var totalBytes: Int64?
    /// Lines read.
    public var lines: Int

    /// A state of progress.
    public init(bytesRead: Int64, totalBytes: Int64?, lines: Int) {
        self.bytesRead = bytesRead
        self.totalBytes = totalBytes
        self.lines = lines
    }
}
