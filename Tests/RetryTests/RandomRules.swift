import Retry
import TestSupport

/// Rule sets of every shape that the file format knows, edges preferred.
enum RandomRules {
    static func set(using generator: inout SeededGenerator) -> RuleSet {
        var set = RuleSet(
            version: Int.random(in: 1...Int(Int32.max), using: &generator),
            createdUs: Int64.random(in: 0...4_000_000_000_000_000, using: &generator), routes: [:])
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let evidence = Bool.random(using: &generator) ? evidence(using: &generator) : nil
            set.routes[name(using: &generator)] = .init(rule: rule(using: &generator), evidence: evidence)
        }
        return set
    }

    static func rule(using generator: inout SeededGenerator) -> Rule {
        var rule = Rule()
        if Bool.random(using: &generator) { rule.timeoutUs = durationUs(using: &generator) }
        if Bool.random(using: &generator) {
            let us = durationUs(using: &generator)
            rule.perTryTimeoutUs = min(us, rule.timeoutUs ?? us)
        }
        if Bool.random(using: &generator) { rule.retry = retry(using: &generator) }
        if Bool.random(using: &generator) {
            rule.budget = BudgetPolicy(
                ratio: number(upTo: 10, using: &generator), minPerSecond: number(upTo: 1_000_000, using: &generator),
                windowUs: Int64.random(in: 100_000...3_600_000_000, using: &generator))
        }
        if Bool.random(using: &generator) {
            rule.hedge = HedgePolicy(
                delayUs: durationUs(using: &generator), max: Int.random(in: 1...5, using: &generator))
        }
        if Bool.random(using: &generator) { rule.ejectionUs = durationUs(using: &generator) }
        return rule
    }

    private static func retry(using generator: inout SeededGenerator) -> RetryPolicy {
        let all =
            Outcome.allCases.filter(\.isFailure).map(RetryCondition.outcome) + [
                .http(400), .http(599), .grpc(1), .grpc(16),
            ]
        let on = Array(all.shuffled(using: &generator).prefix(Int.random(in: 1...all.count, using: &generator)))
        return RetryPolicy(
            maxRetries: Int.random(in: 0...20, using: &generator), on: on,
            host: HostChoice.allCases.randomElement(using: &generator)!,
            retryAfter: RetryAfterPolicy.allCases.randomElement(using: &generator)!,
            backoff: backoff(using: &generator))
    }

    private static func backoff(using generator: inout SeededGenerator) -> Backoff {
        if Bool.random(using: &generator) {
            let waits = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                Bool.random(using: &generator) ? 0 : durationUs(using: &generator)
            }
            return .waits(waits, jitter: number(upTo: 1, using: &generator))
        }
        let ends = [durationUs(using: &generator), durationUs(using: &generator)].sorted()
        return .exponential(
            baseUs: ends[0], maxUs: ends[1], multiplier: 1 + number(upTo: 99, using: &generator),
            jitter: ExponentialJitter.allCases.randomElement(using: &generator)!)
    }

    private static func evidence(using generator: inout SeededGenerator) -> Evidence {
        var evidence = Evidence(
            attempts: Int.random(in: 0...Int.max, using: &generator),
            failures: Int.random(in: 0...9, using: &generator),
            outages: Int.random(in: 0...9, using: &generator), reason: name(using: &generator))
        if Bool.random(using: &generator) {
            let from = Int64.random(in: 0...2_000_000_000_000_000, using: &generator)
            evidence.windowUs = from...from + Int64.random(in: 0...1_000_000_000_000_000, using: &generator)
        }
        if Bool.random(using: &generator) {
            let ends = [number(upTo: 2, using: &generator) - 1, number(upTo: 2, using: &generator) - 1].sorted()
            evidence.cost = CostEvidence(
                before: number(upTo: 100, using: &generator), after: number(upTo: 1e-9, using: &generator),
                interval: ends[0]...ends[1])
        }
        return evidence
    }

    private static func durationUs(using generator: inout SeededGenerator) -> Int64 {
        let edges: [Int64] = [1, 999, 1000, 1001, 999_999, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000]
        if Bool.random(using: &generator) { return edges.randomElement(using: &generator)! }
        return max(
            1, Int64.random(in: 1...86_400_000_000, using: &generator) >> Int64.random(in: 0...36, using: &generator))
    }

    private static func number(upTo most: Double, using generator: inout SeededGenerator) -> Double {
        switch Int.random(in: 0...4, using: &generator) {
        case 0: 0
        case 1: most
        case 2: (most * generator.unit()).rounded(.down)
        default: most * generator.unit()
        }
    }

    private static func name(using generator: inout SeededGenerator) -> String {
        let alphabet = Array("abcXYZ0189-_./ :#{}[],&*!|>'\"%@`\\\n\t~=?éß日🙂").map(String.init)
        return (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator)!
        }.joined()
    }
}
