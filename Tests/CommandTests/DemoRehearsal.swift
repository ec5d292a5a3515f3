import Retry

@testable import meantime

/// A demo run in virtual time: the plan's hosts, the planned requests, the real state machine and the real budget,
/// and no sockets. What it cannot show is what sockets add.
struct DemoRehearsal {
    let plan: FaultPlan
    let objectives: [Objective]
    private(set) var attempts: [Attempt] = []
    private(set) var records: [RequestRecord?] = []

    private struct Course {
        let index: Int
        let planned: Arrivals.Planned
        var machine: RetryMachine
        var tried: [Int] = []
        var attempt = 0
        var sentUs: Int64 = 0
        var waitUs: Int64 = 0
        var limitUs: Int64?
        var status = 0
    }

    private enum What {
        case begin
        case ended(Attempt, AttemptResult)
        case waitOver
    }

    private var queue: [(atUs: Int64, order: Int, course: Course, what: What)] = []
    private var order = 0
    private var turns: [Int]
    private var budgets: [RetryBudget?]
    private var visits: [[UInt64: Int]]
    private var dice: SplitMix64

    /// Plays a whole run under one rule a route; times of the attempts begin at `epochUs`.
    static func play(
        _ plan: FaultPlan, rules: [Rule], objectives: [Objective], epochUs: Int64, version: Int
    ) -> (records: [RequestRecord], attempts: [Attempt]) {
        var rehearsal = DemoRehearsal(plan: plan, rules: rules, objectives: objectives, version: version)
        let arrivals = Arrivals(plan: plan)
        rehearsal.records = Array(repeating: nil, count: arrivals.requests.count)
        for (index, planned) in arrivals.requests.enumerated() {
            let rule = rules[planned.route]
            let course = Course(
                index: index, planned: planned,
                machine: RetryMachine(rule: rule, isIdempotent: true, startUs: planned.offsetUs))
            rehearsal.push(planned.offsetUs, course, .begin)
        }
        while let next = rehearsal.pop() { rehearsal.take(next.course, next.what, nowUs: next.atUs) }
        let attempts = rehearsal.attempts.map { one in
            var moved = one
            moved.startUs += epochUs
            moved.ruleVersion = version
            return moved
        }
        return (rehearsal.records.compactMap(\.self), attempts)
    }

    private init(plan: FaultPlan, rules: [Rule], objectives: [Objective], version: Int) {
        self.plan = plan
        self.objectives = objectives
        turns = plan.routes.map { _ in 0 }
        budgets = rules.map { $0.budget.map(RetryBudget.init) }
        visits = plan.routes.flatMap { route in route.hosts.map { _ in [:] } }
        dice = SplitMix64(seed: plan.seed, "rehearsal", UInt64(version))
    }

    private mutating func take(_ start: Course, _ what: What, nowUs: Int64) {
        var course = start
        let route = course.planned.route
        let event: RetryMachine.Event
        switch what {
        case .begin:
            budgets[route]?.recordRequest(nowUs: nowUs)
            event = .begin
        case .waitOver: event = .waitOver
        case .ended(let attempt, let result):
            attempts.append(attempt)
            course.status = attempt.status
            event = .attemptEnded(result)
        }
        var budget = budgets[route]
        let action = course.machine.next(event, nowUs: nowUs, unit: dice.unit()) {
            budget?.withdraw(nowUs: nowUs) ?? true
        }
        budgets[route] = budget
        switch action {
        case .send(let attempt, let choice, let limitUs):
            course.attempt = attempt
            send(course, choice, limitUs, nowUs: nowUs)
        case .wait(let untilUs):
            course.waitUs = untilUs - nowUs
            push(untilUs, course, .waitOver)
        case .answer(let verdict): finish(course, verdict, nowUs: nowUs)
        case .none: break
        }
    }

    private mutating func send(_ start: Course, _ choice: HostChoice, _ limitUs: Int64?, nowUs: Int64) {
        var course = start
        let route = plan.routes[course.planned.route]
        let host = pick(route: course.planned.route, choice, tried: course.tried)
        course.tried.append(host)
        var (outcome, status, durationUs) = answer(route.hosts[host], course.planned.number, nowUs: nowUs)
        if let limitUs, durationUs >= limitUs { (outcome, status, durationUs) = (.timeout, 0, limitUs) }
        let attempt = Attempt(
            startUs: nowUs, durationUs: durationUs, route: route.trouble.name, host: "host-\(host)",
            request: course.planned.number, attempt: course.attempt, waitUs: course.attempt == 1 ? 0 : course.waitUs,
            outcome: outcome, status: status, timeoutUs: limitUs ?? 0, method: route.trouble.method)
        course.waitUs = 0
        push(nowUs + durationUs, course, .ended(attempt, AttemptResult(outcome: outcome, status: status)))
    }

    private mutating func answer(_ host: HostFaults, _ request: UInt64, nowUs: Int64) -> (Outcome, Int, Int64) {
        if host.outage(atUs: nowUs)?.kind == .gone { return (.connectFailure, 0, 200) }
        let place = plan.routes.prefix { $0.trouble != host.trouble }.reduce(0) { $0 + $1.hosts.count } + host.host
        let visit = visits[place][request, default: 0]
        visits[place][request] = visit + 1
        switch host.answer(atUs: nowUs, request: request, visit: visit) {
        case .reset(let afterUs): return (.reset, 0, afterUs)
        case .status(let status, let afterUs):
            let cut = host.outages.first { $0.kind == .gone && $0.fromUs > nowUs && $0.fromUs < nowUs + afterUs }
            if let cut { return (.reset, 0, cut.fromUs - nowUs) }
            return (status == 200 ? .success : .errorStatus, status, afterUs)
        }
    }

    /// As the proxy: first attempts go round, retries draw.
    private mutating func pick(route: Int, _ choice: HostChoice, tried: [Int]) -> Int {
        let all = Array(plan.routes[route].hosts.indices)
        if tried.isEmpty {
            turns[route] += 1
            return (turns[route] - 1) % all.count
        }
        let untried = choice == .other ? all.filter { !tried.contains($0) } : []
        // As the proxy does: when all were tried, any but the last.
        let others = choice == .other && all.count > 1 ? all.filter { $0 != tried.last } : all
        let places = untried.isEmpty ? others : untried
        return places[min(Int(dice.unit() * Double(places.count)), places.count - 1)]
    }

    private mutating func finish(_ course: Course, _ verdict: RetryMachine.Verdict, nowUs: Int64) {
        let deadlineUs = objectives[course.planned.route].deadlineUs
        let latencyUs = nowUs - course.planned.offsetUs
        records[course.index] = RequestRecord(
            route: course.planned.route, offsetUs: course.planned.offsetUs, latencyUs: min(latencyUs, deadlineUs),
            status: latencyUs >= deadlineUs ? 0 : verdict == .success ? 200 : course.status == 0 ? 502 : course.status,
            lateUs: 0)
    }

    /// A heap by time, then by order of birth.
    private mutating func push(_ atUs: Int64, _ course: Course, _ what: What) {
        queue.append((atUs, order, course, what))
        order += 1
        var child = queue.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() -> (atUs: Int64, order: Int, course: Course, what: What)? {
        guard !queue.isEmpty else { return nil }
        queue.swapAt(0, queue.count - 1)
        let first = queue.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < queue.count }
            guard let least = children.min(by: { isBefore($0, $1) }), isBefore(least, parent) else { return first }
            queue.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (queue[one].atUs, queue[one].order) < (queue[other].atUs, queue[other].order)
    }
}
