import Retry

/// What rules cost on the days to come, in the mean: the outages of the log, some of them shorter or longer.
///
/// A rule that is fitted to the outages of one log ends its retries just after the longest of them; the next day holds
/// a longer one. So rules are chosen by their mean cost over many drawn days (`OutageBootstrap`). That is linear in
/// what each unit costs at each of a few lengths, so the draws become weights once, and a rule is then played only at
/// those lengths. methods: choice
struct OutageOutlook {
    /// The lengths at which outages are played. Beyond four times as long hardly any two rules differ: both fail.
    static let stretches = Stretches([0.5, 1, 2, 4])
    /// The same, for a `RulePlayer`.
    static let played = PlayedStretches(SIMD4(stretches.factors))
    private static let days = 200

    /// Requests by unit, as often as they come in the mean.
    let requests: [Double]
    private let outages: [Int]
    /// By outage, for each stretch.
    private let weights: [SIMD4<Double>]

    /// `nil` where too few outages were seen.
    init?(_ facts: RouteFacts, seed: UInt64) {
        guard let outages = OutageBootstrap.outages(of: facts) else { return nil }
        let lengths = OutageLengths(outages.map { facts.outageUs[$0] })
        let days = OutageBootstrap.days(of: outages, facts)
        let factors = Self.stretches.factors
        var weights = Array(repeating: SIMD4<Double>.zero, count: outages.count)
        var generator = SplitMix64(seed: seed, "outlook")
        for _ in 0..<Self.days {
            for (place, drawn) in OutageBootstrap.drawFactors(lengths, days, &generator).enumerated() {
                let factor = min(max(drawn, factors[0]), factors[factors.count - 1])
                let between = Self.stretches.between(factor)
                let weight = factor / Double(Self.days)
                weights[place][between.below] += weight * (1 - between.share)
                weights[place][between.below + 1] += weight * between.share
            }
        }
        var requests = facts.requests
        for (place, unit) in outages.enumerated() { requests[unit] *= weights[place].sum() }
        self.requests = requests
        self.outages = outages
        self.weights = weights
    }

    /// Adds what rules cost on the days to come, if they were played at these stretches.
    func foresee(_ rules: inout [PlayedRule]) {
        let zero = SIMD4<Double>.zero
        for place in rules.indices {
            var costs = rules[place].totals.costUs
            for (outage, unit) in outages.enumerated() {
                let stretched = rules[place].stretchedUs[unit]
                let changed = stretched - stretched[Self.stretches.usual] + costs[unit]
                costs[unit] = (weights[outage] * changed.replacing(with: zero, where: changed .< zero)).sum()
            }
            rules[place].outlookUs = costs
        }
    }
}

extension PlayedRule {
    /// Cost of the unit's requests on the days to come, or else in the log, microseconds.
    var foreseenUs: [Double] { outlookUs ?? totals.costUs }
}
