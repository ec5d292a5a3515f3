import Retry

/// What must hold, and whether it does.
struct Verdict {
    var what: String
    var must: String
    var found: String
    var holds: Bool
}

struct Verdicts {
    let contests: [Contest]

    var all: [Verdict] {
        [mean, worst, bestDefault, calibration, nothingToGain, bigRequests, overload].compactMap { $0 }
    }

    private var mean: Verdict {
        let mean = contests.reduce(0) { $0 + $1.regret } / Double(max(1, contests.count))
        return Verdict(
            what: "cost of the tuned rule, mean over all worlds", must: "≤ 1.03 × oracle",
            found: "\(Text.ratio(mean)) ×", holds: mean <= 1.03)
    }

    private var worst: Verdict? {
        guard let worst = contests.max(by: { $0.regret < $1.regret }) else { return nil }
        let within = contests.count { $0.regret <= 1.1 }
        return Verdict(
            what: "the same, worst world", must: "≤ 1.10 × oracle",
            found: "\(Text.ratio(worst.regret)) × (\(worst.world.name)); within 1.10 in \(within) of \(contests.count)",
            holds: worst.regret <= 1.1)
    }

    private var bestDefault: Verdict? {
        func ratio(_ contest: Contest) -> Double { contest.tunedCost / contest.bestDefault.findings.cost }
        guard let worst = contests.max(by: { ratio($0) < ratio($1) }) else { return nil }
        let within = contests.count { ratio($0) <= 1.01 }
        return Verdict(
            what: "against the best default of each world", must: "≤ 1.01 ×",
            found: "\(Text.ratio(ratio(worst))) × (\(worst.world.name), \(worst.bestDefault.name)); "
                + "within 1.01 in \(within) of \(contests.count)",
            holds: ratio(worst) <= 1.01)
    }

    var calibration: Verdict? {
        let all = contests.map(\.coverage).reduce((0, 0)) { ($0.0 + $1.inside, $0.1 + $1.of) }
        guard all.1 > 0 else { return nil }
        let share = Double(all.0) / Double(all.1)
        let low = contests.filter { $0.coverage.of > 0 && Double($0.coverage.inside) < 0.8 * Double($0.coverage.of) }
        let names = low.map { "\($0.world.name) \($0.coverage.inside)/\($0.coverage.of)" }.joined(separator: ", ")
        return Verdict(
            what: "realised cost inside the predicted 95 % interval", must: "≥ 93 % of (world, seed) pairs",
            found: "\(Text.percent(share, 1)) of \(all.1)" + (names.isEmpty ? "" : "; worst: \(names)"),
            holds: share >= 0.93)
    }

    /// Where the present rule costs no more than a hundredth beyond the oracle's.
    private var nothingToGain: Verdict? {
        let content = contests.filter { $0.present.findings.cost <= 1.01 * $0.oracle.findings.cost }
        let seeds = content.reduce(0) { $0 + $1.tuned.count }
        guard seeds > 0 else { return nil }
        let changed = content.reduce(0) { $0 + $1.tuned.count(where: \.isChanged) }
        return Verdict(
            what: "nothing to gain (\(content.map(\.world.name).joined(separator: ", "))): the rule is changed",
            must: "in ≤ 5 % of seeds", found: "in \(changed) of \(seeds)",
            holds: Double(changed) <= 0.05 * Double(seeds))
    }

    /// Where requests are slow because they are big.
    private var bigRequests: Verdict? {
        let big = contests.filter { $0.world.latency.bigShare > 0 || $0.world.latency.requestSpread > 0 }
        guard !big.isEmpty else { return nil }
        let shortened = big.flatMap { contest in
            contest.tuned.filter { tuned in tuned.rules.contains { Self.isShortened($0.rule, contest) } }
        }
        return Verdict(
            what: "big requests (\(big.map(\.world.name).joined(separator: ", "))): a timeout is shortened",
            must: "never", found: "in \(shortened.count) of \(big.reduce(0) { $0 + $1.tuned.count })",
            holds: shortened.isEmpty)
    }

    /// A whole timeout at the client's own deadline takes nothing away that the client would have waited for.
    private static func isShortened(_ rule: Rule, _ contest: Contest) -> Bool {
        let present = contest.presentRule
        let perTryUs = rule.perTryTimeoutUs ?? .max
        if perTryUs < min(present.perTryTimeoutUs ?? .max, contest.world.objective.deadlineUs) { return true }
        return rule.timeoutUs ?? .max < min(present.timeoutUs ?? .max, contest.world.objective.deadlineUs)
    }

    private var overload: Verdict? {
        let loaded = contests.filter { $0.calmRecoverySeconds != nil }
        guard !loaded.isEmpty else { return nil }
        var worst = 0.0
        var told: [String] = []
        for contest in loaded {
            let calm = contest.calmRecoverySeconds ?? 0
            let recovery = contest.tuned.compactMap(\.recoverySeconds).max() ?? 0
            worst = max(worst, recovery / max(1, calm))
            told.append(
                "\(contest.world.name) \(Text.fixed(recovery, 0)) s, without retries \(Text.fixed(calm, 0)) s, "
                    + "under the present rule \(Text.fixed(contest.presentRecoverySeconds ?? 0, 0)) s")
        }
        return Verdict(
            what: "overload: time behind after a slow-down of 30 s, longest of all seeds",
            must: "≤ 1.5 × without retries", found: told.joined(separator: "; "), holds: worst <= 1.5)
    }
}

extension Contest {
    /// Of the seeds with a promise, how many it held in.
    var coverage: (inside: Int, of: Int) {
        let promised = tuned.filter { $0.interval != nil }
        return (promised.count { $0.interval?.contains($0.findings.cost) ?? false }, promised.count)
    }
}
