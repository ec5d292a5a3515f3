public import Retry

/// The nightly job: reads what the proxies saw, and chooses each route's rule.
///
/// A route at a time on each core: facts from the log → present rule and candidates priced through the retry machine's
/// decisions → choice.
public struct Tuner: Sendable {
    /// Objectives, bounds and idempotence by route; without one, the defaults hold and are named as assumptions.
    public var configuration: Configuration?
    /// The rules in force, if there is a rule file.
    public var present: RuleSet?
    /// Bootstrap replicates.
    public var replicates: Int
    /// Seed of the bootstrap: the same log and seed give the same rules.
    public var seed: UInt64
    /// Whether results list every candidate, each with its interval: for people who look at a route. That takes longer
    /// than anything else about choosing; what is chosen does not depend on it.
    public var listsCandidates = false
    /// How many routes are tuned at once; the result does not depend on it.
    public var threads = RouteCrew.cores
    /// Nanoseconds of processor time of the thread that asks; with it the result says where the time went.
    public var clock: (@Sendable () -> Int64)?

    /// A tuner.
    public init(
        configuration: Configuration? = nil, present: RuleSet? = nil, replicates: Int = 500, seed: UInt64 = 1
    ) {
        self.configuration = configuration
        self.present = present
        self.replicates = replicates
        self.seed = seed
    }

    /// Tunes every route that the source has seen in the range.
    ///
    /// - Parameters:
    ///   - source: where the attempts are.
    ///   - fromUs: UNIX microseconds, `nil` for all.
    ///   - toUs: exclusive end.
    ///   - routes: only these; `nil` for all.
    ///   - nowUs: written as the rule set's creation time.
    ///   - progress: called when a route has been read with its name, its place among those read and their number.
    public func run(
        _ source: any AttemptSource, fromUs: Int64? = nil, toUs: Int64? = nil, routes only: [String]? = nil,
        nowUs: Int64, progress: (String, Int, Int) -> Void = { _, _, _ in }
    ) throws -> TuneResult {
        let seen = try source.routes(fromUs: fromUs, toUs: toUs).filter { only?.contains($0.route) ?? true }
        let places = Dictionary(uniqueKeysWithValues: zip(seen.map(\.route), seen.indices))
        // The busiest first: who comes last is quick, and no thread waits long for another.
        let order = seen.sorted { $0.attempts != $1.attempts ? $0.attempts > $1.attempts : $0.route < $1.route }
        let crew = RouteCrew(self, threads: min(threads, seen.count))
        let meter = clock.map(StageMeter.init)
        try StageMeter.$current.withValue(meter) {
            try StageMeter.measure(.reading) {
                defer { crew.finish() }
                var place = 0
                try source.eachRoute(order, fromUs: fromUs, toUs: toUs, columns: .all) { columns in
                    progress(columns.route, place, seen.count)
                    place += 1
                    crew.tune(columns)
                }
            }
        }
        var times = crew.times
        meter.map { times?.add($0.times) }
        let tunings = crew.tunings.sorted { places[$0.route, default: 0] < places[$1.route, default: 0] }
        return TuneResult(
            routes: tunings, missingAttempts: try source.missingAttempts(fromUs: fromUs, toUs: toUs),
            ruleSet: ruleSet(from: tunings, nowUs: nowUs), times: times)
    }

    /// Tunes one route; `nil` when the columns hold no first attempt.
    public func tune(_ columns: AttemptColumns) -> RouteTuning? {
        let read = StageMeter.measure(.evidence) {
            let setting = RouteSetting(
                route: columns.route, configuration: configuration, present: present, columns: columns)
            return (setting: setting, evidence: RouteEvidence(columns, setting: setting))
        }
        let setting = read.setting
        guard let evidence = read.evidence else { return nil }
        let facts = evidence.facts
        let search = RuleSearch(
            facts: facts, candidates: setting.candidates(for: evidence), replicates: replicates, seed: seed)
        let isUnsafe = setting.isUnsafe(evidence)
        let choice = RuleChoice(search: search, present: setting.present.rule, isPresentUnsafe: isUnsafe)
        let candidates = listsCandidates ? Self.ordered(price(search.candidatesPlayed, search)) : []
        var prices = price([choice.present, choice.chosen], search, evidence)
        if isUnsafe { allowForRelief(&prices[1], facts) }
        let requests = facts.requestCount
        let recordedSeconds = facts.recorded.costUs.reduce(0, +) / requests / 1e6
        return RouteTuning(
            route: columns.route, attempts: columns.count, failures: evidence.failures, outages: evidence.outages,
            requests: Int(requests), windowUs: evidence.windowUs, objective: setting.objective,
            recordedCostSeconds: recordedSeconds,
            recordedSuccessShare: facts.recorded.successes.reduce(0, +) / requests,
            isPresentGiven: setting.present.isGiven, present: prices[0],
            chosen: prices[1], isChanged: choice.isChanged,
            change: choice.changeUs.lowerBound / 1e6...choice.changeUs.upperBound / 1e6,
            confirmedGain: choice.confirmedGainUs.lowerBound / 1e6...choice.confirmedGainUs.upperBound / 1e6,
            candidates: candidates, reason: choice.reason,
            assumptions: setting.assumptions + evidence.assumptions + setting.disregard(by: choice, of: facts)
                + doubt(of: prices[0], against: recordedSeconds))
    }

