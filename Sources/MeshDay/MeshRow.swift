public import Retry

/// One attempt of a mesh-day with its names as codes: no text is touched for each of millions. Times are microseconds.
public struct MeshRow: Equatable, Sendable {
    /// UNIX start.
    public var startUs: Int64
    /// From the start until the outcome was known.
    public var durationUs: Int64
    /// Index into `MeshDay.routeNames`.
    public var route: Int32
    /// Index into `MeshDay.hostNames`; the hosts of a route stand side by side.
    public var host: Int32
    /// 1, 2, 3, ... in order of first attempts.
    public var request: UInt64
    /// 1 is the first.
    public var attempt: Int32
    /// From the end of the attempt before to this start; 0 for the first.
    public var waitUs: Int64
    /// How it ended.
    public var outcome: Outcome
    /// HTTP or gRPC status, 0 if none.
    public var status: Int32
    /// Whether `status` is gRPC's.
    public var isGRPC: Bool
    /// What the server asked for, 0 for none.
    public var retryAfterUs: Int64
    /// Index into `MeshDay.methodNames`.
    public var method: Int32
    /// The version of the rules in force when the request began.
    public var ruleVersion: Int32
}
