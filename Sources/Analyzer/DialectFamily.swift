import Retry

/// The retry rules that one dialect can say, on one route: everything but the shape of the waits, the number of retries
/// and the per-try timeout follows from the objective and the evidence, as in `CandidateRules`. What is done with
/// Retry-After is one for the whole family.
struct DialectFamily {
    /// One rule of the family by its numbers. Numbers that make no difference have one value, so that equal rules are
    /// equal shapes.
    struct Shape: Hashable {
        var retries: Int
        var baseUs: Int64 = 0
        var maxUs: Int64 = 0
        var growth = 1.0
        var perTryUs: Int64?
    }

    let dialect: Dialect
    /// What all rules share: no budget, for no other proxy counts one by route.
    private(set) var frame: Rule
    /// At most so many retries.
    private(set) var maxRetries: Int
    private let perTryTimeoutsUs: [Int64?]
    private let areLimitsSearched: Bool
    private let shortestLimitUs: Int64
    /// All waits of a request together at their longest stay below.
    private let waitsBelowUs: Double
    private let waitsFromUs: Int64

    /// gRPC spreads waits by a fifth either way (gRFC A6 since 2024).
    static let grpcJitter = 0.2
    /// Istio sets no maximum, and Envoy's is then ten times the base.
    static let istioReach: Int64 = 10
    /// No dialect waits less than this, be it told to.
    private static let leastWaitUs: Int64 = 1000
    private static let growths = [1, 1.5, 2, 3, 4]

    /// - Parameters:
    ///   - candidates: what the search for explicit waits respects on this route.
    ///   - failures: what the conditions must name.
    ///   - retryAfter: what all retries do with Retry-After, as far as the dialect can.
    init(
        _ dialect: Dialect, within candidates: CandidateRules, failures: FailureKinds,
        retryAfter: RetryAfterPolicy = .heed
    ) {
        self.dialect = dialect
        let on = dialect.conditions(failures)
        frame = candidates.frame
        frame.budget = nil
        frame.hedge = nil
        frame.ejectionUs = nil
        frame.retry?.on = on
        frame.retry?.host = candidates.frame.retry?.host == .other ? dialect.host : .any
        frame.retry?.retryAfter = dialect.retryAfters(of: [retryAfter])[0]
        waitsFromUs = candidates.waitsFromUs
        // Waits that begin at 0 cannot keep a distance.
        let isUnable = on.isEmpty || waitsFromUs > 0 && dialect != .grpc
        maxRetries = isUnable ? 0 : min(candidates.maxRetries, dialect.mostRetries)
        // What these proxies cut off they also send again.
        let mayLimit = dialect.hasPerTryTimeout && candidates.areTimeoutsRetried && failures.isIdempotent
        perTryTimeoutsUs = mayLimit ? [nil] + candidates.perTryTimeoutsUs.filter { $0 != nil } : [nil]
        areLimitsSearched = mayLimit && candidates.areLimitsSearched
        shortestLimitUs = candidates.shortestLimitUs
        waitsBelowUs = Double(candidates.waitsBelowUs) * (1 + CandidateRules.jitter)
    }

    /// One family for everything that the dialect may do with Retry-After here, the one that heeds it first.
    static func families(
        _ dialect: Dialect, within candidates: CandidateRules, failures: FailureKinds
    ) -> [DialectFamily] {
        dialect.retryAfters(of: candidates.retryAfters).map {
            DialectFamily(dialect, within: candidates, failures: failures, retryAfter: $0)
        }
    }

    /// The rule of a shape.
    func rule(_ shape: Shape) -> Rule {
        var rule = frame
        if shape.retries == 0 {
            rule.retry = nil
            return rule
        }
        rule.perTryTimeoutUs = shape.perTryUs
        if shape.perTryUs != nil { rule.retry?.on.append(.outcome(.timeout)) }
        rule.retry?.maxRetries = shape.retries
        switch dialect {
        case .envoy, .istio:
            rule.retry?.backoff = .exponential(
                baseUs: shape.baseUs, maxUs: shape.maxUs, multiplier: 2, jitter: .full)
        case .grpc, .meantime:
            rule.retry?.backoff = .waits(waits(of: shape), jitter: Self.grpcJitter)
        case .linkerd:
            rule.retry?.backoff = .waits([0], jitter: 0)
        }
        return rule
    }

    /// min(base × growth^(n−1), max): with at most four retries a list says all of them.
    private func waits(of shape: Shape) -> [Int64] {
        var wait = Double(shape.baseUs)
        return (0..<shape.retries).map { _ in
            defer { wait *= shape.growth }
            return Int64(min(wait, Double(shape.maxUs)).rounded())
        }
    }

