import Retry
import Testing

@testable import Analyzer

@Suite struct DialectFamilyTests {
    private let objective = Objective(
        deadlineUs: 1_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 2)
    private static let others = Dialect.allCases.filter { $0 != .meantime }

    /// One host that answers in 10 ms from `upFromUs` on; `copies` requests that failed after 2 ms at 0.
    private func facts(
        upFromUs: Int64, copies: Int, isIdempotent: Bool = true, retryAfterUs: Int64 = 0, status: Int = 503,
        isGRPC: Bool = false, scale: Int64 = 1
    ) -> RouteFacts {
        let first = RouteFacts.First(
            startUs: 0, durationUs: 2000 * scale, host: 0, outcome: .errorStatus, status: status, isGRPC: isGRPC,
            retryAfterUs: retryAfterUs, isIdempotent: isIdempotent, unit: 0, weight: 1)
        var objective = objective
        objective.deadlineUs *= scale
        objective.failureCostUs *= scale
        objective.attemptCostUs *= scale
        return RouteFacts(
            objective: objective, hostCount: 1, failed: Array(repeating: first, count: copies), slow: [],
            slowFromUs: 20_000 * scale, fixedCostUs: [0], fixedSuccesses: [0], requests: [Double(copies)],
            recorded: UnitTotals(units: 1), arrivals: [RouteFacts.Arrival(startUs: 0, count: Int64(copies))],
            answerProbability: { _, atUs in atUs >= upFromUs * scale ? 1 : 0 },
            latency: [LatencyTable { $0 >= 10_000 * scale ? 1 : 0 }], failureUs: 2000 * scale)
    }

    private func candidates(
        maxRetries: Int = 1, on: [RetryCondition] = [], perTryUs: [Int64?] = [nil], waitsBelowUs: Int64 = 800_000,
        waitsFromUs: Int64 = 0, scale: Int64 = 1
    ) -> CandidateRules {
        CandidateRules(
            frame: Rule(
                timeoutUs: 1_000_000 * scale,
                retry: RetryPolicy(maxRetries: maxRetries, on: on, host: .any, backoff: .waits([0], jitter: 0.1))),
            budgets: [BudgetPolicy(ratio: 1, minPerSecond: 3, windowUs: 10_000_000)], maxRetries: maxRetries,
            perTryTimeoutsUs: perTryUs, waitsBelowUs: waitsBelowUs * scale, waitsFromUs: waitsFromUs)
    }

    private func best(
        _ dialect: Dialect, _ facts: RouteFacts, within candidates: CandidateRules
    ) throws -> (rule: Rule, costUs: Double) {
        var search = DialectSearch(facts, seed: nil)
        let family = DialectFamily(dialect, within: candidates, failures: FailureKinds(facts))
        let best = search.best(of: family)
        let found = try #require(best)
        return (found.rule, search.cost(found))
    }

    @Test func `gRPC waits as long as its jitter needs to be past the outage`() throws {
        // The failure ends at 2 ms, the host is up from 300 ms: 0.8 × wait must be 298 ms, and two figures are kept.
        let found = try best(.grpc, facts(upFromUs: 300_000, copies: 400), within: candidates())
        #expect(found.rule.retry?.backoff == .waits([380_000], jitter: 0.2))
        // The mean wait, an answer at 10 ms (spread over a bin of the table) and an attempt.
        #expect(abs(found.costUs - (2000 + 380_000 + 10_000 + 50_000)) < 1500)
    }

    @Test func `a full jitter is priced as the share of its draws that come late enough`() throws {
        let family = DialectFamily(.envoy, within: candidates(), failures: FailureKinds(facts(upFromUs: 0, copies: 1)))
        let rule = family.rule(.init(retries: 1, baseUs: 500_000, maxUs: 500_000, growth: 2))
        var player = RulePlayer(facts(upFromUs: 300_000, copies: 4000))
        let totals = player.play([rule])[0].totals
        // Waits are uniform in [0, 500 ms): 298 of 500 are too short and end in a failure 2 ms later.
        #expect(abs(totals.successes[0] / 4000 - 0.404) < 0.002)
        let answered = 0.404 * (2000 + 399_000 + 10_000 + 50_000)
        let failed = 0.596 * (2000 + 149_000 + 2000 + 50_000 + 10_000_000)
        #expect(abs(totals.costUs[0] / 4000 - answered - failed) < 0.005 * failed)
    }

