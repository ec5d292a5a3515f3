import Retry

/// Finds the recovery of a route's failures.
struct RecoveryVisitor: RouteVisitor {
    private var pass = RecoveryPass()
    private var found: [FailureRecovery] = []

    init(route: Int64) {}

    mutating func visit(startUs: Span<Int64>, durationUs: Span<Int64>, host: Span<Int64>, outcome: Span<Int64>) {
        pass.add(startUs: startUs, durationUs: durationUs, host: host, outcome: outcome, into: &found)
    }

    mutating func finish() { pass.finish(into: &found) }

    mutating func takeOutput() -> [FailureRecovery]? {
        if found.isEmpty { return nil }
        defer { found = [] }
        return found
    }
}

/// Takes a route's attempts as probes of its hosts.
struct ProbeVisitor: RouteVisitor {
    private var probes = RouteProbes(route: "", hostNames: [])

    init(route: Int64) {}

    mutating func visit(startUs: Span<Int64>, durationUs: Span<Int64>, host: Span<Int64>, outcome: Span<Int64>) {
        let cancelled = Int64(Outcome.cancelled.rawValue)
        let success = Int64(Outcome.success.rawValue)
        for row in 0..<outcome.count where outcome[row] != cancelled {
            let (endUs, isBeyond) = startUs[row].addingReportingOverflow(max(0, durationUs[row]))
            probes.startUs.append(startUs[row])
            probes.endUs.append(isBeyond ? .max : endUs)
            probes.host.append(Int32(truncatingIfNeeded: host[row]))
            probes.isFailure.append(outcome[row] != success)
        }
    }

    mutating func finish() {}

    mutating func takeOutput() -> RouteProbes? {
        if probes.startUs.isEmpty { return nil }
        defer { probes = RouteProbes(route: "", hostNames: []) }
        return probes
    }
}
