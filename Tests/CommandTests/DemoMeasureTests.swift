import Retry
import Testing

@testable import meantime

@Suite struct DemoMeasureTests {
    private func record(_ latencyUs: Int64, _ status: Int) -> RequestRecord {
        RequestRecord(route: 0, offsetUs: 0, latencyUs: latencyUs, status: status, lateUs: 0)
    }

    /// Four good answers after 1, 2, 3 and 4 ms and one failure after 0.5 ms, with seven attempts.
    private var five: RunMeasure {
        RunMeasure(
            records: [record(3000, 200), record(500, 503), record(1000, 200), record(4000, 404), record(2000, 200)],
            attempts: 7, objective: Objective(deadlineUs: 2500, failureCostUs: 10_000, attemptCostUs: 500))
    }

    @Test("cost is latency up to the deadline, plus failures, plus extra attempts: by hand")
    func costByHand() {
        // Latency: 2500 + 500 + 1000 + 2500 + 2000 = 8500. Failed: the 503, and the two answers after the deadline.
        // Extra attempts: 2 × 500. (8500 + 3 × 10,000 + 1000) / 5 = 7900.
        #expect(five.costUs == 7900)
    }

    @Test("percentiles are over all requests, and a failure never answers")
    func percentilesByHand() {
        #expect(five.percentileUs(0.2) == 1000)
        #expect(five.percentileUs(0.21) == 2000)
        #expect(five.percentileUs(0.8) == 4000)
        #expect(five.percentileUs(0.81) == nil)
        #expect(five.percentileUs(0) == 1000)
        #expect(RunMeasure(sum: []).percentileUs(0.5) == nil)
    }

    @Test("the share without an answer falls at each answer and stays at the share that failed")
    func unansweredByHand() {
        for (us, share) in [(0, 1.0), (999, 1.0), (1000, 0.8), (3500, 0.4), (4000, 0.2), (9_000_000, 0.2)] {
            #expect(abs(five.unanswered(atUs: Int64(us)) - share) < 1e-12)
        }
    }

    @Test("what counts as failed: no answer, too many requests, and every 5xx")
    func failures() {
        for (status, isFailed) in [(0, true), (200, false), (404, false), (429, true), (500, true), (503, true)] {
            #expect(record(1, status).isFailed == isFailed)
        }
        #expect(five.failures == 1 && five.success == 0.8 && five.attemptsPerRequest == 1.4)
    }

    @Test("two routes as one: every request counts the same")
    func sums() {
        let one = RunMeasure(records: [record(1000, 200)], attempts: 1, objective: Objective())
        let both = RunMeasure(sum: [five, one])
        #expect(both.requests == 6 && both.attempts == 8 && both.failures == 1)
        #expect(both.answeredUs == [1000, 1000, 2000, 3000, 4000])
        #expect(abs(both.costUs - (5 * 7900 + 1000) / 6) < 1e-9)
    }

    @Test("prices of independent routes add up, and the distances to their ends in quadrature")
    func priceSums() {
        let sum = Price(sum: [
            (Price(costUs: 100, interval: 40...180), 0.5), (Price(costUs: 200, interval: 120...320), 0.5),
        ])
        // Below: √(30² + 40²) = 50; above: √(40² + 60²) = √5200.
        #expect(sum.costUs == 150)
        #expect(sum.interval.lowerBound == 100)
        #expect(abs(sum.interval.upperBound - (150 + 5200.0.squareRoot())) < 1e-9)
    }

    @Test("numbers in words")
    func numbers() {
        #expect(DemoText.fixed(1234.5678, 2) == "1234.57")
        #expect(DemoText.fixed(-0.001, 2) == "0.00")
        #expect(DemoText.fixed(-0.05, 1) == "-0.1")
        #expect(DemoText.fixed(.infinity, 1) == "–")
        #expect(DemoText.time(320) == "0.32 ms")
        #expect(DemoText.time(9_996) == "10.0 ms")
        #expect(DemoText.time(99_960) == "100 ms")
        #expect(DemoText.time(1_254_000) == "1.25 s")
        #expect(DemoText.time(nil as Int64?) == "never")
        #expect(DemoText.percent(0.99615) == "99.62 %")
    }

    @Test("rules in words")
    func rules() {
        #expect(DemoText.waits(Rule()) == "no retry")
        #expect(DemoText.waits(DefaultRules.envoy) == "after a random wait below 25ms (at most 250ms)")
        #expect(DemoText.words(Rule()) == "No retries; no retry budget.")
        #expect(
            DemoText.words(DefaultRules.envoy)
                == "Retry once, on any host, after a random wait below 25ms (at most 250ms), Retry-After ignored; "
                + "give the whole request 15s; no retry budget.")
        let tuned = Rule(
            timeoutUs: 2_000_000, perTryTimeoutUs: 300_000,
            retry: RetryPolicy(
                maxRetries: 3, on: [.outcome(.reset)], host: .other, backoff: .waits([0, 40_000], jitter: 0.1)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000))
        #expect(DemoText.waits(tuned) == "0ms, 40ms, 40ms")
        #expect(
            DemoText.words(tuned)
                == "Retry up to 3 times, on another host, at once, then after 40ms, then after 40ms (± 10 %); "
                + "give each attempt 300ms; give the whole request 2s; "
                + "retries at most 20 % of requests (or 3 a second)."
        )
    }
}