    @Test func `who cannot wait does not retry what lasts, and who can draws as far as the deadline lets him`() throws {
        let facts = facts(upFromUs: 300_000, copies: 400)
        let linkerd = try best(.linkerd, facts, within: candidates(maxRetries: 4))
        #expect(linkerd.rule.retry == nil && linkerd.costUs == 10_002_000)
        let envoy = try best(.envoy, facts, within: candidates())
        guard case .exponential(let baseUs, _, _, .full) = envoy.rule.retry?.backoff else {
            Issue.record("\(envoy.rule)")
            return
        }
        // A draw that comes too soon costs ten seconds, one that comes too late a tenth of one: the longest allowed.
        #expect(baseUs > 700_000 && baseUs <= 880_000)
        // At once is right where the failure is over at once.
        let blip = self.facts(upFromUs: 0, copies: 40)
        #expect(try best(.linkerd, blip, within: candidates(maxRetries: 4)).rule.retry?.maxRetries == 1)
    }

    /// Outages of 20 to 400 ms; slow to price by hand, so by the retry machine itself, rule by rule.
    @Test(arguments: [Dialect.envoy, .istio, .grpc])
    func `the search finds what the machine says of every rule on a dense grid`(dialect: Dialect) throws {
        let columns = SampleLog.columns(seconds: 90, isDown: SampleLog.routeOutages)
        let setting = RouteSetting(
            route: "r", configuration: SampleLog.configuration(bounds: Bounds(maxRetries: 2)), present: nil,
            columns: columns)
        let evidence = try #require(RouteEvidence(columns, setting: setting))
        let facts = evidence.facts
        let family = DialectFamily(
            dialect, within: setting.candidates(for: evidence), failures: FailureKinds(facts))
        func machineCost(_ rule: Rule) -> (costUs: Double, extra: Double) {
            var machine = MachinePlay(rule, on: facts)
            machine.playWithoutBudget()
            return (machine.totals.costUs.reduce(0, +), machine.totals.extra.reduce(0, +))
        }
        var search = DialectSearch(facts, seed: nil)
        let best = search.best(of: family)
        let found = try #require(best)
        let foundUs = machineCost(found.rule).costUs
        #expect(abs(foundUs / facts.requestCount - search.cost(found)) < 1e-6 * search.cost(found))
        var leastUs = Double.infinity
        for baseUs in stride(from: 1000, through: 601_000, by: 30_000) as StrideThrough<Int64> {
            for maxUs in Set([baseUs, baseUs * 3 / 2, baseUs * 2, baseUs * 4]) {
                for growth in dialect == .grpc ? [1, 2, 4] : [2.0] {
                    let reach = dialect == .istio ? baseUs * DialectFamily.istioReach : maxUs
                    let rule = family.rule(.init(retries: 2, baseUs: baseUs, maxUs: reach, growth: growth))
                    let (costUs, extra) = machineCost(rule)
                    if extra <= facts.objective.maxExtraAttempts * facts.requestCount { leastUs = min(leastUs, costUs) }
                }
            }
        }
        #expect(foundUs < 1.01 * leastUs)
    }

    @Test(arguments: [Dialect.envoy, .grpc])
    func `in another unit of time the rule and its price are as many times longer`(dialect: Dialect) throws {
        let one = try best(dialect, facts(upFromUs: 300_000, copies: 400), within: candidates(maxRetries: 2))
        // Eight times: the latency table has its points where it had them.
        let other = try best(
            dialect, facts(upFromUs: 300_000, copies: 400, scale: 8), within: candidates(maxRetries: 2, scale: 8))
        #expect(abs(other.costUs / one.costUs / 8 - 1) < 0.03)
    }

