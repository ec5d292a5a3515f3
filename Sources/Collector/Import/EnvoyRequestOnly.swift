import Retry

/// A request line where the log has no attempt lines at all: one attempt, if the request took one.
///
/// The attempt's own times are not in it: start and duration are the request's, which include the proxy's own work (a
/// few tenths of a millisecond) and the transfer of both bodies. Of a request with several attempts neither the times
/// of the early ones nor that of the last are known; it is left out.
enum EnvoyRequestOnly {
    enum Result {
        case attempt(Attempt)
        /// No host was tried.
        case none
        case leftOut(LeftOut)
    }

    static func result(of line: EnvoyLine) -> Result {
        if line.reachedNoHost { return .none }
        guard let count = line.count else { return .leftOut(.attemptCountUnknown) }
        guard count == 1 else { return count == 0 ? .none : .leftOut(.severalAttempts) }
        guard let outcome = outcome(of: line) else { return .none }
        // The code beside a failure without an answer is Envoy's own to its client.
        let isAnswer = [.success, .errorStatus, .rateLimited].contains(outcome) || line.code < 500
        return .attempt(
            Attempt(
                startUs: line.startUs, durationUs: line.durationUs, route: line.route, host: line.host,
                request: line.requestNumber(firstStartUs: line.startUs),
                outcome: outcome, status: isAnswer ? line.status : 0, isGRPC: isAnswer && line.isGRPCStatus,
                timeoutUs: outcome == .timeout ? line.durationUs : line.limitUs, retryAfterUs: line.retryAfterUs,
                method: line.method, ruleVersion: line.ruleVersion))
    }

    /// `nil`: Envoy answered by itself.
    private static func outcome(of line: EnvoyLine) -> Outcome? {
        if line.isClientGone || line.code == 0 { return .cancelled }
        if line.detail == .viaUpstream { return line.answer }
        if line.flags.contains(.connectFailure) { return .connectFailure }
        if line.flags.contains(.reset) { return .reset }
        if line.flags.contains(.idle) || line.flags.contains(.late) || line.detail == .responseTimeout
            || line.detail == .perTryTimeout
        {
            return .timeout
        }
        if line.detail == .overflow || line.flags.contains(.overflow) { return nil }
        return line.detail == .unknown ? line.answer : nil
    }
}

extension EnvoyLine {
    /// Whether this request line says that no host was tried at all: it names none.
    var reachedNoHost: Bool { host.isEmpty && (count ?? 0) <= 1 }
}
