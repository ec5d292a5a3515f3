/// The attempts of one route as columns of equal length, sorted by start time. Times are microseconds.
///
/// This is what crosses from the store to the analyzer: a column can be walked without touching the others.
public struct AttemptColumns: Equatable, Sendable {
    /// The route all rows belong to.
    public var route: String
    /// The names behind `host`.
    public var hostNames: [String] = []
    /// The names behind `method`.
    public var methodNames: [String] = []
    /// UNIX start times, ascending.
    public var startUs: [Int64] = []
    /// Durations until the outcome was known.
    public var durationUs: [Int64] = []
    /// Index into `hostNames`.
    public var host: [Int32] = []
    /// Request numbers, shared by the attempts of a request.
    public var request: [UInt64] = []
    /// Attempt numbers from 1.
    public var attempt: [Int32] = []
    /// Pauses before the attempts.
    public var waitUs: [Int64] = []
    /// Outcomes.
    public var outcome: [Outcome] = []
    /// HTTP or gRPC status, 0 if none.
    public var status: [Int32] = []
    /// Limits in force, 0 for none.
    public var timeoutUs: [Int64] = []
    /// What the server asked for, 0 for none.
    public var retryAfterUs: [Int64] = []
    /// Index into `methodNames`.
    public var method: [Int32] = []
    /// Whether the attempt was a hedge.
    public var hedge: [Bool] = []
    /// Rule set versions.
    public var ruleVersion: [Int32] = []
    /// Whether `status` is a gRPC status.
    public var isGRPC: [Bool] = []

    /// An empty set of columns for a route.
    public init(route: String) { self.route = route }

    /// The number of rows.
    public var count: Int { startUs.count }

    /// The columns of attempts that all belong to `route`; they are sorted by start, then attempt number.
    public init(route: String, attempts: [Attempt]) {
        self.init(route: route)
        var hostIndex: [String: Int32] = [:]
        var methodIndex: [String: Int32] = [:]
        let ordered = attempts.sorted { ($0.startUs, $0.attempt) < ($1.startUs, $1.attempt) }
        for one in ordered {
            append(
                one,
                host: Self.code(one.host, in: &hostIndex, names: &hostNames),
                method: Self.code(one.method, in: &methodIndex, names: &methodNames))
        }
    }

    /// Appends a row whose host and method are already coded.
    public mutating func append(_ one: Attempt, host hostCode: Int32, method methodCode: Int32) {
        startUs.append(one.startUs)
        durationUs.append(one.durationUs)
        host.append(hostCode)
        request.append(one.request)
        attempt.append(Int32(clamping: one.attempt))
        waitUs.append(one.waitUs)
        outcome.append(one.outcome)
        status.append(Int32(clamping: one.status))
        timeoutUs.append(one.timeoutUs)
        retryAfterUs.append(one.retryAfterUs)
        method.append(methodCode)
        hedge.append(one.hedge)
        ruleVersion.append(Int32(clamping: one.ruleVersion))
        isGRPC.append(one.isGRPC)
    }

    /// Row `index` as an attempt.
    public subscript(index: Int) -> Attempt {
        Attempt(
            startUs: startUs[index], durationUs: durationUs[index], route: route, host: hostNames[Int(host[index])],
            request: request[index], attempt: Int(attempt[index]), waitUs: waitUs[index], outcome: outcome[index],
            status: Int(status[index]), isGRPC: isGRPC[index], timeoutUs: timeoutUs[index],
            retryAfterUs: retryAfterUs[index], method: methodNames[Int(method[index])], hedge: hedge[index],
            ruleVersion: Int(ruleVersion[index]))
    }

    private static func code(_ name: String, in index: inout [String: Int32], names: inout [String]) -> Int32 {
        if let known = index[name] { return known }
        let code = Int32(names.count)
        index[name] = code
        names.append(name)
        return code
    }
}

/// What a source knows of one route without reading its rows.
public struct RouteSummary: Equatable, Sendable {
    /// The route's name.
    public var route: String
    /// How many attempts are kept for it in the asked range.
    public var attempts: Int
    /// The earliest start, UNIX microseconds.
    public var firstStartUs: Int64
    /// The latest start, UNIX microseconds.
    public var lastStartUs: Int64

    /// A summary.
    public init(route: String, attempts: Int, firstStartUs: Int64, lastStartUs: Int64) {
        self.route = route
        self.attempts = attempts
        self.firstStartUs = firstStartUs
        self.lastStartUs = lastStartUs
    }
}

/// Where the analyzer's attempts come from. The store is one; a fleet's warehouse could be another.
public protocol AttemptSource {
    /// The routes seen between two UNIX times in microseconds (`nil`: no bound; the end is exclusive), by name.
    func routes(fromUs: Int64?, toUs: Int64?) throws -> [RouteSummary]
    /// One route's attempts that started in the range, sorted by start.
    func attempts(route: String, fromUs: Int64?, toUs: Int64?) throws -> AttemptColumns
    /// As `attempts`, for many routes: calls `body` with each that has attempts, in the given order. Columns not
    /// chosen may be empty. A source may read several routes at once, with bounded memory.
    func eachRoute(
        _ routes: [RouteSummary], fromUs: Int64?, toUs: Int64?, columns: ColumnSet,
        _ body: (AttemptColumns) throws -> Void) throws
    /// How many attempts are known to be missing from the range (dropped by a full buffer, or in a damaged segment).
    func missingAttempts(fromUs: Int64?, toUs: Int64?) throws -> Int
}

extension AttemptSource {
    /// One route after the other, with all columns.
    public func eachRoute(
        _ routes: [RouteSummary], fromUs: Int64?, toUs: Int64?, columns: ColumnSet,
        _ body: (AttemptColumns) throws -> Void
    ) throws {
        for summary in routes {
            let attempts = try attempts(route: summary.route, fromUs: fromUs, toUs: toUs)
            if attempts.count > 0 { try body(attempts) }
        }
    }
}