    @Test(arguments: others)
    func `no rule says what its dialect cannot`(dialect: Dialect) throws {
        let within = candidates(maxRetries: 6, perTryUs: [nil, 100_000, 300_000], waitsBelowUs: 500_000)
        let family = DialectFamily(dialect, within: within, failures: FailureKinds(facts(upFromUs: 0, copies: 1)))
        var shapes = family.grid()
        shapes += family.limited(shapes)
        for shape in shapes { shapes += family.neighbours(of: shape, stepping: [0.5, 2]) }
        #expect(shapes.count > 5)
        for rule in shapes.map(family.rule) {
            #expect(rule.budget == nil && rule.hedge == nil)
            guard let retry = rule.retry else {
                #expect(rule.perTryTimeoutUs == nil)
                continue
            }
            let longest = (1...retry.maxRetries).reduce(0) { $0 + retry.backoff.longestWaitUs(retry: $1) }
            #expect(longest < 550_000)
            switch (dialect, retry.backoff) {
            case (.envoy, .exponential(let baseUs, let maxUs, 2, .full)):
                #expect(baseUs >= 1000 && baseUs % 1000 == 0 && maxUs >= baseUs && maxUs % 1000 == 0)
            case (.istio, .exponential(let baseUs, let maxUs, 2, .full)): #expect(maxUs == 10 * baseUs)
            case (.linkerd, .waits(let waits, _)): #expect(waits == [0])
            case (.grpc, .waits(let waits, 0.2)):
                #expect(waits.count == retry.maxRetries && waits.count <= 4 && rule.perTryTimeoutUs == nil)
                #expect(waits == waits.sorted() && (waits.first ?? 0) > 0)
            default: Issue.record("\(dialect) says \(rule)")
            }
        }
    }

    @Test func `what may have been executed is named by nobody when it may not be repeated`() {
        let failures = FailureKinds(facts(upFromUs: 0, copies: 1, isIdempotent: false))
        #expect(Dialect.envoy.conditions(failures) == [.outcome(.connectFailure)])
        #expect(Dialect.istio.conditions(failures) == [.outcome(.connectFailure)])
        for dialect in [Dialect.linkerd, .grpc] {
            #expect(dialect.conditions(failures).isEmpty)
            let family = DialectFamily(dialect, within: candidates(maxRetries: 4), failures: failures)
            #expect(family.grid() == [.init(retries: 0)])
        }
        // UNKNOWN (2) has no word in retry_on.
        let unknown = FailureKinds(facts(upFromUs: 0, copies: 1, status: 2, isGRPC: true))
        #expect(!Dialect.envoy.conditions(unknown).contains(.outcome(.errorStatus)))
        #expect(Dialect.grpc.conditions(unknown).contains(.outcome(.errorStatus)))
    }

    @Test func `waits that begin at nought are not priced where the log bears out none so short`() {
        let within = candidates(maxRetries: 4, waitsBelowUs: 100_000_000, waitsFromUs: 12_000_000)
        let failures = FailureKinds(facts(upFromUs: 0, copies: 1))
        for dialect in [Dialect.envoy, .istio, .linkerd] {
            #expect(DialectFamily(dialect, within: within, failures: failures).maxRetries == 0)
        }
        let shapes = DialectFamily(.grpc, within: within, failures: failures).grid().filter { $0.retries > 0 }
        #expect(!shapes.isEmpty && shapes.allSatisfy { Double($0.baseUs) * 0.8 >= 12_000_000 })
    }

