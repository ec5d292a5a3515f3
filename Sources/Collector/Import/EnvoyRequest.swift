import Retry

/// The lines of one request, made into attempts.
///
/// How an attempt ended (facts found by experiment on Envoy 1.40):
/// 1. With a response its code decides; `UT` beside it only says "later than the per-try limit". A response that
///    broke off (`UPE`, `UR`, `UC`) is a reset.
/// 2. Without one the flag does: `UF` no connection, `UC`/`UR` reset, `SI` idle limit, `UO` the proxy's own refusal
///    (no host was tried: no attempt), `UT` on an attempt with no other beside it the per-try limit.
/// 3. With neither, or with `UT` beside other attempts, Envoy cut it off: the duration is a lower bound, and the
///    request's line has the cause: the route's limit (`timeout`), else the client's leaving or a sibling's answer
///    (`cancelled`).
struct EnvoyRequest {
    var attempts: [EnvoyLine] = []
    var request: EnvoyLine?

    /// How far apart an attempt and its request may end and still have been ended by one event. Measured: 0.5 ms.
    static let sameEndUs: Int64 = 5000

    struct Result {
        var attempts: [Attempt] = []
        /// Attempt lines of refusals by the proxy itself.
        var refusals = 0
        /// Attempts that were cut off with no request line to say why.
        var causesUnknown = 0
    }

    func result() -> Result {
        var result = Result()
        let lines = attempts.filter { !($0.code == 0 && $0.flags.contains(.overflow)) }
            .sorted { ($0.startUs, $0.endUs) < ($1.startUs, $1.endUs) }
        result.refusals = attempts.count - lines.count
        guard let first = lines.first else { return result }
        let number = first.requestNumber(firstStartUs: first.startUs)
        let counted = zip(lines, lines.dropFirst()).allSatisfy { ($0.count ?? 0) < ($1.count ?? 0) }
        var runningUntilUs = Int64.min
        for (index, line) in lines.enumerated() {
            let isHedge = line.startUs < runningUntilUs
            let hasSuccessor = index + 1 < lines.count && lines[index + 1].startUs < line.endUs
            let (outcome, isKnown) = outcome(of: line, isAlone: !isHedge && !hasSuccessor)
            if !isKnown { result.causesUnknown += 1 }
            let limitUs = limitUs(of: line, among: lines)
            // Envoy's header counts rightly unless attempts overlap; then the order of the starts does.
            let attempt = counted ? max(line.count ?? 0, index + 1) : index + 1
            result.attempts.append(
                Attempt(
                    startUs: line.startUs, durationUs: line.durationUs, route: line.route, host: line.host,
                    request: number, attempt: attempt,
                    waitUs: index == 0 ? 0 : max(0, line.startUs - lines[index - 1].endUs), outcome: outcome,
                    status: line.status, isGRPC: line.isGRPCStatus,
                    timeoutUs: outcome == .timeout ? Self.firedUs(limitUs, line.durationUs) : limitUs,
                    retryAfterUs: line.retryAfterUs, method: request?.method ?? line.method, hedge: isHedge,
                    ruleVersion: line.ruleVersion))
            runningUntilUs = max(runningUntilUs, line.endUs)
        }
        return result
    }

    /// The announced limit of an attempt. Beside others the header is the newest attempt's: then the limit is what is
    /// left until the same instant from this attempt's own start.
    private func limitUs(of line: EnvoyLine, among lines: [EnvoyLine]) -> Int64 {
        guard line.limitUs > 0 else { return 0 }
        let newestUs = lines.last { $0.startUs < line.endUs || $0.startUs == line.startUs }?.startUs ?? line.startUs
        return line.limitUs + max(0, newestUs - line.startUs)
    }

    /// The limit that ended an attempt: the announced one, but never more than it ran. An idle limit is announced
    /// nowhere.
    private static func firedUs(_ limitUs: Int64, _ durationUs: Int64) -> Int64 {
        limitUs == 0 ? durationUs : min(limitUs, durationUs)
    }

    private func outcome(of line: EnvoyLine, isAlone: Bool) -> (Outcome, isKnown: Bool) {
        if line.code >= 100 { return (line.answer, true) }
        if line.flags.contains(.connectFailure) { return (.connectFailure, true) }
        if line.flags.contains(.reset) { return (.reset, true) }
        if line.flags.contains(.idle) { return (.timeout, true) }
        if line.flags.contains(.late), isAlone {
            let leftWithClient =
                request.map { $0.isClientGone && abs($0.endUs - line.endUs) <= Self.sameEndUs } ?? false
            return (leftWithClient ? .cancelled : .timeout, true)
        }
        guard let request else { return (.cancelled, false) }
        return (request.isRouteTimeout ? .timeout : .cancelled, true)
    }
}

extension EnvoyLine {
    /// Whether the gRPC status is the answer: an HTTP error has no gRPC status of its own.
    var isGRPCStatus: Bool { grpc != nil && (200..<300).contains(code) }

    var status: Int { isGRPCStatus ? grpc ?? 0 : code }

    /// The number of the line's request. An id that a client made may come with many requests: its time is then a
    /// part of it.
    func requestNumber(firstStartUs: Int64) -> UInt64 {
        guard let key else { return lineHash }
        return isKeyUnique ? key : XXH64.hash(words: [key, UInt64(bitPattern: firstStartUs)])
    }

    /// The outcome of a response.
    var answer: Outcome {
        if code < 500, flags.contains(.reset) { return .reset }
        return isGRPCStatus ? Outcome(grpcStatus: status) : Outcome(httpStatus: code)
    }

    /// Whether this request line says that the client went away.
    var isClientGone: Bool { detail == .clientGone || flags.contains(.clientGone) }

    /// Whether this request line says that the route's limit ended it.
    var isRouteTimeout: Bool {
        detail == .responseTimeout || detail == .unknown && code == 504 && flags.contains(.late)
    }
}
