import Retry
import Testing

@testable import Analyzer

@Suite struct TunerTests {
    private func tune(
        _ columns: AttemptColumns, configuration: Configuration? = SampleLog.configuration(), present: Rule? = nil
    ) throws -> RouteTuning {
        let set = present.map { RuleSet(version: 4, createdUs: 0, routes: ["r": RuleSet.Entry(rule: $0)]) }
        var tuner = Tuner(configuration: configuration, present: set, replicates: 100)
        tuner.listsCandidates = true
        return try #require(tuner.tune(columns))
    }

    private let single = Rule(timeoutUs: 2_000_000)

    @Test func aRouteThatFailsAsAWholeIsWaitedFor() throws {
        let tuning = try tune(SampleLog.columns(isDown: SampleLog.routeOutages), present: single)
        #expect(tuning.isChanged)
        #expect(tuning.chosen.costSeconds < 0.2 * tuning.present.costSeconds)
        let waits = CandidateRules.waits(of: tuning.chosen.rule)
        // Outages last 100 to 300 ms: the waits together must reach past the longest.
        #expect(waits.reduce(0, +) > 200_000)
        #expect(tuning.confirmedGain.upperBound < 0)
    }

    @Test func aHostThatFailsAloneIsLeftAtOnce() throws {
        let tuning = try tune(SampleLog.columns(isDown: SampleLog.hostOutages), present: single)
        #expect(tuning.isChanged)
        #expect(tuning.chosen.rule.retry?.host == .other)
        #expect(CandidateRules.waits(of: tuning.chosen.rule).first ?? .max <= 20_000)
    }

    @Test func thePresentRuleIsPricedAsTheLogShowsIt() throws {
        for isDown in [SampleLog.routeOutages, SampleLog.hostOutages] {
            let tuning = try tune(SampleLog.columns(isDown: isDown), present: single)
            #expect(abs(tuning.present.costSeconds - tuning.recordedCostSeconds) < 0.01 * tuning.recordedCostSeconds)
        }
    }

