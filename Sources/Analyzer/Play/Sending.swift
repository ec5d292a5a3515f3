import Retry

/// What may become of a retry, whatever its weight and the chance that its host answers at all.
struct Sending {
    /// Of what the host answers, the share that comes before the limit and the deadline.
    var inTime = 0.0
    /// What each of these costs, microseconds.
    var inTimeCostUs = 0.0
    /// Whether these are successes.
    var isSuccess = false
    /// What the host answers after the deadline and before the limit is settled: its cost by answer, microseconds.
    var lateCostUs = 0.0
    /// Of what the host answers, the share that the limit cuts off, and when.
    var cut = 0.0
    /// See `cut`.
    var cutAtUs: Int64 = 0
    /// When what the host does not answer ends; `nil`: never, it is settled.
    var failsAtUs: Int64?
    /// Whether that end is our own limit.
    var isFailureTimeout = false
}

extension AttemptPlay {
    /// A retry begun at `nowUs`, before the deadline, of what has ended.
    ///
    /// - Parameters:
    ///   - isOwn: see `Ended`.
    ///   - isSeenAgain: see `Ended`.
    @inline(__always)
    func sending(
        _ first: RouteFacts.First, isOwn: Bool, isSeenAgain: Bool, host: Int, nowUs: Int64, deadlineUs: Int64
    ) -> Sending {
        var sending = Sending()
        let limit = min(perTryUs, deadlineUs == .max ? .max : deadlineUs &- nowUs)
        let elapsedUs = nowUs &- first.startUs
        let restUs = max(0, objectiveUs &- elapsedUs)
        let law = isSeenAgain ? secondLaw ?? host : host
        let none = LatencyTable.Point(share: 0, partialMeanUs: 0)
        let inTime = isOwn ? none : latency.within(min(limit, restUs), law)
        sending.inTime = inTime.share
        if inTime.share > 0 {
            let latencyUs = Double(elapsedUs) + inTime.partialMeanUs / inTime.share
            sending.isSuccess = latencyUs <= Double(objectiveUs)
            sending.inTimeCostUs = sending.isSuccess ? latencyUs : lostCostUs
        }
        if limit == .max {
            sending.lateCostUs = (1 - inTime.share) * lostCostUs
        } else {
            let late = limit > restUs && !isOwn ? latency.within(limit, law).share - inTime.share : 0
            sending.lateCostUs = late * lostCostUs
            sending.cut = 1 - inTime.share - late
            sending.cutAtUs = nowUs + limit
        }
        let hangs = first.outcome.isCensored
        if !hangs || limit != .max {
            let failsAfterUs = hangs ? limit : first.outcome == .success ? failureUs : first.durationUs
            sending.failsAtUs = nowUs + min(failsAfterUs, limit)
            sending.isFailureTimeout = isTimeout(first, limit: limit)
        }
        return sending
    }

    /// The same with the weight of what has ended.
    func send(_ first: RouteFacts.First, _ last: Ended, host: Int, nowUs: Int64, deadlineUs: Int64) -> Fate {
        let sending = sending(
            first, isOwn: last.isOwn, isSeenAgain: last.isSeenAgain, host: host, nowUs: nowUs, deadlineUs: deadlineUs)
        let chance = self.answered(first, host, atUs: nowUs)
        let answered = last.weight * chance
        let success = answered * sending.inTime
        var fate = Fate()
        if sending.isSuccess { fate.success = success }
        fate.costUs = last.weight * attemptCostUs + success * sending.inTimeCostUs + answered * sending.lateCostUs
        var next = last
        (next.weight, next.atUs, next.isTimeout) = (answered * sending.cut, sending.cutAtUs, true)
        fate.first = goingOn(first, next, &fate.costUs)
        let failed = last.weight * (1 - chance)
        guard let failsAtUs = sending.failsAtUs else {
            fate.costUs += failed * lostCostUs
            return fate
        }
        (next.weight, next.atUs, next.isTimeout) = (failed, failsAtUs, sending.isFailureTimeout)
        fate.second = goingOn(first, next, &fate.costUs)
        return fate
    }

    /// What is too rare is settled here.
    @inline(__always)
    private func goingOn(_ first: RouteFacts.First, _ ended: Ended, _ costUs: inout Double) -> Ended {
        if ended.weight > Self.leastWeight { return ended }
        if ended.weight > 0 { costUs += ended.weight * failureCostUs(first, atUs: ended.atUs) }
        return Ended()
    }
}