    /// Shapes that cover the family coarsely, without a per-try timeout.
    func grid() -> [Shape] {
        // Half octaves, and octaves where the deadline is minutes or hours away.
        var bases: [Int64] = [Self.leastWaitUs, 5000, 7000]
        while bases[bases.count - 1] < 900_000 { bases.append(bases[bases.count - 2] * 2) }
        while let last = bases.last, last * 2 < Int64(waitsBelowUs) { bases.append(last * 2) }
        if waitsFromUs > 0 {
            let leastUs = Int64((Double(waitsFromUs) / (1 - Self.grpcJitter)).rounded(.up))
            bases = [leastUs] + bases.filter { $0 > leastUs }
        }
        var shapes = [Shape(retries: 0)]
        for retries in 1...max(1, maxRetries) where maxRetries > 0 {
            for base in bases {
                for growth in dialect == .grpc ? Self.growths : [2] {
                    for reach in [1, 2, 4, 8] as [Int64] {
                        shapes.append(
                            Shape(retries: retries, baseUs: base, maxUs: base * reach, growth: growth))
                    }
                }
            }
        }
        return allowed(shapes)
    }

    /// These shapes, and as many retries as soon as can be, under every other per-try timeout.
    func limited(_ shapes: [Shape]) -> [Shape] {
        var found: [Shape] = []
        for limit in perTryTimeoutsUs where limit != nil {
            for shape in shapes where shape.retries > 0 {
                var other = shape
                other.perTryUs = limit
                found.append(other)
                (other.baseUs, other.maxUs) = (Self.leastWaitUs, Self.leastWaitUs)
                found.append(other)
            }
        }
        return allowed(found)
    }

    /// Shapes with one number changed.
    func neighbours(of shape: Shape, stepping factors: [Double]) -> [Shape] {
        if shape.retries == 0 { return [] }
        var found: [Shape] = []
        for factor in factors {
            var near = shape
            near.baseUs = Self.scaled(shape.baseUs, factor)
            found.append(near)
            near.maxUs = Self.scaled(shape.maxUs, factor)
            found.append(near)
            near.baseUs = shape.baseUs
            found.append(near)
            if let limitUs = shape.perTryUs, areLimitsSearched {
                near = shape
                near.perTryUs = CandidateRules.rounded(Double(limitUs) * factor)
                found.append(near)
            }
        }
        if dialect == .grpc {
            for growth in Self.growths {
                var near = shape
                near.growth = growth
                // A greater growth shows only where the maximum lets it.
                found.append(near)
                near.maxUs = .max
                found.append(near)
            }
        }
        return allowed(found).filter { $0 != shape }
    }

    private static func scaled(_ us: Int64, _ factor: Double) -> Int64 {
        CandidateRules.rounded(min(Double(us), 1e15) * factor)
    }

    /// Those that keep the limits, each once.
    private func allowed(_ shapes: [Shape]) -> [Shape] {
        var known: Set<Shape> = []
        return shapes.map(canonical).filter { isAllowed($0) && known.insert($0).inserted }
    }

    private func canonical(_ shape: Shape) -> Shape {
        if shape.retries == 0 { return Shape(retries: 0) }
        var same = shape
        same.baseUs = max(Self.leastWaitUs, shape.baseUs)
        switch dialect {
        case .linkerd: (same.baseUs, same.maxUs, same.growth) = (0, 0, 1)
        case .istio: (same.maxUs, same.growth) = (Self.istioReach * same.baseUs, 2)
        case .envoy, .grpc, .meantime:
            if dialect == .envoy { same.growth = 2 }
            if shape.retries == 1 && dialect == .grpc { same.growth = 1 }
            var last = Double(same.baseUs)
            for _ in 1..<shape.retries { last *= same.growth }
            same.maxUs = Int64(min(Double(max(same.baseUs, shape.maxUs)), min(last, 1e15)))
            if same.maxUs == same.baseUs && dialect == .grpc { same.growth = 1 }
        }
        return same
    }

    private func isAllowed(_ shape: Shape) -> Bool {
        if shape.retries > maxRetries { return false }
        if let limitUs = shape.perTryUs, !perTryTimeoutsUs.contains(limitUs) {
            guard limitUs >= shortestLimitUs, limitUs < frame.timeoutUs ?? .max else { return false }
        }
        guard let backoff = rule(shape).retry?.backoff else { return true }
        let longest = (1...shape.retries).reduce(0.0) { $0 + Double(backoff.longestWaitUs(retry: $1)) }
        let soonest = Double(shape.baseUs) * (1 - Self.grpcJitter)
        return longest < max(1, waitsBelowUs) && (waitsFromUs == 0 || soonest >= Double(waitsFromUs))
    }
}

