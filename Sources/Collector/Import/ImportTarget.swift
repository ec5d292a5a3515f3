public import Retry

/// Where imported attempts go. The store is one.
public protocol ImportTarget {
    /// Keeps the attempts: all of them or, when it throws, none.
    func append(_ attempts: [Attempt]) throws

    /// How many of the attempts with `fromUs` ≤ start < `toUs` (UNIX microseconds) have each import key
    /// (`Attempt.importKeys`).
    func fingerprints(fromUs: Int64, toUs: Int64) throws -> [UInt64: Int]
}

extension AttemptStore: ImportTarget {}
