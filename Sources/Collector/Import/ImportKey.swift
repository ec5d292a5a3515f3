public import Retry

/// What a stored attempt is found again by when its log is imported again.
///
/// A log may be read in different company: joined with the request lines or without them, whole or cut in the middle
/// of a request. Then the same attempt comes out with another number, wait, outcome, limit or method. An attempt's
/// identity is of what its own line says: start, duration, route, host, request, status, Retry-After and rule version.
enum ImportKey {
    /// The columns that make the keys; route and start are always read.
    static let columns: ColumnSet = [.durationUs, .host, .request, .status, .retryAfterUs, .ruleVersion]

    /// The key of an attempt, as its own line has it.
    static func identity(_ attempt: Attempt, route: UInt64, host: UInt64) -> UInt64 {
        hash(
            (
                UInt64(bitPattern: attempt.startUs), UInt64(bitPattern: attempt.durationUs), route, host,
                attempt.request, UInt64(bitPattern: Int64(attempt.status)), attempt.isGRPC ? 1 : 0,
                UInt64(bitPattern: attempt.retryAfterUs), UInt64(bitPattern: Int64(attempt.ruleVersion))
            ))
    }

    /// The identity of a stored row that has `columns`. Every code must be one of `names`.
    static func identity(row: Int, in rows: Rows, names: Names) -> UInt64 {
        func word(_ column: Column) -> UInt64 { UInt64(bitPattern: rows[column][row]) }
        return hash(
            (
                word(.startUs), word(.durationUs), names[.route].hashes[Int(rows[.route][row])],
                names[.host].hashes[Int(rows[.host][row])], word(.request), word(.status), word(.isGRPC),
                word(.retryAfterUs), word(.ruleVersion)
            ))
    }

    /// The key of all attempts of a request.
    static func request(_ number: UInt64) -> UInt64 {
        withUnsafeBytes(of: number) { XXH64.hash($0, seed: 1) }
    }

    private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    private static func hash(_ words: Words) -> UInt64 { withUnsafeBytes(of: words) { XXH64.hash($0) } }
}

extension Attempt {
    /// The keys an import asks for this attempt by: that of its identity and that of its request.
    public var importKeys: [UInt64] {
        [
            ImportKey.identity(self, route: XXH64.hash(route), host: XXH64.hash(host)), ImportKey.request(request),
        ]
    }
}

/// An attempt as an import has read it.
struct Reading: Equatable {
    enum Origin: Equatable {
        /// A line of its own.
        case attemptLine
        /// The line of its request, which has neither the attempt's own start nor its own duration.
        case requestLine
    }

    var attempt: Attempt
    var origin = Origin.attemptLine
}