    /// Prices, with what the log cannot show allowed for.
    ///
    /// Refusals for load depend on the load that retries make: at worst each retry that is served takes the place of a
    /// request that is then refused, as if no refusal had been retried. Intervals reach up to there, unless the limiter
    /// is known and the log long against its memory.
    func price(_ played: [PlayedRule], _ search: RuleSearch, _ evidence: RouteEvidence) -> [RulePrice] {
        let isPlayed = evidence.facts.rateLimit != nil && evidence.facts.units >= RuleChoice.leastUnits
        guard evidence.seen.contains(.rateLimited), !isPlayed else { return price(played, search) }
        var worst: [PlayedRule] = []
        /// Where each rule's worst stands, if it is another.
        let places = played.map { one -> Int? in
            var bare = one.rule
            bare.retry?.on.removeAll { $0 == .outcome(.rateLimited) }
            if bare == one.rule { return nil }
            worst.append(search.play(bare))
            return played.count + worst.count - 1
        }
        let prices = price(played + worst, search)
        return zip(prices, places).map { price, place in
            guard let place else { return price }
            var price = price
            let upper = max(price.interval.upperBound, prices[place].interval.upperBound)
            price.interval = price.interval.lowerBound...upper
            return price
        }
    }

    /// How much of the slowness was made by the retries that are now given up, the log does not show: at best all of
    /// it.
    private func allowForRelief(_ price: inout RulePrice, _ facts: RouteFacts) {
        let usual = facts.fixedCostUs.reduce(0, +) / facts.requestCount / 1e6
        price.interval = min(usual, price.interval.lowerBound)...price.interval.upperBound
    }

    /// Where model and log disagree on the present rule, people should know before they believe the rest.
    func doubt(of present: RulePrice, against recordedSeconds: Double) -> [String] {
        guard abs(present.costSeconds - recordedSeconds) > 0.15 * max(recordedSeconds, 0.001) else { return [] }
        func shown(_ seconds: Double) -> String { DurationText.format(Int64((seconds * 1000).rounded()) * 1000) }
        return [
            "the present rule is priced at \(shown(present.costSeconds)) a request where the log shows "
                + "\(shown(recordedSeconds)): the log was partly recorded under other rules, or the model misses something"
        ]
    }

    /// Cheapest first; rules of one price by what they say, so that the order never depends on anything else.
    private static func ordered(_ prices: [RulePrice]) -> [RulePrice] {
        func key(_ rule: Rule) -> [Int64] {
            let waits = CandidateRules.waits(of: rule)
            let isSooner: Int64 = rule.retry?.retryAfter == .ignore ? 1 : 0
            return [Int64(waits.count), rule.perTryTimeoutUs ?? .max, rule.budget?.windowUs ?? 0, isSooner] + waits
        }
        return prices.sorted { first, second in
            if first.costSeconds != second.costSeconds { return first.costSeconds < second.costSeconds }
            return key(first.rule).lexicographicallyPrecedes(key(second.rule))
        }
    }

    /// Prices with intervals.
    func price(_ played: [PlayedRule], _ search: RuleSearch) -> [RulePrice] {
        let requests = search.facts.requestCount
        return zip(played, search.costIntervals(played)).map { one, interval in
            RulePrice(
                rule: one.rule, costSeconds: search.recordedCost(one) / 1e6,
                interval: interval.lowerBound / 1e6...interval.upperBound / 1e6,
                extraAttempts: one.totals.extra.reduce(0, +) / requests,
                successShare: one.totals.successes.reduce(0, +) / requests, refusedShare: one.refusedShare)
        }
    }

    private func ruleSet(from tunings: [RouteTuning], nowUs: Int64) -> RuleSet {
        var set = RuleSet(version: (present?.version ?? 0) + 1, createdUs: nowUs, routes: present?.routes ?? [:])
        for tuning in tunings {
            // A rule that was only read off the log is not ours to put in force.
            let rule = tuning.isChanged || tuning.isPresentGiven ? tuning.chosen.rule : Rule()
            set.routes[tuning.route] = RuleSet.Entry(rule: rule, evidence: tuning.evidence)
        }
        return set
    }
}