/// Finds the cheapest rule of a dialect on a route's recorded failures: a grid, then descent on one number at a time,
/// by the same player as the search for explicit waits.
struct DialectSearch {
    private let facts: RouteFacts
    private var player: RulePlayer
    private let outlook: OutageOutlook?
    private var known: [Rule: PlayedRule] = [:]

    /// - Parameter seed: of the days to come; `nil`: rules are judged by the log's own outages.
    init(_ facts: RouteFacts, seed: UInt64?) {
        self.facts = facts
        let outlook = seed.flatMap { OutageOutlook(facts, seed: $0) }
        player = RulePlayer(facts, at: outlook == nil ? .usual : OutageOutlook.played)
        self.outlook = outlook
    }

    /// The cheapest of all families' best; of those as cheap to 0.2 %, that of the first.
    mutating func best(of families: [DialectFamily]) -> PlayedRule? {
        var best: PlayedRule?
        for family in families {
            guard let found = self.best(of: family) else { continue }
            if let best, cost(best) <= cost(found) * (1 + RuleFinals.unseen) { continue }
            best = found
        }
        return best
    }

    /// The cheapest within the load limit; of those as cheap to 0.2 %, the one with the fewest retries.
    mutating func best(of family: DialectFamily) -> PlayedRule? {
        let grid = family.grid()
        let starts = cheapest(Self.starts, of: grid, family)
        let limited = cheapest(Self.starts, of: family.limited(cheapest(1, of: starts, family)), family)
        let ends = (starts + limited).map { descend(from: $0, family) }
        let finalists = cheapest(1, of: ends, family)
        let priced = play(finalists, family)
        guard let least = priced.map(cost).min() else { return nil }
        return priced.first { cost($0) <= least * (1 + RuleFinals.unseen) }
    }

    /// The least that one retry adds to the attempts of a request, whatever the wait; `nil` where there can be none.
    mutating func leastExtra(of family: DialectFamily) -> Double? {
        let single = family.grid().filter { $0.retries == 1 }
        return play(single, family).map { $0.totals.extra.reduce(0, +) / max(1, facts.requestCount) }.min()
    }

    /// Mean cost of a request on the days to come, microseconds.
    func cost(_ played: PlayedRule) -> Double {
        played.foreseenUs.reduce(0, +) / max(1, (outlook?.requests ?? facts.requests).reduce(0, +))
    }

    private func isWithinLoad(_ played: PlayedRule) -> Bool {
        played.totals.extra.reduce(0, +) <= facts.objective.maxExtraAttempts * facts.requestCount
    }

    private mutating func play(_ shapes: [DialectFamily.Shape], _ family: DialectFamily) -> [PlayedRule] {
        play(shapes.map(family.rule))
    }

    /// What rules cost.
    mutating func play(_ rules: [Rule]) -> [PlayedRule] {
        var fresh: [Rule] = []
        for rule in rules where known[rule] == nil && !fresh.contains(rule) { fresh.append(rule) }
        var played = player.play(fresh)
        outlook?.foresee(&played)
        for one in played { known[one.rule] = one }
        return rules.compactMap { known[$0] }
    }

    /// So many places of the grid descent begins at, for each number of retries: jitter makes hollows of its own.
    private static let starts = 6

    /// The cheapest of each number of retries that keep the load limit, the fewest retries first.
    private mutating func cheapest(
        _ count: Int, of shapes: [DialectFamily.Shape], _ family: DialectFamily
    ) -> [DialectFamily.Shape] {
        var allowed: [Int: [(shape: DialectFamily.Shape, cost: Double)]] = [:]
        for (shape, played) in zip(shapes, play(shapes, family)) where isWithinLoad(played) {
            allowed[shape.retries, default: []].append((shape, cost(played)))
        }
        return allowed.sorted { $0.key < $1.key }.flatMap { _, list in
            list.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
                .prefix(count).map(\.element.shape)
        }
    }

    private mutating func descend(
        from start: DialectFamily.Shape, _ family: DialectFamily
    ) -> DialectFamily.Shape {
        var best = start
        var least = play([start], family).first.map(cost) ?? .infinity
        for factors in [[0.5, 2], [0.7, 1.4], [0.85, 1.18], [0.94, 1.06]] {
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                let near = family.neighbours(of: best, stepping: factors)
                for (shape, played) in zip(near, play(near, family)) {
                    guard cost(played) < least * 0.999, isWithinLoad(played) else { continue }
                    (best, least, hasMoved) = (shape, cost(played), true)
                }
            }
        }
        return best
    }
}
