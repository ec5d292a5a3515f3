public import Retry

/// Where imported attempts go. The store is one.
public protocol ImportTarget {
    /// Keeps the attempts: all of them or, when it throws, none.
    func append(_ attempts: [Attempt]) throws

    /// How many of the attempts with `fromUs` ≤ start < `toUs` (UNIX microseconds) have each import key
    /// (`Attempt.importKeys`).
    func fingerprints(fromUs: Int64, toUs: Int64) throws -> [UInt64: Int]

    /// The stretches of time (starts, UNIX microseconds) in which the target may hold attempts; asked once, before
    /// anything of an import is appended. `fingerprints` is asked for times in them only. `nil`: all of time.
    func occupiedTimes() throws -> [ClosedRange<Int64>]?

    /// The store behind the target, if there is one; then columns go to it, and `append` is asked for a few attempts
    /// only. Asked when there is something to append.
    func columnStore() throws -> AttemptStore?

    /// Everything was appended.
    func finishImport() throws

    /// Keeps other imports away for as long as the lock is held; `nil`: there can be no other.
    ///
    /// - Throws: when another import is under way.
    func lockImports() throws -> ImportLock?

    /// The target's own files, where malformed lines must not go; they need not exist yet.
    var reservedPaths: [String] { get }
}

extension ImportTarget {
    /// No lock: for targets that no other import can reach.
    public func lockImports() throws -> ImportLock? { nil }

    /// None.
    public var reservedPaths: [String] { [] }

    /// All of time.
    public func occupiedTimes() throws -> [ClosedRange<Int64>]? { nil }

    /// None: attempts come one by one.
    public func columnStore() throws -> AttemptStore? { nil }

    /// Nothing is left to do.
    public func finishImport() throws {}
}

extension AttemptStore: ImportTarget {
    /// The lock on imports into this file, also those of other processes.
    public func lockImports() throws -> ImportLock? { try ImportLock(store: path) }

    /// This store.
    public func columnStore() throws -> AttemptStore? { self }

    /// Seals a tail of 1,024 attempts or more, so that what was imported is columnar.
    public func finishImport() throws { try seal(minimumRows: Self.minimumSegmentRows, givesBackPages: true) }

    /// The store and what SQLite keeps beside it.
    public var reservedPaths: [String] { Self.files(path: path) }

    /// The file of a store and those that SQLite keeps beside it.
    public static func files(path: String) -> [String] { ["", "-wal", "-shm", "-journal"].map { path + $0 } }
}
