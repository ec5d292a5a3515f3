public import Retry

/// Rules that somebody asks about, priced on the recorded failures of one route beside the rule in force.
public struct RuleComparison: Sendable {
    /// One rule that was asked about.
    public struct Asked: Sendable {
        /// What it costs.
        public var price: RulePrice
        /// What it costs more than the rule in force, seconds a request; negative: it is cheaper.
        public var differenceSeconds: Double
        /// The 95 % interval of the difference: bootstrap over outages, both rules on the same replicates.
        public var differenceInterval: ClosedRange<Double>
        /// What its price takes for granted beyond what all take.
        public var assumptions: [String]
    }

    /// The route.
    public var route: String
    /// Requests in the log.
    public var requests: Int
    /// Outages in it.
    public var outages: Int
    /// First and last start, UNIX microseconds.
    public var windowUs: ClosedRange<Int64>
    /// What the costs are made of.
    public var objective: Objective
    /// Mean cost of a request as the log shows it, seconds.
    public var recordedCostSeconds: Double
    /// Whether a rule file named the rule in force; otherwise it was read off the log.
    public var isPresentGiven: Bool
    /// The rule in force.
    public var present: RulePrice
    /// The others, in the order in which they were asked.
    public var asked: [Asked]
    /// What was taken for granted.
    public var assumptions: [String]
}

extension Tuner {
    /// Prices rules beside the one in force; `nil` when the columns hold no first attempt. methods: pricing
    public func compare(_ rules: [Rule], on columns: AttemptColumns) -> RuleComparison? {
        let setting = RouteSetting(
            route: columns.route, configuration: configuration, present: present, columns: columns, asked: rules)
        guard let evidence = RouteEvidence(columns, setting: setting) else { return nil }
        let facts = evidence.facts
        // No grid: what is asked about is all that is played.
        let search = RuleSearch(facts: facts, candidates: nil, replicates: replicates, seed: seed, playsAll: true)
        // The rule in force costs what the proxy makes of it.
        var enforced = setting.present.rule
        (enforced.hedge, enforced.ejectionUs) = (nil, nil)
        let played = ([enforced] + rules).map(search.play)
        let prices = price(played, search, evidence)
        let replicates = search.replicates(of: played)
        let present = replicates.recordedUs(0)
        let requests = facts.requestCount
        let asked = rules.indices.map { index in
            let differences = zip(replicates.recordedUs(index + 1), present).map { $0 - $1 }
            let interval = Bootstrap.interval95(differences)
            return RuleComparison.Asked(
                price: prices[index + 1], differenceSeconds: prices[index + 1].costSeconds - prices[0].costSeconds,
                differenceInterval: interval.lowerBound / 1e6...interval.upperBound / 1e6,
                assumptions: doubts(about: rules[index], evidence))
        }
        let recordedSeconds = facts.recorded.costUs.reduce(0, +) / requests / 1e6
        return RuleComparison(
            route: columns.route, requests: Int(requests), outages: evidence.outages, windowUs: evidence.windowUs,
            objective: setting.objective,
            recordedCostSeconds: recordedSeconds,
            isPresentGiven: setting.present.isGiven, present: prices[0], asked: asked,
            assumptions: setting.assumptions + evidence.assumptions + unrepeatable(columns, setting)
                + unenforcedNow(setting.present.rule)
                + doubt(of: prices[0], against: recordedSeconds))
    }

    /// Where the log cannot bear out a rule that people may ask about and `tune` would not try.
    private func doubts(about rule: Rule, _ evidence: RouteEvidence) -> [String] {
        var doubts: [String] = []
        let limit = [rule.perTryTimeoutUs, rule.timeoutUs].compactMap { $0 }.min() ?? .max
        if limit < evidence.longestSuccessUs, evidence.dependence.verdict(atLimitUs: limit) != .independent {
            doubts.append(
                "attempts that the limit of \(DurationText.format(limit)) cuts are taken to be as slow again when they "
                    + "are retried where the log does not show otherwise, so the price may be too high")
        }
        let retries = rule.retry?.maxRetries ?? 0
        if retries > 0, rule.budget == nil {
            doubts.append("without a budget: the load that its retries add in an overload is not in the price")
        }
        if retries > 0, rule.retry?.retryAfter == .ignore, evidence.facts.isRetryAfterSeen {
            doubts.append("it comes back sooner than the server's Retry-After asks")
        }
        if evidence.facts.rateLimit != nil, TimedPlay.isNeeded(for: rule) {
            doubts.append("what hedges and ejection change is priced as if there were no rate limit")
        }
        return doubts + unenforced(rule, evidence)
    }

    /// Why retries of some requests cost and gain nothing here.
    private func unrepeatable(_ columns: AttemptColumns, _ setting: RouteSetting) -> [String] {
        let others = columns.methodNames.filter { !$0.isEmpty && !RouteConfiguration.idempotentMethods.contains($0) }
        if setting.isIdempotent != nil || others.isEmpty { return [] }
        return [
            "requests of \(others.sorted().joined(separator: ", ")) may not be repeated: they are retried only where nothing "
                + "was executed, and never hedged; name a configuration with idempotent: true if repeating is safe"
        ]
    }

    /// What the rule in force says in vain.
    private func unenforcedNow(_ rule: Rule) -> [String] {
        let parts = [rule.hedge.map { _ in "hedge" }, rule.ejectionUs.map { _ in "ejection" }].compactMap { $0 }
        if parts.isEmpty { return [] }
        return ["the rule in force is priced without its \(parts.joined(separator: " and ")): the proxy has none yet"]
    }

    /// What a rule says that Meantime's proxy does not do, and what its price then takes for granted.
    private func unenforced(_ rule: Rule, _ evidence: RouteEvidence) -> [String] {
        var parts: [String] = []
        if let hedge = rule.hedge {
            parts.append("Meantime's proxy does not hedge yet: the price is that of a proxy that does")
            if evidence.origin.isCommon {
                parts.append(
                    "attempts are slow while other hosts are slow too, as in an overload: the load that hedges add is "
                        + "not in the price")
            } else if evidence.dependence.verdict(atLimitUs: hedge.delayUs) != .independent {
                parts.append(
                    "a request that takes longer than \(DurationText.format(hedge.delayUs)) is taken to be as slow again "
                        + "when it is hedged where the log does not show otherwise, so hedges may gain more")
            }
        }
        if rule.ejectionUs != nil {
            parts.append("Meantime's proxy does not eject hosts yet: the price is that of a proxy that does")
            if evidence.facts.hostCount < 2 {
                parts.append("there is one host: it is never ejected")
            } else if evidence.areHostsAsOne {
                parts.append("the hosts fail together: while one rests the others are down too")
            }
        }
        return parts
    }
}
