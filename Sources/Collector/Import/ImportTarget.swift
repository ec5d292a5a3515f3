public import Retry

/// Where imported attempts go. The store is one.
public protocol ImportTarget {
    /// Keeps the attempts: all of them or, when it throws, none.
    func append(_ attempts: [Attempt]) throws

    /// How many of the attempts with `fromUs` ≤ start < `toUs` (UNIX microseconds) have each import key
    /// (`Attempt.importKeys`).
    func fingerprints(fromUs: Int64, toUs: Int64) throws -> [UInt64: Int]

    /// The target's own files, where malformed lines must not go; they need not exist yet.
    var reservedPaths: [String] { get }
}

extension ImportTarget {
    /// None.
    public var reservedPaths: [String] { [] }
}

extension AttemptStore: ImportTarget {
    /// The store and what SQLite keeps beside it.
    public var reservedPaths: [String] { Self.files(path: path) }

    /// The file of a store and those that SQLite keeps beside it.
    public static func files(path: String) -> [String] { ["", "-wal", "-shm", "-journal"].map { path + $0 } }
}
