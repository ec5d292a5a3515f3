import Retry

/// Knows the world: searches the tuner's family of rules on long traffic of its own, played through the machine.
///
/// Waits with a tenth of jitter, up to four retries, a per-try timeout, retries on this or another host, timeouts
/// retried or not, the objective's budget over ten seconds or five minutes, the deadline as the whole timeout, and no
/// more extra attempts than the objective allows; Retry-After heeded, and where the world's owner lets rules also
/// ignored. Coarse grid, then descent, all on the same days.
struct Oracle {
    let world: World
    let days: [Day]
    private var prices: [Rule: Double] = [:]
    private let outcomes: [RetryCondition]
    private let retryAfter: RetryAfterPolicy

    init(_ world: World, days: [Day], retryAfter: RetryAfterPolicy = .heed) {
        self.world = world
        self.retryAfter = retryAfter
        self.days = days
        let all: [Outcome] = [.connectFailure, .reset, .errorStatus, .rateLimited]
        outcomes = all.map(RetryCondition.outcome)
    }

    /// The best rules found, one a layer.
    static func search(_ world: World, days: [Day]) -> [Contestant] {
        var oracle = Oracle(world, days: days)
        var best = oracle.search()
        if world.mayIgnoreRetryAfter {
            var other = Oracle(world, days: days, retryAfter: .ignore)
            let sooner = other.search()
            if other.price(sooner, on: days) < oracle.price(best, on: days) { best = sooner }
        }
        if world.layers == 1 { return [oracle.contestant(best)] }
        return oracle.placed(best)
    }

    private func contestant(_ rule: Rule) -> Contestant { Contestant(name: "oracle", rule: rule) }

    private mutating func search() -> Rule {
        let quick = Array(days.prefix(max(1, days.count / 4)))
        let (bare, other) = (rule(waits: [], perTryUs: nil), [0, 1, 2, 3, 4])
        var starts =
            [bare]
            + other.dropFirst().compactMap { retries in
                best(of: schedules(retries).map { rule(waits: $0, perTryUs: nil) }, on: quick)
            }
        let limits = (1...8).map { Int64(Double(world.objective.deadlineUs) / exp2(Double($0))) }
        var shapes = starts.map(waits(of:))
        for plain in [[0], [0, 0]] as [[Int64]] where !shapes.contains(plain) { shapes.append(plain) }
        for shape in shapes {
            let limited = limits.map { rule(waits: shape, perTryUs: $0) }
            if let found = best(of: limited, on: quick) { starts.append(found) }
        }
        let ranked = starts.sorted { price($0, on: quick) < price($1, on: quick) }
        prices = [:]
        // A queue takes long to play: from fewer starts.
        let found = ranked.prefix(world.service == nil ? 8 : 2).map { descend(from: $0) } + [bare]
        return found.min { price($0, on: days) < price($1, on: days) } ?? bare
    }

    /// In a chain: the rule at one layer only, or at all.
    private mutating func placed(_ rule: Rule) -> [Contestant] {
        let bare = self.rule(waits: [], perTryUs: nil)
        var arrangements = (0..<world.layers).map { place in
            (0..<world.layers).map { contestant($0 == place ? rule : bare) }
        }
        arrangements.append(Array(repeating: contestant(rule), count: world.layers))
        let costs = arrangements.map { Contest.play(days, $0) }
        let place = costs.indices.min { cost(costs[$0]) < cost(costs[$1]) } ?? 0
        return arrangements[place]
    }

    private func exp2(_ power: Double) -> Double {
        var value = 1.0
        for _ in 0..<Int(power) { value *= 2 }
        return value
    }

