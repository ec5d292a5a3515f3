import Retry

/// The rules worth pricing on a route: everything but the waits follows from the objective and the evidence.
struct CandidateRules {
    /// What all candidates share: limits, what is retried and where.
    var frame: Rule
    /// Budgets to try, the first with every schedule.
    var budgets: [BudgetPolicy]
    /// At most this many retries.
    var maxRetries: Int
    /// Per-try timeouts to try, the first with every schedule; `nil` stands for none.
    var perTryTimeoutsUs: [Int64?]
    /// What retries may do with Retry-After: every schedule is tried with each, no retry with none.
    var retryAfters: [RetryAfterPolicy] = [.heed]
    /// Whether what a per-try timeout cuts off is sent again; if not, it only fails sooner.
    var areTimeoutsRetried = true
    /// Whether retries of slow attempts were shown to be fast; if not, no limit is tried but those given.
    var areSlowRetriesFast = true
    /// No shorter per-try timeout is tried.
    var shortestLimitUs: Int64 = 1
    /// All waits of a request together stay below this, so that the last retry still fits in the deadline.
    var waitsBelowUs: Int64
    /// No wait is shorter: what was never tried so soon cannot be priced.
    var waitsFromUs: Int64 = 0

    /// Waits are spread by a tenth, so that requests that failed together do not return together.
    static let jitter = 0.1

    /// A coarse, even covering of schedules under the first per-try timeout and the first budget: first waits in
    /// octaves, then constant, doubling or quadrupling.
    func grid() -> [Rule] {
        var schedules: Set<[Int64]> = []
        var bases: [Int64] = [5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000]
        // Where the deadline is minutes or hours away, waits may be too.
        while waitsBelowUs > 60_000_000, let last = bases.last, last * 4 < waitsBelowUs { bases.append(last * 4) }
        if waitsFromUs > 0 { bases = [waitsFromUs] + bases.filter { $0 > waitsFromUs } }
        for retries in 1...max(1, maxRetries) where maxRetries > 0 {
            for growth in [1, 2, 4] as [Int64] {
                for base in bases {
                    schedules.insert(geometric(base, growth, retries))
                    schedules.insert([0] + geometric(base, growth, retries - 1))
                }
            }
        }
        let fitting = schedules.filter { !$0.isEmpty && isAllowed($0) }
        let ordered = fitting.sorted { $0.count != $1.count ? $0.count < $1.count : $0.lexicographicallyPrecedes($1) }
        let (perTryUs, budget) = (perTryTimeoutsUs.first ?? nil, budgets.first)
        return ([[]] + ordered).flatMap { rules(waits: $0, perTryUs: perTryUs, budget: budget) }
    }

    private func isAllowed(_ waits: [Int64]) -> Bool {
        waits.allSatisfy { $0 >= waitsFromUs } && waits.reduce(0, +) < waitsBelowUs
    }

    /// The frame with these waits, once for everything that retries may do with Retry-After.
    private func rules(waits: [Int64], perTryUs: Int64?, budget: BudgetPolicy?) -> [Rule] {
        retryAfters.prefix(waits.isEmpty ? 1 : retryAfters.count).map {
            rule(waits: waits, retryAfter: $0, perTryUs: perTryUs, budget: budget)
        }
    }

    /// The frame with these waits; no waits, no retries.
    private func rule(
        waits: [Int64], retryAfter: RetryAfterPolicy, perTryUs: Int64?, budget: BudgetPolicy?
    ) -> Rule {
        var rule = frame
        rule.perTryTimeoutUs = perTryUs
        rule.budget = budget
        if waits.isEmpty {
            rule.retry = nil
        } else {
            rule.retry?.maxRetries = waits.count
            rule.retry?.retryAfter = retryAfter
            rule.retry?.backoff = .waits(waits, jitter: Self.jitter)
            if perTryUs != nil && areTimeoutsRetried { rule.retry?.on.append(.outcome(.timeout)) }
        }
        return rule
    }

