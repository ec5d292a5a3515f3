import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct ParetoFrontTests {
    private let objective = Objective(
        deadlineUs: 2_000_000, failureCostUs: 10_000_000, attemptCostUs: 50_000, maxExtraAttempts: 0.2)

    private func price(success: Double, latency: Double, extra: Double, retries: Int = 0) -> RulePrice {
        var rule = Rule()
        rule.retry = RetryPolicy(maxRetries: retries, on: [], host: .any, backoff: .waits([0], jitter: 0))
        let cost = latency + (1 - success) * 10 + extra * 0.05
        return RulePrice(
            rule: rule, costSeconds: cost, interval: cost...cost, extraAttempts: extra, successShare: success,
            refusedShare: 0)
    }

    @Test func `a rule that another beats in all three is not offered`() {
        let prices = [
            price(success: 0.95, latency: 0.010, extra: 0),  // nothing is retried
            price(success: 0.99, latency: 0.020, extra: 0.05),
            price(success: 0.99, latency: 0.030, extra: 0.06),  // beaten by the one before
            price(success: 0.999, latency: 0.200, extra: 0.10),
            price(success: 0.98, latency: 0.200, extra: 0.10),  // beaten
            price(success: 0.99, latency: 0.015, extra: 0.20),  // quicker, dearer
        ]
        let front = ParetoFront(prices, objective: objective)
        #expect(front.points.map(\.price) == [prices[0], prices[1], prices[3], prices[5]])
        for (point, latency) in zip(front.points, [0.010, 0.020, 0.200, 0.015]) {
            #expect(abs(point.latencySeconds - latency) < 1e-12)
        }
    }

    @Test func `of rules that nobody could tell apart the cheapest is offered`() {
        let prices = (0..<5).map { number in
            price(success: 0.99 + Double(number) * 1e-5, latency: 0.02, extra: 0.05 + Double(number) * 1e-4)
        }
        #expect(ParetoFront(prices, objective: objective).points.map(\.price) == [prices[4]])
        #expect(ParetoFront([], objective: objective).points.isEmpty)
    }

    /// Against the definition, by all pairs.
    @Test func `every rule is on the front or covered by one that is`() {
        var random = SeededGenerator(seed: 44)
        let prices = (0..<300).map { _ in
            price(
                success: .random(in: 0.9...1, using: &random), latency: .random(in: 0.01...0.5, using: &random),
                extra: .random(in: 0...0.5, using: &random))
        }
        let front = ParetoFront(prices, objective: objective).points
        #expect(front.count > 3 && front.count < prices.count / 2)
        for price in prices {
            let point = ParetoFront.Point(price, objective: objective)
            #expect(front.contains { $0.covers(point) })
            let isBeaten = prices.contains { other in
                let one = ParetoFront.Point(other, objective: objective)
                return other.successShare > price.successShare + ParetoFront.leastSuccess
                    && one.latencySeconds * (1 + ParetoFront.leastLatency) < point.latencySeconds
                    && other.extraAttempts < price.extraAttempts - ParetoFront.leastExtra
            }
            if isBeaten { #expect(!front.contains { $0.price == price }) }
        }
    }
}
