import Retry

/// Decides between the present rule and the best candidate, and says why.
///
/// Outages are dealt into two halves of like weight (`EvidenceHalves`). Each half chooses a rule that the other half
/// prices, so that the gain that is tested was never chosen for: its 95 % interval over all outages must exclude zero,
/// or the present rule stays. The rule that is written is then chosen on all the evidence.
struct RuleChoice {
    var present: PlayedRule
    var chosen: PlayedRule
    var isChanged: Bool
    /// 95 % interval of chosen − present out of sample, microseconds a request.
    var confirmedGainUs: ClosedRange<Double>
    /// 95 % interval of chosen − present as the log's outages were, microseconds a request; 0 where nothing changes.
    var changeUs: ClosedRange<Double>
    var reason: String

    /// Fewer failures or failing units than this and nothing is changed: an interval from so few would not mean much.
    static let leastFailures = 30
    static let leastUnits = 8

    /// - Parameter isPresentUnsafe: whether the present rule makes load where the service is slow as a whole.
    init(search: RuleSearch, present rule: Rule, isPresentUnsafe: Bool = false) {
        let facts = search.facts
        present = search.play(rule)
        chosen = present
        isChanged = false
        confirmedGainUs = 0...0
        changeUs = 0...0
        reason = ""
        let failing = Self.failingUnits(facts)
        let failures = Int(facts.failed.reduce(0) { $0 + $1.weight })
        guard failures >= Self.leastFailures, failing.count >= Self.leastUnits else {
            reason =
                "kept: too little evidence to choose from (failures: \(failures), at least \(Self.leastFailures); "
                + "outages and quiet stretches with failures: \(failing.count), at least \(Self.leastUnits))"
            return
        }
        guard let finals = RuleFinals(search, present: present) else {
            reason = "kept: no rule stays within \(facts.objective.maxExtraAttempts) extra attempts per request"
            return
        }
        let best = finals.chosen
        confirmedGainUs = finals.confirmedGainUs
        let (bestUs, presentUs) = finals.costsUs
        let isNegligible = presentUs - bestUs <= RuleFinals.negligible * presentUs
        if isPresentUnsafe {
            chosen = best
            isChanged = true
            reason =
                "changed: attempts are slow on all hosts at once, and retries of timeouts are load that keeps them so; "
                + "no price shows that"
        } else if confirmedGainUs.upperBound < 0 && bestUs < presentUs && !isNegligible {
            chosen = best
            isChanged = true
            let share = Int(((1 - search.recordedCost(best) / search.recordedCost(present)) * 100).rounded())
            reason =
                share > 0
                ? "changed: costs \(share) % less, confirmed on outages it was not chosen on"
                : "changed: costs as much on the log's outages and less on longer ones, confirmed on outages it was not "
                    + "chosen on"
        } else if confirmedGainUs.lowerBound > 0 || bestUs >= presentUs {
            let extra = present.totals.extra.reduce(0, +) / facts.requestCount
            let allowed = facts.objective.maxExtraAttempts
            reason = "kept: every rule within the limits costs more"
            if extra > allowed {
                reason +=
                    " (this one makes \(Self.share(extra)) extra attempts per request, "
                    + "allowed are \(Self.share(allowed)))"
            }
        } else if confirmedGainUs.upperBound < 0 {
            reason = "kept: no rule costs as much as 1 % less"
        } else {
            reason = "kept: no rule is better beyond doubt (the 95 % interval of the best one's change includes zero)"
        }
        if isChanged { changeUs = finals.changeUs }
    }

    /// Two decimals, without Foundation.
    private static func share(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    private static func failingUnits(_ facts: RouteFacts) -> Set<Int> { Set(facts.failed.map(\.unit)) }
}
