public import Retry

/// What one rule costs on the recorded failures.
public struct RulePrice: Equatable, Sendable {
    /// The rule.
    public var rule: Rule
    /// Mean cost of a request, seconds.
    public var costSeconds: Double
    /// Its 95 % interval: bootstrap over outages, seconds.
    public var interval: ClosedRange<Double>
    /// Attempts beyond the first, per request.
    public var extraAttempts: Double
    /// Share of requests answered within the deadline.
    public var successShare: Double
    /// Share of the retries asked for that the budget refuses.
    public var refusedShare: Double
}

/// What was found for one route, and what was decided.
public struct RouteTuning: Sendable {
    /// The route.
    public var route: String
    /// Attempts in the log.
    public var attempts: Int
    /// Failed attempts.
    public var failures: Int
    /// Outages.
    public var outages: Int
    /// Requests.
    public var requests: Int
    /// First and last start, UNIX microseconds.
    public var windowUs: ClosedRange<Int64>
    /// What was asked for.
    public var objective: Objective
    /// Mean cost of a request as the log shows it, seconds.
    public var recordedCostSeconds: Double
    /// Share of requests that were answered within the deadline, as the log shows it.
    public var recordedSuccessShare: Double
    /// Whether a rule file named the present rule; otherwise it was read off the log, for comparison only.
    public var isPresentGiven: Bool
    /// The rule in force, priced by the model: close to `recordedCostSeconds` when the model is right and the log was
    /// recorded under this rule.
    public var present: RulePrice
    /// The rule to use: the present one when nothing is changed.
    public var chosen: RulePrice
    /// Whether `chosen` differs from `present`.
    public var isChanged: Bool
    /// 95 % interval of chosen − present, seconds a request: bootstrap over all outages; 0 ... 0 when nothing changes.
    public var change: ClosedRange<Double>
    /// 95 % interval of what choosing is worth out of sample, as chosen − present in seconds a request: each half of
    /// the outages priced under the rule that the other half chose, on the days to come (`OutageOutlook`). Below zero:
    /// confirmed.
    public var confirmedGain: ClosedRange<Double>
    /// Every candidate that was priced, of the grid and of the descents from it, cheapest first; empty unless
    /// the tuner was asked to list them.
    public var candidates: [RulePrice]
    /// Why.
    public var reason: String
    /// What was taken for granted.
    public var assumptions: [String]

    /// The evidence to write beside the rule.
    public var evidence: Evidence {
        Evidence(
            attempts: attempts, failures: failures, outages: outages, windowUs: windowUs,
            cost: CostEvidence(
                before: rounded(present.costSeconds), after: rounded(chosen.costSeconds),
                interval: rounded(change.lowerBound)...rounded(change.upperBound)),
            reason: reason)
    }

    private func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }
}

/// What `tune` found, route by route.
public struct TuneResult: Sendable {
    /// By route name.
    public var routes: [RouteTuning]
    /// Attempts known to be missing from the evidence.
    public var missingAttempts: Int
    /// The rules to write: what was there, with every tuned route's rule and evidence in place.
    public var ruleSet: RuleSet
    /// Where the time went, if the tuner was given a clock.
    public var times: TuneTimes?
    /// Whether any rule differs from the present set.
    public var isChanged: Bool { routes.contains(where: \.isChanged) }
}
