import Retry

/// A service that fails the way services fail, in virtual time: every request runs the real retry state machine and
/// budget against hosts whose fate is fixed by a seed, so that two rules meet exactly the same faults and arrivals.
struct VirtualWorld {
    /// `[from, to)` microseconds in which a host answers every attempt with a failure.
    typealias Down = Range<Int64>

    struct Trouble {
        var seed: UInt64
        var seconds = 300.0
        var requestsPerSecond = 100.0
        var hosts = 2
        /// Outages of all hosts together: mean time between them and median length, seconds; the length is log-normal.
        var routeOutageEvery: Double?
        var routeOutageMedian = 0.2
        var routeOutageSpread = 0.8
        /// Outages of one host at a time.
        var hostOutageEvery: Double?
        var hostOutageMedian = 1.0
        var hostOutageSpread = 0.8
        var blip = 0.005
        var latencyMedianUs = 4000.0
        var latencySpread = 0.5
    }

    /// What one run came to, as a client sees it.
    struct Findings {
        var attempts: [Attempt] = []
        var costSum = 0.0
        var requests = 0
        var failures = 0
        var cost: Double { costSum / Double(requests) / 1e6 }
        var attemptsPerRequest: Double { Double(attempts.count) / Double(requests) }
    }

    let trouble: Trouble
    let down: [[Down]]
    let arrivalsUs: [Int64]

    init(_ trouble: Trouble) {
        self.trouble = trouble
        var draw = Draw(trouble.seed)
        let endUs = trouble.seconds * 1e6
        var down = Array(repeating: [Down](), count: trouble.hosts)
        if let every = trouble.routeOutageEvery {
            for outage in Self.outages(every, trouble.routeOutageMedian, trouble.routeOutageSpread, endUs, &draw) {
                for host in down.indices { down[host].append(outage) }
            }
        }
        if let every = trouble.hostOutageEvery {
            for outage in Self.outages(every, trouble.hostOutageMedian, trouble.hostOutageSpread, endUs, &draw) {
                down[Int(draw.unit() * Double(trouble.hosts))].append(outage)
            }
        }
        self.down = down
        var arrivals: [Int64] = []
        var atUs = draw.exponential() * 1e6 / trouble.requestsPerSecond
        while atUs < endUs {
            arrivals.append(Int64(atUs))
            atUs += draw.exponential() * 1e6 / trouble.requestsPerSecond
        }
        arrivalsUs = arrivals
    }

    /// Plays all requests under a rule. The log's clock starts at `epochUs`.
    func run(_ rule: Rule, objective: Objective, epochUs: Int64 = 1_700_000_000_000_000, version: Int = 1) -> Findings {
        var findings = Findings()
        findings.requests = arrivalsUs.count
        var budget = rule.budget.map(RetryBudget.init)
        var queue: [Pending] = arrivalsUs.indices.reversed().map { index in
            Pending(
                atUs: arrivalsUs[index], event: .begin, request: index,
                machine: RetryMachine(rule: rule, isIdempotent: true, startUs: arrivalsUs[index]))
        }
        while var next = queue.popLast() {
            let nowUs = next.atUs
            if next.event == .begin { budget?.recordRequest(nowUs: nowUs) }
            var draw = Draw(trouble.seed &+ UInt64(next.request) &* 1_000_003 &+ UInt64(next.attempt) &* 7919)
            let unit = draw.unit()
            let action = next.machine.next(next.event, nowUs: nowUs, unit: unit) {
                budget?.withdraw(nowUs: nowUs) ?? true
            }
            switch action {
            case .send(let attempt, let choice, let limitUs):
                next.sent(attempt, host: pick(next, choice, &draw), nowUs: nowUs)
                let (result, tookUs) = fate(next.host, nowUs: nowUs, limitUs: limitUs, &draw)
                findings.attempts.append(
                    Attempt(
                        startUs: epochUs + nowUs, durationUs: tookUs, route: "r", host: "h\(next.host)",
                        request: UInt64(next.request) + 1, attempt: attempt, waitUs: nowUs - next.endedUs,
                        outcome: result.outcome, status: result.status, timeoutUs: limitUs ?? 0, method: "GET",
                        ruleVersion: version))
                next.event = .attemptEnded(result)
                next.atUs = nowUs + tookUs
                next.endedUs = next.atUs
                Self.insert(next, into: &queue)
            case .wait(let untilUs):
                next.event = .waitOver
                next.atUs = untilUs
                Self.insert(next, into: &queue)
            case .answer(let verdict):
                let latencyUs = nowUs - arrivalsUs[next.request]
                let failed = verdict != .success || latencyUs > objective.deadlineUs
                if failed { findings.failures += 1 }
                findings.costSum += Double(
                    objective.costUs(latencyUs: latencyUs, failed: failed, attempts: next.attempt))
            case .none:
                break
            }
        }
        return findings
    }

    private struct Pending {
        var atUs: Int64
        var event: RetryMachine.Event
        var request: Int
        var machine: RetryMachine
        var attempt = 0
        var host = 0
        var tried: Set<Int> = []
        var endedUs: Int64

        init(atUs: Int64, event: RetryMachine.Event, request: Int, machine: RetryMachine) {
            self.atUs = atUs
            self.event = event
            self.request = request
            self.machine = machine
            endedUs = atUs
        }

        mutating func sent(_ attempt: Int, host: Int, nowUs: Int64) {
            self.attempt = attempt
            self.host = host
            tried.insert(host)
        }
    }

    private func pick(_ pending: Pending, _ choice: HostChoice, _ draw: inout Draw) -> Int {
        let free = choice == .other ? (0..<trouble.hosts).filter { !pending.tried.contains($0) } : []
        // As the proxy does: when all were tried, any but the last.
        let others = (0..<trouble.hosts).filter { choice == .any || trouble.hosts == 1 || $0 != pending.host }
        let among = !free.isEmpty ? free : pending.tried.isEmpty ? Array(0..<trouble.hosts) : others
        return among[Int(draw.unit() * Double(among.count))]
    }

    private func fate(
        _ host: Int, nowUs: Int64, limitUs: Int64?, _ draw: inout Draw
    ) -> (AttemptResult, tookUs: Int64) {
        let isDown = down[host].contains { $0.contains(nowUs) }
        let isBlip = draw.unit() < trouble.blip
        let latencyUs = Int64(draw.logNormal(median: trouble.latencyMedianUs, spread: trouble.latencySpread))
        if let limitUs, latencyUs > limitUs { return (AttemptResult(outcome: .timeout), limitUs) }
        if isDown || isBlip { return (AttemptResult(outcome: .errorStatus, status: 503), min(latencyUs, 2000)) }
        return (AttemptResult(outcome: .success, status: 200), latencyUs)
    }

    /// Keeps the queue in descending time, so that the next event is the last; new events lie near that end.
    private static func insert(_ event: Pending, into queue: inout [Pending]) {
        var index = queue.count
        while index > 0 && queue[index - 1].atUs < event.atUs { index -= 1 }
        queue.insert(event, at: index)
    }

    private static func outages(
        _ every: Double, _ median: Double, _ spread: Double, _ endUs: Double, _ draw: inout Draw
    ) -> [Down] {
        var outages: [Down] = []
        var atUs = draw.exponential() * every * 1e6
        while atUs < endUs {
            let lengthUs = draw.logNormal(median: median, spread: spread) * 1e6
            outages.append(Int64(atUs)..<Int64(atUs + lengthUs) + 1)
            atUs += lengthUs + draw.exponential() * every * 1e6
        }
        return outages
    }
}
