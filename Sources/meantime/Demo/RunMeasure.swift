import Retry

/// What clients saw of one route in one run. Times are microseconds.
struct RunMeasure: Equatable, Sendable {
    /// Requests that were sent.
    let requests: Int
    /// Of these, the ones without a good answer in time.
    let failures: Int
    /// Attempts that reached hosts for them, from the store.
    let attempts: Int
    /// Mean cost of a request by the route's objective.
    let costUs: Double
    /// Of the requests, those that this machine sent more than `patienceUs` after their time: it was too busy.
    let late: Int
    /// Times until a good answer, ascending; requests that got none are not in it.
    let answeredUs: [Int64]

    /// A healthy machine sends within a fraction of this.
    static let patienceUs: Int64 = 10_000

    /// - Parameters:
    ///   - records: the requests of one route.
    ///   - attempts: how many attempts the proxy made for them.
    ///   - objective: what they cost.
    init(records: [RequestRecord], attempts: Int, objective: Objective) {
        requests = records.count
        failures = records.count(where: \.isFailed)
        late = records.count { $0.lateUs > Self.patienceUs }
        self.attempts = attempts
        answeredUs = records.filter { !$0.isFailed }.map(\.latencyUs).sorted()
        // Extra attempts cost the same whichever request made them, so their sum is enough.
        let extraUs = Double(objective.attemptCostUs) * Double(max(0, attempts - records.count))
        let restUs = records.reduce(0.0) {
            $0 + Double(objective.costUs(latencyUs: $1.latencyUs, failed: $1.isFailed, attempts: 1))
        }
        costUs = records.isEmpty ? 0 : (restUs + extraUs) / Double(records.count)
    }

    /// Several routes as one: every request counts the same.
    init(sum parts: [RunMeasure]) {
        requests = parts.reduce(0) { $0 + $1.requests }
        failures = parts.reduce(0) { $0 + $1.failures }
        attempts = parts.reduce(0) { $0 + $1.attempts }
        late = parts.reduce(0) { $0 + $1.late }
        answeredUs = parts.flatMap(\.answeredUs).sorted()
        let total = parts.reduce(0.0) { $0 + $1.costUs * Double($1.requests) }
        costUs = requests == 0 ? 0 : total / Double(requests)
    }

    /// Share of requests with a good answer.
    var success: Double { requests == 0 ? 0 : 1 - Double(failures) / Double(requests) }

    /// Mean attempts a request.
    var attemptsPerRequest: Double { requests == 0 ? 0 : Double(attempts) / Double(requests) }

    /// The time within which this share of *all* requests had a good answer (nearest rank); `nil` if fewer ever had
    /// one.
    ///
    /// Failed requests count as never answered: counting their often very short times as latency would make a failing
    /// service look fast.
    func percentileUs(_ share: Double) -> Int64? {
        let rank = Int((share * Double(requests)).rounded(.up))
        guard requests > 0, rank <= answeredUs.count else { return nil }
        return answeredUs[max(0, rank - 1)]
    }

    /// Share of requests that had no good answer yet at this time.
    func unanswered(atUs us: Int64) -> Double {
        guard requests > 0 else { return 0 }
        var low = 0
        var high = answeredUs.count
        while low < high {
            let middle = (low + high) / 2
            if answeredUs[middle] <= us { low = middle + 1 } else { high = middle }
        }
        return 1 - Double(low) / Double(requests)
    }
}
