/// What a check of everything looked at, and what it found.
public struct StoreCheck: Equatable, Sendable {
    /// The parts of a store that can be damaged.
    public enum Part: String, CaseIterable, Sendable {
        /// SQLite's own pages, tables and indexes.
        case file
        /// The names of routes, hosts and methods.
        case names
        /// Sealed attempts.
        case segment
        /// Fresh attempts.
        case tail
        /// Notes of missing attempts.
        case dropped
        /// What is kept of pruned attempts.
        case history
        /// The versions of the rules.
        case rules
    }

    /// Something that is not what was written.
    public struct Finding: Equatable, Sendable, CustomStringConvertible {
        /// Where.
        public var part: Part
        /// The segment's number, where it is one.
        public var segment: Int64?
        /// How many attempts cannot be read for it; 0 where none is lost.
        public var attempts = 0
        /// The earliest start among them, UNIX microseconds, as far as it is known.
        public var firstStartUs: Int64?
        /// The latest start among them.
        public var lastStartUs: Int64?
        /// What is wrong.
        public var reason: String

        /// `segment 12: checksum of column start_us`
        public var description: String { "\(part.rawValue)\(segment.map { " \($0)" } ?? ""): \(reason)" }
    }

    /// The store format.
    public var format: Int64 = 0
    /// How many segments were read.
    public var segments = 0
    /// How many attempts in segments are what was written.
    public var segmentAttempts = 0
    /// How many in the tail are.
    public var tailAttempts = 0
    /// How many names were read.
    public var names = 0
    /// How many summaries of pruned attempts were read.
    public var summaries = 0
    /// How many versions of the rules were read.
    public var ruleSets = 0
    /// How many attempts are noted as missing.
    public var dropped = 0
    /// What is damaged, in the order of the parts; empty when all is well.
    public var findings: [Finding] = []

    /// Whether everything is what was written.
    public var isSound: Bool { findings.isEmpty }
}

extension AttemptStore {
    /// Reads all of the store and checks it against what was written: definitions, SQLite's pages, names, segments with
    /// each value and their zone maps, the tail, notes of missing attempts, the history, the rules.
    ///
    /// Reads one state of the store; writers go on. Only what is unreadable as a whole is an error; all else is found.
    ///
    /// - Parameter progress: is told the bytes of segments done, and their sum.
    public func checkEverything(progress: (Int64, Int64) -> Void = { _, _ in }) throws(StoreError) -> StoreCheck {
        let reader = try freshReader()
        try reader.begin()
        defer { reader.end() }
        var check = StoreChecker(reader: reader)
        try check.run(progress: progress)
        note(check.segmentDamage)
        return check.result
    }
}
