import Retry

/// What requests came to, as their clients see it.
struct Findings: Sendable {
    var requests = 0
    var successes = 0
    var costUs = 0.0
    /// Attempts beyond the first, at every layer.
    var extra = 0
    private var latencies = [Int](repeating: 0, count: LogGrid.count)
    /// When an attempt last stood in line for long.
    var lastLongWaitUs: Int64?

    /// Mean cost of a request, seconds.
    var cost: Double { costUs / Double(max(1, requests)) / 1e6 }
    var success: Double { Double(successes) / Double(max(1, requests)) }
    var extraAttempts: Double { Double(extra) / Double(max(1, requests)) }
    /// Of all requests, failed ones included, seconds.
    var p99: Double { Double(quantileUs(0.99)) / 1e6 }

    mutating func settle(latencyUs: Int64, isSuccess: Bool, _ objective: Objective) {
        requests += 1
        costUs += Double(objective.costUs(latencyUs: latencyUs, failed: !isSuccess, attempts: 1))
        if isSuccess && latencyUs <= objective.deadlineUs { successes += 1 }
        latencies[LogGrid.index(ofUs: latencyUs)] += 1
    }

    mutating func add(_ other: Findings) {
        requests += other.requests
        successes += other.successes
        costUs += other.costUs
        extra += other.extra
        for bin in latencies.indices { latencies[bin] += other.latencies[bin] }
        lastLongWaitUs = [lastLongWaitUs, other.lastLongWaitUs].compactMap { $0 }.max()
    }

    /// The lower end of the bin that holds the quantile: within an eighth.
    private func quantileUs(_ share: Double) -> Int64 {
        var left = Int((Double(requests) * share).rounded(.up))
        for bin in latencies.indices {
            left -= latencies[bin]
            if left <= 0 { return LogGrid.lowerBoundUs(bin) }
        }
        return 0
    }
}
