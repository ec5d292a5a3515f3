import Retry

/// What people asked for on a route, with every gap filled and named.
struct RouteSetting {
    let objective: Objective
    let bounds: Bounds
    /// `nil`: by the request's method.
    let isIdempotent: Bool?
    let present: PresentRule
    /// Rules that somebody asks about, besides those that are searched.
    let asked: [Rule]
    let isDeadlineGiven: Bool
    private(set) var assumptions: [String] = []

    init(
        route: String, configuration: Configuration?, present set: RuleSet?, columns: AttemptColumns,
        asked: [Rule] = []
    ) {
        self.asked = asked
        let named = configuration?.route(named: route)
        objective = configuration?.objective(for: route) ?? Objective()
        bounds = named?.bounds ?? Bounds()
        isIdempotent = named?.idempotent
        isDeadlineGiven = named?.isDeadlineGiven ?? configuration?.isDeadlineGiven ?? false
        present = set?.rule(for: route).map(PresentRule.init(given:)) ?? PresentRule(inferredFrom: columns)
        if configuration == nil {
            assumptions.append(
                "default objective: deadline \(DurationText.format(objective.deadlineUs)), a failure costs "
                    + "\(DurationText.format(objective.failureCostUs)), an extra attempt "
                    + "\(DurationText.format(objective.attemptCostUs)), at most "
                    + "\(objective.maxExtraAttempts) extra attempts per request")
        }
        if configuration != nil && !isDeadlineGiven {
            assumptions.append(
                "no deadline was given: \(DurationText.format(objective.deadlineUs)) is taken for pricing, and no timeout "
                    + "is shortened to it")
        }
        if !present.assumption.isEmpty { assumptions.append(present.assumption) }
    }

