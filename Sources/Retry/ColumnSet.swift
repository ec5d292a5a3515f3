/// A choice of an attempt's columns: what is not chosen is neither decoded nor kept.
public struct ColumnSet: OptionSet, Sendable {
    /// One bit a column, in the order of docs/segment.md.
    public var rawValue: UInt32

    /// A choice by its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Start times; always read, for they order the rows.
    public static let startUs = ColumnSet(rawValue: 1 << 0)
    /// Durations.
    public static let durationUs = ColumnSet(rawValue: 1 << 1)
    /// Routes.
    public static let route = ColumnSet(rawValue: 1 << 2)
    /// Hosts.
    public static let host = ColumnSet(rawValue: 1 << 3)
    /// Request numbers.
    public static let request = ColumnSet(rawValue: 1 << 4)
    /// Attempt numbers.
    public static let attempt = ColumnSet(rawValue: 1 << 5)
    /// Waits.
    public static let waitUs = ColumnSet(rawValue: 1 << 6)
    /// Outcomes.
    public static let outcome = ColumnSet(rawValue: 1 << 7)
    /// Statuses, and whether they are gRPC's.
    public static let status = ColumnSet(rawValue: 1 << 8 | 1 << 9)
    /// Limits in force.
    public static let timeoutUs = ColumnSet(rawValue: 1 << 10)
    /// What servers asked for.
    public static let retryAfterUs = ColumnSet(rawValue: 1 << 11)
    /// Methods.
    public static let method = ColumnSet(rawValue: 1 << 12)
    /// Hedges.
    public static let hedge = ColumnSet(rawValue: 1 << 13)
    /// Rule set versions.
    public static let ruleVersion = ColumnSet(rawValue: 1 << 14)
    /// Every column.
    public static let all = ColumnSet(rawValue: 1 << 15 - 1)
}