    @Test func `every dialect is priced beside the best explicit waits, which none undercuts by much`() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        var tuner = Tuner(configuration: SampleLog.configuration(), replicates: 100)
        tuner.listsCandidates = true
        let tuning = try #require(tuner.tune(columns))
        let rules = try #require(tuner.alternatives(to: tuning, columns)).dialects
        #expect(rules.map(\.dialect) == Dialect.allCases)
        #expect(rules[0].multiple == 1 && rules[0].price.rule.budget != nil)
        for one in rules {
            #expect(try #require(one.multiple) > 0.98, "\(one)")
            #expect(one.price.extraAttempts <= tuning.objective.maxExtraAttempts)
            #expect(one.price.interval.contains(one.price.costSeconds))
            let isSaid = one.notes.contains { $0.contains("budget") }
            #expect(one.dialect == .meantime || isSaid || one.price.rule.retry == nil)
        }
        // Outages of 100 to 300 ms want waits: who has none pays.
        let linkerd = try #require(rules.first { $0.dialect == .linkerd }?.multiple)
        let envoy = try #require(rules.first { $0.dialect == .envoy }?.multiple)
        #expect(linkerd > 1.5 * envoy)
    }

    @Test func `where a single retry is too much load, and no budget holds it, that is said`() throws {
        // Host 0 is down for good: half of all requests fail at first.
        let columns = SampleLog.columns(isDown: { host, _ in host == 0 })
        var tuner = Tuner(configuration: SampleLog.configuration(), replicates: 20)
        tuner.listsCandidates = true
        let tuning = try #require(tuner.tune(columns))
        let rules = try #require(tuner.alternatives(to: tuning, columns)).dialects
        for one in rules.dropFirst() {
            #expect(one.price.rule.retry == nil)
            let words = "makes 250 % of the extra attempts that the objective allows"
            #expect(one.notes.contains { $0.contains(words) }, "\(one.notes)")
        }
    }

    @Test func `Envoy leaves Retry-After out where that is allowed and pays`() throws {
        var free = candidates()
        free.retryAfters = [.heed, .ignore]
        func best(_ dialect: Dialect, _ facts: RouteFacts, _ within: CandidateRules) throws -> PlayedRule {
            var search = DialectSearch(facts, seed: nil)
            let found = search.best(of: DialectFamily.families(dialect, within: within, failures: FailureKinds(facts)))
            return try #require(found)
        }
        let asked = facts(upFromUs: 0, copies: 40, retryAfterUs: 400_000)
        let bound = try best(.envoy, asked, candidates())
        #expect(bound.rule.retry?.retryAfter == .heed)
        let ignoring = try best(.envoy, asked, free)
        #expect(ignoring.rule.retry?.retryAfter == .ignore)
        #expect(ignoring.totals.costUs[0] < 0.3 * bound.totals.costUs[0])
        // Where both cost the same it is heeded.
        let same = try best(.envoy, facts(upFromUs: 0, copies: 40, retryAfterUs: 1), free)
        #expect(same.rule.retry?.retryAfter == .heed)
        for dialect in [Dialect.istio, .linkerd, .grpc] {
            #expect(try best(dialect, asked, free).rule == best(dialect, asked, candidates()).rule)
        }
    }

    /// Half a second is past every outage, which a draw from 0 need not be; five are past the deadline.
    @Test(arguments: [(false, 500, true), (true, 500, true), (true, 5000, false)])
    func `what Envoy's rule does with Retry-After is said beside it`(
        mayIgnore: Bool, retryAfterMs: Int64, isHeeded: Bool
    ) throws {
        let columns = SampleLog.columns(retryAfterUs: retryAfterMs * 1000, isDown: SampleLog.routeOutages)
        let bounds = Bounds(maxRetries: 2, mayIgnoreRetryAfter: mayIgnore)
        let tuner = Tuner(configuration: SampleLog.configuration(bounds: bounds), replicates: 20)
        let tuning = try #require(tuner.tune(columns))
        let rules = try #require(tuner.alternatives(to: tuning, columns)).dialects
        let envoy = try #require(rules.first { $0.dialect == .envoy })
        #expect(envoy.price.rule.retry?.retryAfter == (isHeeded ? .heed : .ignore))
        #expect(envoy.notes.contains("Retry-After is not waited for") != isHeeded)
        #expect(envoy.notes.contains { $0.contains("one to one and a half times") } == isHeeded)
    }

    @Test func `who does not read Retry-After comes back sooner`() throws {
        let facts = facts(upFromUs: 0, copies: 40, retryAfterUs: 400_000)
        let unasked = self.facts(upFromUs: 0, copies: 40)
        let kept = try best(.envoy, facts, within: candidates())
        #expect(kept.costUs > 450_000 && kept.rule.retry?.retryAfter == .heed)
        for dialect in [Dialect.istio, .linkerd, .grpc] {
            let read = try best(dialect, facts, within: candidates())
            #expect(read.costUs < 100_000 && read.rule.retry?.retryAfter == .ignore)
            // As if nobody had asked.
            let same = try best(dialect, unasked, within: candidates())
            #expect(read.rule == same.rule && read.costUs == same.costUs)
        }
    }
}