    /// The family of rules that respects objective, bounds and evidence.
    func candidates(for evidence: RouteEvidence) -> CandidateRules {
        let timeoutUs = self.timeoutUs(for: evidence)
        var on: [RetryCondition] = [.outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus)]
        if evidence.seen.contains(.rateLimited) { on.append(.outcome(.rateLimited)) }
        // What this search does not choose stays as it is.
        let frame = Rule(
            timeoutUs: timeoutUs,
            retry: RetryPolicy(
                maxRetries: bounds.maxRetries, on: on, host: evidence.facts.hostCount > 1 ? .other : .any,
                backoff: .waits([0], jitter: CandidateRules.jitter)),
            hedge: evidence.origin.isCommon ? nil : present.rule.hedge, ejectionUs: present.rule.ejectionUs)
        return CandidateRules(
            frame: frame, budgets: windowsUs(for: evidence).map(budget), maxRetries: bounds.maxRetries,
            perTryTimeoutsUs: perTryTimeouts(for: evidence, timeoutUs),
            retryAfters: bounds.mayIgnoreRetryAfter && evidence.facts.isRetryAfterSeen ? [.heed, .ignore] : [.heed],
            areTimeoutsRetried: evidence.areSlowRetriesFast || areTimeoutsRetried,
            areSlowRetriesFast: evidence.areSlowRetriesFast,
            shortestLimitUs: shortestLimitUs(evidence), waitsBelowUs: waitsBelowUs(evidence, timeoutUs: timeoutUs),
            waitsFromUs: evidence.waitsFromUs)
    }

    /// Waits at their longest, the failure before them and a usual answer after them fit in the deadline.
    private func waitsBelowUs(_ evidence: RouteEvidence, timeoutUs: Int64) -> Int64 {
        let answerUs = evidence.latencyQuantileUs(0.9).map { Int64($0) } ?? 0
        let leftUs = min(timeoutUs, objective.deadlineUs) - answerUs - evidence.facts.failureUs
        return Int64(Double(max(0, leftUs)) / (1 + CandidateRules.jitter))
    }

    /// A long window lets an outage use what quiet minutes left over, also one that is longer than those in the log; a
    /// short one bounds a burst more tightly, which is what counts where load may be the cause.
    private func windowsUs(for evidence: RouteEvidence) -> [Int64] {
        evidence.origin.isCommon ? [10_000_000] : [300_000_000, 10_000_000]
    }

    /// A cap at the objective's own limit.
    func budget(windowUs: Int64) -> BudgetPolicy {
        BudgetPolicy(ratio: min(1, objective.maxExtraAttempts), minPerSecond: 3, windowUs: windowUs)
    }

    /// The whole request's limit: the client's own deadline where it was given; else nothing is cut that the log shows
    /// answered.
    private func timeoutUs(for evidence: RouteEvidence) -> Int64 {
        if isDeadlineGiven { return objective.deadlineUs }
        let longest = CandidateRules.rounded(Double(evidence.longestSuccessUs) * 1.1)
        return max(objective.deadlineUs, present.rule.timeoutUs ?? 0, longest)
    }

    /// None at all; and where retries of slow attempts were shown to be fast, limits from the longest usual answer on,
    /// which pricing then judges attempt by attempt. A limit whose timeouts are not retried gains nothing but an
    /// earlier failure: it is kept only where it is retried now and the log speaks neither for that nor against it.
    private func perTryTimeouts(for evidence: RouteEvidence, _ timeoutUs: Int64) -> [Int64?] {
        let present = self.present.rule.perTryTimeoutUs.flatMap { $0 < timeoutUs ? $0 : nil }
        var choices: [Int64?] = [nil]
        if let present, !isUnsafe(evidence) { choices.append(present) }
        if evidence.areSlowRetriesFast {
            choices += [0.9, 0.95, 0.99, 0.999].map { share in
                evidence.latencyQuantileUs(share).map { CandidateRules.rounded($0 * 1.2) }
            }
            choices.append(CandidateRules.roundedUp(Double(evidence.longestOwnUs)))
            var limitUs = Double(shortestLimitUs(evidence))
            while limitUs < Double(min(timeoutUs, objective.deadlineUs)) {
                choices.append(CandidateRules.rounded(limitUs))
                limitUs *= 1.5
            }
        }
        var unique: [Int64?] = []
        for choice in choices where !unique.contains(choice) {
            if let us = choice, us != present {
                guard us >= shortestLimitUs(evidence), us < timeoutUs, bounds.perTryTimeoutUs?.contains(us) ?? true
                else { continue }
            }
            unique.append(choice)
        }
        return unique
    }

    /// Nothing is known of retries of attempts that were not slow.
    private func shortestLimitUs(_ evidence: RouteEvidence) -> Int64 {
        max(evidence.origin.thresholdUs, bounds.perTryTimeoutUs?.lowerBound ?? 1)
    }

    /// Whether the present rule retries or hedges what is slow although all hosts are slow at once: in an overload that
    /// is the load that keeps it going.
    func isUnsafe(_ evidence: RouteEvidence) -> Bool {
        evidence.origin.isCommon && (areTimeoutsRetried || present.rule.hedge != nil)
    }

    /// Where a rule comes back sooner than a server asked: the one that was chosen, or no other than the present one.
    func disregard(by choice: RuleChoice, of facts: RouteFacts) -> [String] {
        if choice.isChanged, choice.chosen.rule.retry?.retryAfter == .ignore {
            return [
                "this rule comes back sooner than the server's Retry-After asks, as bounds.may_ignore_retry_after allows"
            ]
        }
        guard present.rule.retry?.retryAfter == .ignore, !bounds.mayIgnoreRetryAfter, facts.isRetryAfterSeen else {
            return []
        }
        return [
            "the present rule comes back sooner than the server's Retry-After asks: no other may, unless "
                + "bounds.may_ignore_retry_after is true"
        ]
    }

    /// Whether the present rule sends again what its per-try timeout cuts off.
    private var areTimeoutsRetried: Bool {
        guard present.rule.perTryTimeoutUs != nil, let retry = present.rule.retry else { return false }
        return retry.maxRetries > 0 && retry.on.contains(.outcome(.timeout))
    }
}