    @Test func theSameLogAndSeedGiveTheSameRules() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        let (one, other) = (try tune(columns, present: single), try tune(columns, present: single))
        #expect(one.chosen == other.chosen)
        #expect(one.confirmedGain == other.confirmedGain)
    }

    @Test func candidatesAreListedForThoseWhoLookAndForNobodyElse() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        let looked = try tune(columns, present: single)
        #expect(looked.candidates.count > 20)
        let tuned = try #require(
            Tuner(
                configuration: SampleLog.configuration(),
                present: RuleSet(version: 4, createdUs: 0, routes: ["r": RuleSet.Entry(rule: single)]), replicates: 100
            ).tune(columns))
        #expect(tuned.candidates.isEmpty)
        #expect(tuned.chosen == looked.chosen)
        #expect(tuned.present == looked.present)
    }

    @Test func changingTheUnitOfTimeChangesTheWaitsWithIt() throws {
        // The same log ten times slower under a ten times longer objective asks for ten times longer waits.
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        var slower = columns
        slower.startUs = columns.startUs.map { SampleLog.epochUs + ($0 - SampleLog.epochUs) * 10 }
        slower.durationUs = columns.durationUs.map { $0 * 10 }
        slower.timeoutUs = columns.timeoutUs.map { $0 * 10 }
        let base = Objective()
        let stretched = Objective(
            deadlineUs: base.deadlineUs * 10, failureCostUs: base.failureCostUs * 10,
            attemptCostUs: base.attemptCostUs * 10, maxExtraAttempts: base.maxExtraAttempts)
        let fast = try tune(columns, present: single)
        let slow = try tune(
            slower, configuration: SampleLog.configuration(stretched), present: Rule(timeoutUs: 20_000_000))
        #expect(abs(slow.present.costSeconds / fast.present.costSeconds / 10 - 1) < 0.01)
        #expect(slow.isChanged)
        #expect(slow.chosen.costSeconds < 0.3 * slow.present.costSeconds)
        // Outages last 1 to 3 s here: the waits together must reach past the longest.
        #expect(CandidateRules.waits(of: slow.chosen.rule).reduce(0, +) > 2_000_000)
    }

    @Test func boundsAreKept() throws {
        let configuration = SampleLog.configuration(bounds: Bounds(maxRetries: 1))
        let tuning = try tune(
            SampleLog.columns(isDown: SampleLog.routeOutages), configuration: configuration, present: single)
        #expect(tuning.candidates.allSatisfy { ($0.rule.retry?.maxRetries ?? 0) <= 1 })
        #expect((tuning.chosen.rule.retry?.maxRetries ?? 0) <= 1)
    }

    /// All hosts are down for up to 300 ms, and ask for a whole second.
    private func tuneAsked(mayIgnore: Bool, retryAfterUs: Int64 = 1_000_000, present: Rule) throws -> RouteTuning {
        try tune(
            SampleLog.columns(retryAfterUs: retryAfterUs, isDown: SampleLog.routeOutages),
            configuration: SampleLog.configuration(bounds: Bounds(maxRetries: 2, mayIgnoreRetryAfter: mayIgnore)),
            present: present)
    }

    @Test func `a rule ignores Retry-After only where the bounds allow it and it pays, and says so`() throws {
        let bound = try tuneAsked(mayIgnore: false, present: single)
        #expect(bound.isChanged && bound.candidates.allSatisfy { $0.rule.retry?.retryAfter != .ignore })
        let free = try tuneAsked(mayIgnore: true, present: single)
        #expect(free.isChanged && free.chosen.rule.retry?.retryAfter == .ignore)
        #expect(free.chosen.costSeconds < bound.chosen.costSeconds)
        let words = "comes back sooner than the server's Retry-After asks, as bounds.may_ignore_retry_after allows"
        #expect(free.assumptions.contains { $0.contains(words) })
        #expect(!bound.assumptions.contains { $0.contains("Retry-After") })
        // What heeds is priced as it is without the other.
        let heeding = free.candidates.filter { $0.rule.retry?.retryAfter != .ignore }
        for one in heeding {
            guard let same = bound.candidates.first(where: { $0.rule == one.rule }) else { continue }
            #expect(abs(one.costSeconds - same.costSeconds) < 1e-12 * same.costSeconds)
        }
        #expect(heeding.count > 50)
    }

    @Test func `where ignoring Retry-After gains nothing it is heeded`() throws {
        let free = try tuneAsked(mayIgnore: true, retryAfterUs: 1000, present: single)
        #expect(free.candidates.contains { $0.rule.retry?.retryAfter == .ignore })
        #expect(free.isChanged && free.chosen.rule.retry?.retryAfter == .heed)
    }

    @Test func `where nobody asks to wait the bound changes nothing`() throws {
        let bound = try tuneAsked(mayIgnore: false, retryAfterUs: 0, present: single)
        let free = try tuneAsked(mayIgnore: true, retryAfterUs: 0, present: single)
        #expect(free.candidates == bound.candidates && free.chosen == bound.chosen)
        #expect(free.assumptions == bound.assumptions && free.reason == bound.reason)
    }

    @Test func `a present rule that ignores Retry-After is priced so, and makes no other that does`() throws {
        var present = single
        present.retry = RetryPolicy(
            maxRetries: 1, on: [.outcome(.errorStatus)], retryAfter: .ignore, backoff: .waits([320_000], jitter: 0))
        let tuning = try tuneAsked(mayIgnore: false, present: present)
        #expect(tuning.candidates.allSatisfy { $0.rule.retry?.retryAfter != .ignore })
        // Nothing that waits for a second is as cheap.
        #expect(!tuning.isChanged && tuning.chosen.rule == present)
        #expect(tuning.chosen.costSeconds < 0.8 * (tuning.candidates.map(\.costSeconds).min() ?? 0))
        #expect(tuning.assumptions.contains { $0.contains("no other may, unless bounds.may_ignore_retry_after") })
    }

    @Test(arguments: [0, 1_000_000] as [Int64])
    func `a rule that is asked about is doubted where it comes back sooner than asked`(retryAfterUs: Int64) throws {
        let columns = SampleLog.columns(retryAfterUs: retryAfterUs, isDown: SampleLog.routeOutages)
        var ignoring = single
        ignoring.retry = RetryPolicy(
            maxRetries: 1, on: [.outcome(.errorStatus)], retryAfter: .ignore, backoff: .waits([320_000], jitter: 0))
        var heeding = ignoring
        heeding.retry?.retryAfter = .heed
        let tuner = Tuner(configuration: SampleLog.configuration(), present: nil, replicates: 20)
        let asked = try #require(tuner.compare([ignoring, heeding, single], on: columns)).asked
        let words = "it comes back sooner than the server's Retry-After asks"
        #expect(asked.map { $0.assumptions.contains(words) } == [retryAfterUs > 0, false, false])
    }

    @Test func theLoadCapIsKept() throws {
        let objective = Objective(maxExtraAttempts: 0.05)
        let tuning = try tune(
            SampleLog.columns(isDown: SampleLog.routeOutages), configuration: SampleLog.configuration(objective),
            present: single)
        #expect(tuning.chosen.extraAttempts <= 0.05)
        if tuning.isChanged { #expect(try #require(tuning.chosen.rule.budget).ratio <= 0.05) }
    }

    @Test func aPostIsNotRepeatedOnceItMayHaveBeenExecuted() throws {
        let tuning = try tune(SampleLog.columns(method: "POST", isDown: SampleLog.hostOutages), present: single)
        #expect(!tuning.isChanged)
        #expect(tuning.candidates.allSatisfy { $0.extraAttempts == 0 })
    }

    @Test func everyAttemptInOneMicrosecondStillGivesAPrice() throws {
        var columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        // A clock that only knows seconds.
        columns.startUs = columns.startUs.map { $0 / 1_000_000 * 1_000_000 }
        let tuning = try tune(columns, present: single)
        #expect(tuning.present.costSeconds.isFinite && tuning.present.costSeconds > 0)
        #expect(tuning.candidates.allSatisfy { $0.costSeconds.isFinite && $0.successShare <= 1 })
        #expect(abs(tuning.present.costSeconds - tuning.recordedCostSeconds) < 0.02 * tuning.recordedCostSeconds)
    }

    @Test func aHostThatIsDeadThroughoutDoesNotHideTheRest() throws {
        let tuning = try tune(
            SampleLog.columns(hosts: 3, isDown: { host, _ in host == 2 }),
            configuration: SampleLog.configuration(Objective(maxExtraAttempts: 0.5)), present: single)
        #expect(tuning.isChanged)
        #expect(tuning.chosen.successShare > 0.99)
        #expect(tuning.chosen.interval.upperBound > tuning.chosen.interval.lowerBound)
    }

    @Test func aTimeoutIsOnlyShortenedToADeadlineThatSomebodyNamed() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        var configuration = SampleLog.configuration()
        configuration.routes[0].isDeadlineGiven = false
        let kept = try tune(columns, configuration: configuration, present: Rule(timeoutUs: 15_000_000))
        #expect(kept.chosen.rule.timeoutUs == 15_000_000)
        #expect(kept.assumptions.contains { $0.contains("no deadline was given") })
        let given = try tune(columns, present: Rule(timeoutUs: 15_000_000))
        #expect(given.chosen.rule.timeoutUs == 2_000_000)
    }

    @Test func aRuleThatMakesMoreLoadThanAllowedIsSaidToDoSo() throws {
        let retry = RetryPolicy(maxRetries: 4, on: [.outcome(.errorStatus)], backoff: .waits([0, 150_000], jitter: 0))
        let eager = Rule(timeoutUs: 2_000_000, retry: retry)
        let objective = Objective(maxExtraAttempts: 0.001)
        let tuning = try tune(
            SampleLog.columns(isDown: SampleLog.routeOutages), configuration: SampleLog.configuration(objective),
            present: eager)
        #expect(!tuning.isChanged)
        #expect(tuning.reason.contains("costs more"))
        #expect(tuning.reason.contains("extra attempts per request, allowed are 0.00"))
        #expect(tuning.change == 0...0)
    }

    @Test func rulesThatAreAskedAboutArePricedAsTheTunerPricesThem() throws {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        let tuning = try tune(columns, present: single)
        let tuner = Tuner(
            configuration: SampleLog.configuration(),
            present: RuleSet(version: 1, createdUs: 0, routes: [columns.route: RuleSet.Entry(rule: single)]),
            replicates: 50)
        var hedged = tuning.chosen.rule
        hedged.hedge = HedgePolicy(delayUs: 10_000, max: 1)
        hedged.ejectionUs = 1_000_000
        hedged.budget = nil
        // Cuts answers that the log shows: they must be played, not counted as they were.
        let longest = (0..<columns.count).filter { columns.outcome[$0] == .success }.map { columns.durationUs[$0] }
        let short = Rule(timeoutUs: (longest.max() ?? 0) / 20)
        let found = try #require(tuner.compare([tuning.chosen.rule, single, hedged, short], on: columns))
        #expect(abs(found.asked[0].price.costSeconds - tuning.chosen.costSeconds) < 1e-9)
        #expect(abs(found.present.costSeconds - tuning.present.costSeconds) < 1e-9)
        #expect(found.asked[1].differenceSeconds == 0 && found.asked[1].differenceInterval == 0...0)
        #expect(found.asked[0].differenceInterval.upperBound < 0)
        let doubts = found.asked[2].assumptions.joined()
        for word in ["does not hedge", "does not eject", "without a budget"] {
            #expect(doubts.contains(word), "\(doubts)")
        }
        #expect(found.asked[3].price.successShare < found.present.successShare - 0.1)
        #expect(found.asked[3].assumptions.joined().contains("the limit of"))
    }

    @Test func tooFewFailuresChangeNothing() throws {
        let tuning = try tune(SampleLog.columns(seconds: 4, isDown: { $1 == 1_000_000 }), present: single)
        #expect(!tuning.isChanged)
        #expect(tuning.chosen.rule == single)
        #expect(tuning.reason.contains("too little evidence"))
    }

    @Test func withoutAConfigurationTheAssumptionsAreNamed() throws {
        let tuning = try tune(SampleLog.columns(isDown: SampleLog.routeOutages), configuration: nil)
        #expect(tuning.assumptions.contains { $0.contains("default objective") })
        #expect(tuning.assumptions.contains { $0.contains("no present rule") })
        // Nothing that the log shows answered is cut off.
        #expect(tuning.chosen.rule.timeoutUs ?? 0 >= 2_000_000)
    }

    @Test func theRuleSetCarriesEveryRouteItsEvidenceAndTheNextVersion() throws {
        let source = ColumnsSource([
            SampleLog.columns(isDown: SampleLog.routeOutages), SampleLog.columns(seconds: 4, isDown: { _, _ in false }),
        ])
        var present = RuleSet(version: 4, createdUs: 0, routes: ["r": RuleSet.Entry(rule: single)])
        present.routes["unseen"] = RuleSet.Entry(rule: DefaultRules.envoy)
        let tuner = Tuner(configuration: SampleLog.configuration(), present: present, replicates: 50)
        let result = try tuner.run(source, nowUs: 77)
        #expect(result.ruleSet.version == 5)
        #expect(result.ruleSet.createdUs == 77)
        #expect(result.ruleSet.rule(for: "unseen") == DefaultRules.envoy)
        #expect(result.routes.map(\.route) == ["r", "quiet"])
        #expect(result.ruleSet.routes["quiet"]?.evidence?.reason.contains("kept") == true)
        // Its present rule was only read off the log: evidence is written, a rule is not.
        #expect(result.ruleSet.routes["quiet"]?.rule == Rule())
        #expect(result.ruleSet.rule(for: "quiet") == nil)
        #expect(
            result.ruleSet.routes["r"]?.evidence?.cost?.after == (result.routes[0].chosen.costSeconds * 1e6).rounded()
                / 1e6)
        #expect(result.missingAttempts == 3)
    }

    @Test func beforeAKnownLimiterRetriesAreSpreadAndPricedWithTheirLoad() throws {
        // The limit is hardly above what is wanted: who comes back at once meets the same empty bucket.
        let columns = RateLimitTests.log(seed: 12, wanted: 40, perSecond: 42, burst: 20, seconds: 1200)
        let tuning = try tune(columns, present: single)
        #expect(tuning.isChanged)
        #expect(tuning.assumptions.contains { $0.hasPrefix("refusals follow a limit of 42 attempts a second") })
        #expect(CandidateRules.waits(of: tuning.chosen.rule).reduce(0, +) > 300_000)
        // A refusal costs ten seconds; retries at once save hardly any, for each takes a token that another lacks.
        var hasty = tuning.chosen.rule
        hasty.retry?.backoff = .waits([0], jitter: 0)
        let tuner = Tuner(configuration: SampleLog.configuration(), present: nil, replicates: 100)
        let prices = try #require(tuner.compare([hasty, tuning.chosen.rule], on: columns)).asked.map(\.price)
        #expect(prices[0].costSeconds > 1.3 * prices[1].costSeconds)
        #expect(abs(prices[1].costSeconds - tuning.chosen.costSeconds) < 1e-9)
        #expect(prices[1].interval.upperBound < 4 * prices[1].costSeconds)
    }

    @Test func hedgesBeforeAKnownLimiterChangeWhatTheyWouldWithoutIt() throws {
        let columns = RateLimitTests.log(seed: 12, wanted: 40, perSecond: 42, burst: 20, seconds: 600, hosts: 1)
        let tuner = Tuner(configuration: SampleLog.configuration(), present: nil, replicates: 100)
        var plain = single
        plain.retry = RetryPolicy(
            maxRetries: 1, on: [.outcome(.rateLimited)], host: .any, backoff: .waits([0], jitter: 0))
        var (hedged, ejecting) = (plain, plain)
        (hedged.hedge, ejecting.ejectionUs) = (HedgePolicy(delayUs: 20_000, max: 1), 3_000_000)
        let asked = try #require(tuner.compare([plain, hedged, ejecting], on: columns)).asked
        // There is one host: none is ejected, and hedges come too late for all.
        #expect(abs(asked[2].price.costSeconds - asked[0].price.costSeconds) < 1e-9)
        #expect(abs(asked[1].price.costSeconds - asked[0].price.costSeconds) < 1e-6)
        #expect(asked[0].price.costSeconds > 0.05)
        let doubt = "as if there were no rate limit"
        #expect(asked.map { one in one.assumptions.contains { $0.contains(doubt) } } == [false, true, true])
    }
}

/// Two routes of columns as a source.
private struct ColumnsSource: AttemptSource {
    var columns: [AttemptColumns]

    init(_ two: [AttemptColumns]) {
        columns = two
        columns[1].route = "quiet"
    }

    func routes(fromUs: Int64?, toUs: Int64?) -> [RouteSummary] {
        columns.map { one in
            RouteSummary(
                route: one.route, attempts: one.count, firstStartUs: one.startUs[0],
                lastStartUs: one.startUs[one.count - 1])
        }
    }

    func attempts(route: String, fromUs: Int64?, toUs: Int64?) -> AttemptColumns {
        columns.first { $0.route == route } ?? AttemptColumns(route: route)
    }

    func missingAttempts(fromUs: Int64?, toUs: Int64?) -> Int { 3 }
}