    private func rule(waits: [Int64], perTryUs: Int64?, host: HostChoice = .other, windowUs: Int64 = 10_000_000) -> Rule
    {
        let on = outcomes + (perTryUs == nil ? [] : [.outcome(.timeout)])
        let retry = RetryPolicy(
            maxRetries: waits.count, on: on, host: host, retryAfter: retryAfter, backoff: .waits(waits, jitter: 0.1))
        let budget = BudgetPolicy(
            ratio: min(1, world.objective.maxExtraAttempts), minPerSecond: 3, windowUs: windowUs)
        return Rule(
            timeoutUs: world.objective.deadlineUs, perTryTimeoutUs: perTryUs, retry: waits.isEmpty ? nil : retry,
            budget: budget)
    }

    private func waits(of rule: Rule) -> [Int64] {
        guard let retry = rule.retry, case .waits(let list, _) = retry.backoff else { return [] }
        return list
    }

    private func schedules(_ retries: Int) -> [[Int64]] {
        var schedules: Set<[Int64]> = []
        let bases = [5000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000] as [Int64]
        // Where every rule must be played in full, the grid is coarser; the descent makes up for it.
        let step = world.hasFeedback ? 2 : 1
        for growth in [1, 2, 4] as [Int64] {
            for place in stride(from: 0, to: bases.count, by: step) {
                let base = bases[place]
                var wait = base
                var list: [Int64] = []
                for _ in 0..<retries {
                    list.append(wait)
                    wait *= growth
                }
                schedules.insert(list)
                schedules.insert([0] + list.dropLast())
            }
        }
        return schedules.filter { $0.reduce(0, +) < world.objective.deadlineUs }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    private mutating func best(of rules: [Rule], on days: [Day]) -> Rule? {
        let costs = rules.map { price($0, on: days) }
        guard let place = costs.indices.min(by: { costs[$0] < costs[$1] }) else { return nil }
        return rules[place]
    }

    private mutating func descend(from start: Rule) -> Rule {
        var best = start
        for factor in [2.0, 1.4, 1.18, 1.08] {
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                for rule in neighbours(of: best, factor: factor)
                where price(rule, on: days) < price(best, on: days) * 0.999 {
                    best = rule
                    hasMoved = true
                }
            }
        }
        return best
    }

    private func neighbours(of rule: Rule, factor: Double) -> [Rule] {
        let list = waits(of: rule)
        let host = rule.retry?.host ?? .other
        let windowUs = rule.budget?.windowUs ?? 10_000_000
        var found: [Rule] = []
        for index in list.indices {
            for us in [Double(max(2000, list[index])) * factor, Double(max(2000, list[index])) / factor, 0] {
                var moved = list
                moved[index] = Int64(us)
                guard moved != list, moved.reduce(0, +) < world.objective.deadlineUs else { continue }
                found.append(self.rule(waits: moved, perTryUs: rule.perTryTimeoutUs, host: host, windowUs: windowUs))
            }
        }
        if let perTryUs = rule.perTryTimeoutUs {
            for us in [Double(perTryUs) * factor, Double(perTryUs) / factor]
            where us < Double(world.objective.deadlineUs) {
                found.append(self.rule(waits: list, perTryUs: Int64(us), host: host, windowUs: windowUs))
            }
        }
        if list.isEmpty { return found }
        for other in [HostChoice.other, .any] where other != host && world.hosts > 1 {
            found.append(self.rule(waits: list, perTryUs: rule.perTryTimeoutUs, host: other, windowUs: windowUs))
        }
        let otherWindowUs: Int64 = windowUs == 10_000_000 ? 300_000_000 : 10_000_000
        found.append(self.rule(waits: list, perTryUs: rule.perTryTimeoutUs, host: host, windowUs: otherWindowUs))
        return found
    }

    /// Seconds a request; infinite beyond the allowed load.
    private mutating func price(_ rule: Rule, on days: [Day]) -> Double {
        if let known = prices[rule] { return known }
        let found = cost(Contest.play(days, Array(repeating: contestant(rule), count: world.layers)))
        prices[rule] = found
        return found
    }

    private func cost(_ findings: Findings) -> Double {
        findings.extraAttempts <= world.objective.maxExtraAttempts ? findings.cost : .infinity
    }
}
