/// One cell of a query's answer.
public enum QueryValue: Equatable, Hashable, Sendable {
    /// SQL's NULL.
    case null
    /// A whole number.
    case integer(Int64)
    /// A floating-point number.
    case real(Double)
    /// Text.
    case text(String)
    /// Bytes.
    case blob([UInt8])
}

/// The answer to a query.
public struct QueryResult: Equatable, Sendable {
    /// The names of the columns, as SQL gave them.
    public var columns: [String]
    /// The rows; each has as many values as there are columns.
    public var rows: [[QueryValue]]
    /// What could not be read and is therefore not in the rows; empty when all is well.
    public var damage: [SegmentDamage]
}

/// What a scan or a streamed query went through.
public struct ScanReport: Equatable, Sendable {
    /// Rows given to the caller.
    public var rows: Int
    /// What could not be read and was skipped; empty when all is well.
    public var damage: [SegmentDamage]
}
