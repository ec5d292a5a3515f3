/// What a prune did, or would do.
public struct PruneReport: Equatable, Sendable {
    /// Attempts that began earlier were to go, UNIX microseconds: the beginning of an hour.
    public var beforeUs: Int64
    /// Whether nothing was changed.
    public var isDryRun: Bool
    /// Attempts removed, in the tail or in segments.
    public var attempts = 0
    /// Attempts that are left.
    public var remaining = 0
    /// Segments that went as a whole.
    public var segmentsRemoved = 0
    /// Segments that began before the boundary and ended after it: written anew without their beginning.
    public var segmentsCut = 0
    /// Missing attempts whose note moved into the history.
    public var droppedMoved = 0
    /// By how many bytes the file became shorter, below 0: longer; in a dry run, about how much.
    public var freedBytes: Int64 = 0
    /// What could not be read and so could not be summed up: left as it is.
    public var damage: [SegmentDamage] = []
    /// What could not be read and was removed, as the options asked; the history says how many attempts it held.
    public var discarded: [SegmentDamage] = []
}

/// How a prune treats what is not ordinary.
public struct PruneOptions: Equatable, Sendable {
    /// Says what would be done and changes nothing.
    public var isDryRun: Bool
    /// Removes every attempt, if every one is older than the boundary.
    public var mayEmpty: Bool
    /// Removes damaged segments before the boundary too; the history then says how many attempts they were.
    public var discardsDamaged: Bool

    /// Options; without arguments, the careful ones.
    public init(isDryRun: Bool = false, mayEmpty: Bool = false, discardsDamaged: Bool = false) {
        self.isDryRun = isDryRun
        self.mayEmpty = mayEmpty
        self.discardsDamaged = discardsDamaged
    }
}
