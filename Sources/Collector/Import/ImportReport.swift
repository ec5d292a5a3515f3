/// What became of every line of an import.
///
/// Each line is counted in exactly one of `blankLines`, `attemptsImported`, `attemptsAlreadyThere`,
/// `requestLinesJoined`, `leftOut` and `rejects`; `isClosed` says that they sum up to `lines`.
public struct ImportReport: Codable, Equatable, Sendable {
    /// A line that could not be taken.
    public struct Reject: Codable, Equatable, Sendable {
        /// The input's name.
        public var file: String
        /// The line, from 1.
        public var line: Int
        /// What was wrong and what would be right.
        public var reason: String

        /// `access.log:17: ...`
        public var description: String { "\(file):\(line): \(reason)" }
    }

    /// Lines read, a last one without a line end included.
    public var lines = 0
    /// Empty lines, and the headings of a reject file that is imported again.
    public var blankLines = 0
    /// Attempts added.
    public var attemptsImported = 0
    /// Attempts that were in the store before this import.
    public var attemptsAlreadyThere = 0
    /// Request lines whose attempts are all accounted for, also when there were none to make.
    public var requestLinesJoined = 0
    /// Of `requestLinesJoined`, the requests that reached no host, by Envoy's flag or detail (`NC`, `UH`, ...).
    public var requestsWithoutAttempts: [String: Int] = [:]
    /// Lines understood and not imported, by reason (`LeftOut`).
    public var leftOut: [String: Int] = [:]
    /// Malformed lines.
    public var rejects = 0
    /// The first ten malformed lines.
    public var firstRejects: [Reject] = []
    /// Attempts that Envoy cut off where no request line says why; kept as `cancelled`, their duration a lower bound.
    public var attemptsCutOffForUnknownCause = 0
    /// Requests whose line tells of more attempts than there were lines.
    public var requestsWithMissingAttempts = 0
    /// Attempts taken from request lines because the log has no attempt lines; they include the proxy's own time.
    public var attemptsFromRequestLines = 0
    /// The first sixteen keys of attempt lines that are no column, each with how many lines have it; they are ignored.
    public var unknownKeys: [String: Int] = [:]
    /// Inputs that broke off, each with the reason.
    public var problems: [String] = []

    /// An empty report.
    public init() {}

    /// The sum of all the lines that are accounted for.
    public var accountedLines: Int {
        blankLines + attemptsImported + attemptsAlreadyThere + requestLinesJoined + leftOut.values.reduce(0, +)
            + rejects
    }

    /// Whether every line is accounted for.
    public var isClosed: Bool { accountedLines == lines }

    mutating func leaveOut(_ reason: LeftOut, lines count: Int = 1) {
        if count > 0 { leftOut[reason.rawValue, default: 0] += count }
    }

    /// Counts under a name from the log itself; a log full of different names cannot make the report grow.
    mutating func countWithoutAttempts(_ name: String) {
        let known = requestsWithoutAttempts[name] != nil || requestsWithoutAttempts.count < 32
        requestsWithoutAttempts[known ? name : "other", default: 0] += 1
    }
}

/// Why a line that was understood gave no attempt.
public enum LeftOut: String, CaseIterable, Sendable {
    /// The proxy's own circuit breaker refused (`UO`): no host was tried.
    case localOverflow = "local_overflow"
    /// A line of another moment than the end of an attempt or request (`UpstreamPoolReady`, `DownstreamStart`, ...).
    case otherMoment = "not_an_end"
    /// The same line once more within one request.
    case repeatedLine = "repeated_line"
    /// The request may not be over: the log ends before the lines that would complete it. Import it again later, or
    /// together with the log's next file.
    case requestStillOpen = "request_still_open"
    /// A request line whose attempt lines are not in the inputs.
    case attemptLinesMissing = "attempt_lines_missing"
    /// A log of request lines only: the request took several attempts, when and where is not in it.
    case severalAttempts = "several_attempts_in_one_line"
    /// A log of request lines only, without the number of attempts.
    case attemptCountUnknown = "attempt_count_unknown"

    /// One sentence for a person.
    public var explanation: String {
        switch self {
        case .localOverflow: "Envoy's circuit breaker refused the attempt (UO), no host was tried"
        case .otherMoment: "the line does not mark the end of an attempt or a request"
        case .repeatedLine: "the same line stands there twice"
        case .requestStillOpen:
            "the log ends before the request does; import it again later or together with the log's next file"
        case .attemptLinesMissing: "the request's attempt lines are not in the inputs; import both logs together"
        case .severalAttempts:
            "only a request line, and it took several attempts; log attempts with Envoy's upstream_log to use them"
        case .attemptCountUnknown:
            "only a request line, without the number of attempts; add n: \"%UPSTREAM_REQUEST_ATTEMPT_COUNT%\""
        }
    }
}
