/// Why a file that a person or Meantime wrote is refused: where, what was wrong, what would be right.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's path.
    public var file: String
    /// The line, from 1, when it is known.
    public var line: Int?
    /// What was wrong and what would be right, in one line.
    public var reason: String

    /// An error.
    public init(file: String, line: Int? = nil, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    /// `rules.yaml:12: routes.checkout.timeout: ...`
    public var description: String {
        line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)"
    }
}
