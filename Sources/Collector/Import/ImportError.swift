/// Why an import stopped. A malformed line stops only a strict import.
public enum ImportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An input cannot be opened or read; nothing was imported.
    case input(name: String, reason: String)
    /// A strict import met a line that it cannot take; nothing was imported.
    case line(file: String, line: Int, reason: String)
    /// An input is damaged or breaks off, which was seen before anything was imported.
    case damaged(file: String, reason: String)
    /// A strict import found an input other than it was a moment ago; `imported` attempts are in the store.
    case changed(file: String, imported: Int, reason: String)
    /// The reject file cannot be written; `imported` attempts are in the store.
    case rejectFile(path: String, imported: Int, reason: String)
    /// The store refused; `imported` attempts are in it, and a second import adds the rest.
    case target(imported: Int, reason: String)

    /// One line: where, what was wrong, what is so now.
    public var description: String {
        switch self {
        case .input(let name, let reason):
            "\(name): \(reason)"
        case .line(let file, let line, let reason):
            "\(file):\(line): \(reason); nothing was imported (strict)"
        case .damaged(let file, let reason):
            "\(file): \(reason); nothing was imported"
        case .changed(let file, let imported, let reason):
            "\(file): changed while it was being imported: \(reason); "
                + "\(imported) attempts are in the store, import it again when it is at rest"
        case .rejectFile(let path, let imported, let reason):
            "\(path): \(reason); \(imported) attempts are in the store, a second import adds the rest"
        case .target(let imported, let reason):
            imported == 0
                ? "\(reason); nothing was imported"
                : "\(reason); \(imported) attempts are in the store, a second import adds the rest"
        }
    }
}

/// What is wrong with one line.
struct LineFault: Error, Equatable {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Why an input ended before its end.
struct InputFault: Error, Equatable {
    var reason: String
}
