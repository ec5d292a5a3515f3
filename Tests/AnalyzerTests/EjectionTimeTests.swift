import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct EjectionTimeTests {
    private typealias Cell = IntervalNPMLE.Cell

    private func model(probeCostUs: Double = 60_000, idleCost: Double = 0.2, leastRestUs: Double = 1000)
        -> InspectionCost
    {
        InspectionCost(probeCostUs: probeCostUs, idleCost: idleCost, leastRestUs: leastRestUs)
    }

    /// An exponential law as many cells of equal mass.
    private func exponential(meanUs: Double, cells: Int = 4000) -> [Cell] {
        func quantile(_ p: Double) -> Int64 { Int64((-log1p(-p) * meanUs).rounded()) }
        return (0..<cells).compactMap { index in
            let left = quantile(Double(index) / Double(cells))
            // The last cell has no end.
            let isLast = index == cells - 1
            let end = isLast ? left + Int64(3 * meanUs) : quantile(Double(index + 1) / Double(cells))
            return end > left ? Cell(leftUs: left, rightUs: end, mass: 1 / Double(cells)) : nil
        }
    }

    /// Outages of one second and of four, half and half.
    private let two = [
        Cell(leftUs: 999_999, rightUs: 1_000_000, mass: 0.5), Cell(leftUs: 3_999_999, rightUs: 4_000_000, mass: 0.5),
    ]

    @Test func `outages of one and of four seconds, by hand`() {
        let model = model()
        // A rest of 1 s: no failed attempt or three. Of 4 s: idle for 3 s, or not at all.
        let one = model.fixed(1_000_000, two)
        #expect(abs(one.failedProbes - 1.5) < 1e-6 && abs(one.idleUs) < 1 && abs(one.meanUs - 2_500_000) < 1)
        let four = model.fixed(4_000_000, two)
        #expect(four.failedProbes == 0 && abs(four.idleUs - 1_500_000) < 1)
        // 1.5 × 60 ms against 1.5 s × 0.2.
        #expect(abs(model.costUs(one) - 90_000) < 1 && abs(model.costUs(four) - 300_000) < 1)
        #expect(model.bestRestUs(two) == 1_000_000)
        #expect(self.model(probeCostUs: 600_000).bestRestUs(two) == 4_000_000)
        // Envoy: 30 s, 29 or 26 of them too long.
        let envoy = model.envoyDefault(two)
        #expect(envoy.failedProbes == 0 && abs(envoy.idleUs - 27_500_000) < 1)
        // 100 s: after 30 and 90 s five failures each, back at 180 s.
        let long = model.envoyDefault([Cell(leftUs: 99_999_999, rightUs: 100_000_000, mass: 1)])
        #expect(abs(long.failedProbes - 10) < 1e-6 && abs(long.idleUs - 80_000_000) < 1)
    }

    @Test func `an outage that was not seen to end counts up to there`() {
        let cut = [Cell(leftUs: 10_000_000, rightUs: .max, mass: 1)]
        let three = model().fixed(3_000_000, cut)
        #expect(three.failedProbes == 3 && three.idleUs == 0 && three.meanUs == 10_000_000)
    }

    /// For exponential outages of rate h the best checks are periodic: exp(h x) − 1 − h x = h c₁/c₂ (Barlow, Hunter &
    /// Proschan 1963).
    @Test(arguments: [0.05, 0.5, 3.0])
    func `exponential outages give the known period`(ratio: Double) {
        let meanUs = 2_000_000.0
        var (low, high) = (0.0, 20.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if exp(middle) - 1 - middle < ratio { low = middle } else { high = middle }
        }
        let model = model(probeCostUs: ratio * meanUs * 0.2, idleCost: 0.2)
        let found = Double(model.bestRestUs(exponential(meanUs: meanUs)))
        #expect(abs(found / (low * meanUs) - 1) < 0.03, "\(found) \(low * meanUs)")
    }

    @Test(arguments: SeededGenerator.seeds([4, 5]))
    func `the cost is what playing outages gives, and no other rest is cheaper`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let cells = (0..<20).map { index in
            let left = Int64(exp(10 + 0.3 * Double(index)))
            return Cell(leftUs: left, rightUs: left + Int64(1 + generator.unit() * Double(left)), mass: 0.05)
        }
        let model = model(probeCostUs: 3000, idleCost: 0.02)
        func played(_ restUs: Double, _ outages: Int) -> (mean: Double, error: Double) {
            var (sum, squares) = (0.0, 0.0)
            for _ in 0..<outages {
                let cell = cells[Int(generator.unit() * 20)]
                let endUs = Double(cell.leftUs) + generator.unit() * Double(cell.rightUs - cell.leftUs)
                var (atUs, costUs) = (restUs, 0.0)
                while atUs < endUs {
                    costUs += 3000
                    atUs += restUs
                }
                costUs += 0.02 * (atUs - endUs)
                sum += costUs
                squares += costUs * costUs
            }
            let mean = sum / Double(outages)
            return (mean, ((squares / Double(outages) - mean * mean) / Double(outages)).squareRoot())
        }
        for restUs in [20_000.0, 150_000, 2_000_000] {
            let (mean, error) = played(restUs, 20_000)
            #expect(abs(mean - model.costUs(model.fixed(restUs, cells))) < 5 * error, "\(generator) \(restUs)")
        }
        let best = model.costUs(model.fixed(Double(model.bestRestUs(cells)), cells))
        for restUs in stride(from: 10_000.0, through: 20_000_000, by: 10_000) {
            #expect(best < 1.003 * model.costUs(model.fixed(restUs, cells)), "\(generator) \(restUs)")
        }
    }

    @Test func `in another unit of time the rest scales`() {
        let slow = exponential(meanUs: 2_000_000).map {
            Cell(leftUs: $0.leftUs * 1000, rightUs: $0.rightUs * 1000, mass: $0.mass)
        }
        let one = model().bestRestUs(exponential(meanUs: 2_000_000))
        let other = model(probeCostUs: 60_000_000, leastRestUs: 1_000_000).bestRestUs(slow)
        #expect(abs(Double(other) / Double(one) / 1000 - 1) < 0.02)
    }

    private func ejection(_ columns: AttemptColumns, _ rule: Rule) throws -> EjectionTime {
        let setting = RouteSetting(
            route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns)
        let evidence = try #require(RouteEvidence(columns, setting: setting))
        return EjectionTime(evidence, rule: rule, objective: Objective(), replicates: 50)
    }

    private let retrying = Rule(
        timeoutUs: 2_000_000,
        retry: RetryPolicy(maxRetries: 1, on: [.outcome(.errorStatus)], backoff: .waits([0], jitter: 0)))

    @Test func `a host that fails alone for 300 ms rests about as long`() throws {
        let found = try ejection(SampleLog.columns(isDown: SampleLog.hostOutages), retrying)
        let best = try #require(found.best)
        let restUs = try #require(best.restUs)
        #expect((200_000...450_000).contains(restUs), "\(found)")
        #expect(try #require(found.restRangeUs).contains(restUs))
        // A failed attempt takes 1 ms and its retry costs 50 ms; 50 requests a second go to each host.
        #expect(abs(found.attemptCostSeconds - 0.051) < 1e-3 && abs(found.idleCostPerSecond - 2.5) < 0.01)
        #expect(best.costSeconds < 0.5 * (try #require(found.never)).costSeconds)
        #expect(best.costSeconds < 0.05 * (try #require(found.envoy)).costSeconds)
        // Without retries each failed attempt is a failed request.
        let bare = try ejection(SampleLog.columns(isDown: SampleLog.hostOutages), Rule(timeoutUs: 2_000_000))
        #expect(bare.attemptCostSeconds > 10)
    }

    @Test func `where there is nothing to choose it is said why`() throws {
        let single = try ejection(SampleLog.columns(hosts: 1, isDown: SampleLog.hostOutages), retrying)
        #expect(single.best == nil && single.reason.hasPrefix("there is one host"))
        let together = try ejection(SampleLog.columns(isDown: SampleLog.routeOutages), retrying)
        #expect(together.reason.hasPrefix("the hosts fail together"))
        let few = try ejection(
            SampleLog.columns { host, offsetUs in host == 0 && (5_000_000..<6_000_000).contains(offsetUs) }, retrying)
        #expect(few.reason == "outages of hosts that were seen: 1; at least 8 are needed", "\(few.reason)")
    }
}