    /// Rules one step away: one wait longer, shorter or none, or another per-try timeout. The number of retries stays,
    /// and what they do with Retry-After.
    func neighbours(of rule: Rule, stepping factors: [Double]) -> [Rule] {
        let waits = Self.waits(of: rule)
        let retryAfter = rule.retry?.retryAfter ?? .heed
        func near(_ waits: [Int64], _ perTryUs: Int64?) -> Rule {
            self.rule(waits: waits, retryAfter: retryAfter, perTryUs: perTryUs, budget: rule.budget)
        }
        var schedules: Set<[Int64]> = []
        for index in waits.indices {
            var moved = waits
            for factor in factors {
                moved[index] = Self.rounded(max(2000, Double(waits[index])) * factor)
                schedules.insert(moved)
            }
            moved[index] = 0
            schedules.insert(moved)
        }
        schedules.remove(waits)
        return schedules.filter(isAllowed).sorted { $0.lexicographicallyPrecedes($1) }
            .map { near($0, rule.perTryTimeoutUs) } + limits(near: rule, factors).map { near(waits, $0) }
    }

    /// Only where a choice of limits was given, and the log speaks for it, does another one come into question.
    var areLimitsSearched: Bool { areSlowRetriesFast && areTimeoutsRetried && perTryTimeoutsUs.count > 1 }

    private func limits(near rule: Rule, _ factors: [Double]) -> [Int64] {
        guard let limitUs = rule.perTryTimeoutUs, areLimitsSearched else { return [] }
        return factors.map { Self.rounded(Double(limitUs) * $0) }.filter {
            $0 != limitUs && $0 >= shortestLimitUs && $0 < (frame.timeoutUs ?? .max)
        }
    }

    /// These rules, and as many retries at once, under every other per-try timeout and budget.
    func varied(_ rules: [Rule]) -> [Rule] {
        var schedules: Set<[Int64]> = []
        for waits in rules.map(Self.waits(of:)) {
            schedules.insert(waits)
            schedules.insert(Array(repeating: 0, count: waits.count))
        }
        let ordered = schedules.filter { $0.isEmpty || isAllowed($0) }.sorted {
            $0.count != $1.count ? $0.count < $1.count : $0.lexicographicallyPrecedes($1)
        }
        var rules: [Rule] = []
        for (place, budget) in budgets.enumerated() {
            for perTryUs in place == 0 ? perTryTimeoutsUs.dropFirst() : perTryTimeoutsUs[...] {
                // Without a retry a limit on each try only fails sooner.
                let isIdle = perTryUs != nil && areTimeoutsRetried
                rules += ordered.filter { !$0.isEmpty || !isIdle }.flatMap {
                    self.rules(waits: $0, perTryUs: perTryUs, budget: budget)
                }
            }
        }
        return rules
    }

    /// A rule's waits, one for each retry.
    static func waits(of rule: Rule) -> [Int64] {
        guard let retry = rule.retry, case .waits(let list, _) = retry.backoff else { return [] }
        return (0..<retry.maxRetries).map { list[min($0, list.count - 1)] }
    }

    /// Two significant digits: nobody reads more, and the price is taken after rounding.
    static func rounded(_ us: Double) -> Int64 {
        if us < 500 { return 0 }
        var scale = 1000.0
        while us / scale >= 100 { scale *= 10 }
        return Int64((us / scale).rounded() * scale)
    }

    /// The same, never less.
    static func roundedUp(_ us: Double) -> Int64 {
        let near = rounded(us)
        return Double(near) >= us ? near : rounded(us * 1.05)
    }

    private func geometric(_ base: Int64, _ growth: Int64, _ count: Int) -> [Int64] {
        var wait = base
        return (0..<max(0, count)).map { _ in
            defer { wait = min(wait * growth, max(60_000_000, waitsBelowUs)) }
            return wait
        }
    }
}
