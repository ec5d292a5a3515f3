/// Why the store refused: which file, what was wrong, and what would be right. One line.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of refusal a caller may want to tell apart.
    public enum Code: String, Sendable {
        /// There is no file at the path.
        case notFound
        /// The file is not SQLite, or SQLite of another application.
        case notAStore
        /// A later Meantime wrote it.
        case newerVersion
        /// The path cannot be opened or created.
        case cannotOpen
        /// The disk, or the store's page limit, is full: nothing of the call was kept.
        case full
        /// Another writer held the store for longer than the busy timeout: nothing of the call was kept.
        case busy
        /// The store was opened for reading only.
        case readOnly
        /// Bytes are not what was written.
        case damaged
        /// The SQL text of a query is wrong.
        case sql
        /// What was to be written exists already.
        case conflict
        /// The disk failed.
        case io
    }

    /// The kind.
    public var code: Code
    /// The store's path.
    public var path: String
    /// What was wrong and what would be right, in one line.
    public var message: String
    /// For `sql`: the offset in bytes of the mistake in the text, when it is known.
    public var sqlOffset: Int?

    /// An error.
    public init(_ code: Code, path: String, _ message: String, sqlOffset: Int? = nil) {
        self.code = code
        self.path = path
        self.message = message
        self.sqlOffset = sqlOffset
    }

    /// `meantime.db: the disk is full`
    public var description: String { "\(path): \(message)" }
}

/// A part of the store that cannot be read: it is skipped, named and counted, never taken for empty.
public struct SegmentDamage: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The segment's number; 0 for rows of the tail, -1 for segments that are not even listed.
    public var segment: Int64
    /// How many attempts cannot be read.
    public var rows: Int
    /// The earliest start among them, UNIX microseconds, as far as it is known.
    public var firstStartUs: Int64
    /// The latest start among them, UNIX microseconds, as far as it is known.
    public var lastStartUs: Int64
    /// What was wrong.
    public var reason: String

    /// `segment 12 is damaged (131072 attempts missing): checksum of column start_us`
    public var description: String {
        let place = segment < 0 ? "the list of segments" : segment == 0 ? "the tail" : "segment \(segment)"
        return "\(place) is damaged (\(rows) attempts missing): \(reason)"
    }
}
