import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct HostStateSmootherTests {
    /// Standard errors of log λ and log μ from the curvature of the log-likelihood of that very log at the truth, over
    /// all parameters that matter (log λ, log μ, log blip, log leak).
    private func standardErrors(_ maximizer: HostStateMaximizer, at truth: HostStateParameters) -> [Double] {
        let paths: [WritableKeyPath<HostStateParameters, Double>] = [
            \.outageRatePerSecond, \.recoveryRatePerSecond, \.blip, \.leak,
        ]
        func value(_ i: Int, _ a: Double, _ j: Int, _ b: Double) -> Double {
            var moved = truth
            moved[keyPath: paths[i]] *= exp(a)
            moved[keyPath: paths[j]] *= exp(b)
            return maximizer.logLikelihood(moved)
        }
        let h = 0.02
        let base = maximizer.logLikelihood(truth)
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: 4), count: 4)
        for i in 0..<4 {
            for j in 0...i {
                matrix[i][j] =
                    i == j
                    ? -(value(i, h, i, 0) - 2 * base + value(i, -h, i, 0)) / (h * h)
                    : -(value(i, h, j, h) - value(i, h, j, -h) - value(i, -h, j, h) + value(i, -h, j, -h)) / (4 * h * h)
                matrix[j][i] = matrix[i][j]
            }
        }
        return inverseDiagonal(matrix).map { $0.squareRoot() }
    }

    private func inverseDiagonal(_ matrix: [[Double]]) -> [Double] {
        let n = matrix.count
        var left = matrix
        var right = (0..<n).map { row in (0..<n).map { $0 == row ? 1.0 : 0.0 } }
        for pivot in 0..<n {
            let scale = 1 / left[pivot][pivot]
            left[pivot] = left[pivot].map { $0 * scale }
            right[pivot] = right[pivot].map { $0 * scale }
            for row in 0..<n where row != pivot {
                let factor = left[row][pivot]
                left[row] = zip(left[row], left[pivot]).map { $0 - factor * $1 }
                right[row] = zip(right[row], right[pivot]).map { $0 - factor * $1 }
            }
        }
        return (0..<n).map { right[$0][$0] }
    }

    /// Which of the seeds miss by more than 3 standard errors in any of three parameters: under a normal law one in 124
    /// does. The seeds are fixed, so the answer is too.
    private func misses(_ host: SimulatedHost, seeds: ClosedRange<UInt64>) -> Int {
        var misses = 0
        for seed in seeds {
            var generator = SeededGenerator(seed: seed &* 7_919)
            let columns = host.columns(&generator)
            let fit = HostStateSmoother().smooth(columns).parameters(host: 0)
            let maximizer = HostStateMaximizer(
                hosts: HostStateSmoother.probes(of: columns), prior: HostStateStatistics(),
                smoother: HostStateSmoother())
            let errors = standardErrors(maximizer, at: host.truth)
            let off = [
                log(fit.outageRatePerSecond / host.truth.outageRatePerSecond) / errors[0],
                log(fit.recoveryRatePerSecond / host.truth.recoveryRatePerSecond) / errors[1],
                log(fit.blip / host.truth.blip) / errors[2],
            ]
            if off.contains(where: { !(abs($0) <= 3) }) { misses += 1 }
        }
        return misses
    }

    /// A hundred seeds in quarters, since quarters run side by side: one miss each makes 96 of 100.
    static let quarters: [ClosedRange<UInt64>] = [1...25, 26...50, 51...75, 76...100]

    @Test(arguments: quarters)
    func `known rates and blips are recovered within three standard errors from dense probes`(
        seeds: ClosedRange<UInt64>
    ) {
        var host = SimulatedHost(probes: 4_000, gapSeconds: 0.25)
        host.truth.outageRatePerSecond = 1 / 40.0
        host.truth.recoveryRatePerSecond = 1 / 4.0
        #expect(misses(host, seeds: seeds) <= 1)
    }

    @Test(arguments: quarters)
    func `known rates and blips are recovered within three standard errors from sparse probes`(
        seeds: ClosedRange<UInt64>
    ) {
        var host = SimulatedHost(probes: 3_000, gapSeconds: 4)
        host.truth.outageRatePerSecond = 1 / 200.0
        host.truth.recoveryRatePerSecond = 1 / 10.0
        #expect(misses(host, seeds: seeds) <= 1)
    }

    /// A pass is one exponential and a few dozen operations a probe, so what must not grow is their number.
    @Test func `sixteen times the probes take no more passes over them`() {
        let passes = [2_000, 8_000, 32_000].map { probes in
            var generator = SeededGenerator(seed: 17)
            var host = SimulatedHost(probes: probes, gapSeconds: 0.25)
            host.truth.outageRatePerSecond = 1 / 40.0
            host.truth.recoveryRatePerSecond = 1 / 4.0
            let maximizer = HostStateMaximizer(
                hosts: HostStateSmoother.probes(of: host.columns(&generator)), prior: HostStateStatistics(),
                smoother: HostStateSmoother())
            var start = host.truth
            start.outageRatePerSecond *= 5
            start.recoveryRatePerSecond /= 5
            start.blip *= 5
            return maximizer.maximize(from: start).passes
        }
        #expect(passes.allSatisfy { $0 >= 4 && $0 <= 60 }, "\(passes)")
        #expect(passes[2] <= 2 * passes[0], "\(passes)")
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `failures that strike at random are blips, not tiny outages`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var host = SimulatedHost(probes: 5_000, gapSeconds: 0.1)
        host.truth.outageRatePerSecond = 0
        host.truth.blip = 0.03
        let columns = host.columns(&generator)
        let states = HostStateSmoother().smooth(columns)
        #expect(states.parameters(host: 0).outageRatePerSecond == 0, "\(generator)")
        #expect(Outages(columns: columns, states: states).outages.isEmpty)
        let standardError = (0.03 * 0.97 / 5_000).squareRoot()
        #expect(abs(states.parameters(host: 0).blip - 0.03) < 4 * standardError)
    }

    @Test func `one outage of five probes in an hour without blips is an outage`() {
        let list = (0..<3_600).map { second in
            (
                startUs: Int64(second) * 1_000_000, durationUs: Int64(1_000), host: "a",
                outcome: (1_000..<1_005).contains(second) ? Outcome.connectFailure : .success
            )
        }
        let columns = attempts(list)
        let states = HostStateSmoother().smooth(columns)
        let outages = Outages(columns: columns, states: states)
        #expect(outages.hostOutages.count == 1)
        #expect(outages.hostOutages.first?.failures == 5)
        #expect(outages.blips == 0)
        #expect(states.upProbability(host: 0, atUs: 1_002_500_000) < 0.01)
        #expect(states.upProbability(host: 0, atUs: 2_000_500_000) > 0.99)
    }

    @Test func `stragglers that time out now and then do not look like outages`() {
        var generator = SeededGenerator(seed: 3)
        var host = SimulatedHost(probes: 8_000, gapSeconds: 0.25)
        host.truth.timeoutWhileUp = 0.05
        host.truth.timeoutShareWhileDown = 0.02
        let fit = HostStateSmoother().smooth(host.columns(&generator)).parameters(host: 0)
        #expect(abs(fit.timeoutWhileUp - 0.05) < 0.01)
        #expect(fit.timeoutShareWhileDown < 0.1)
        #expect(abs(log(fit.meanOutageUs / 5e6)) < 0.7)
    }

    @Test func `a host with few failures borrows from its route`() {
        var generator = SeededGenerator(seed: 4)
        var columns = SimulatedHost(probes: 4_000, hosts: 3).columns(&generator)
        columns.hostNames.append("new")
        let newcomer = Attempt(
            startUs: columns.startUs[columns.count - 1] + 1, durationUs: 1, route: "r", outcome: .success)
        columns.append(newcomer, host: 3, method: 0)
        let states = HostStateSmoother().smooth(columns)
        let own = states.parameters(host: 3)
        #expect(abs(log(own.meanOutageUs / states.pooled.meanOutageUs)) < 0.1)
        #expect(abs(log(own.failureWhileUp / states.pooled.failureWhileUp)) < 0.1)
        #expect(own.upShare > 0.8)
    }

    @Test(arguments: [
        [], [Outcome.success], [.errorStatus], [.timeout], [.cancelled],
        [Outcome](repeating: .success, count: 500), [Outcome](repeating: .connectFailure, count: 500),
        [Outcome](repeating: .timeout, count: 500),
    ])
    func `logs without contrast give probabilities`(outcomes: [Outcome]) {
        let list = outcomes.enumerated().map {
            (startUs: Int64($0.offset) * 1_000, durationUs: Int64(10), host: "a", outcome: $0.element)
        }
        let columns = attempts(list)
        let states = HostStateSmoother().smooth(columns)
        #expect(states.probeUpProbability.allSatisfy { (0...1).contains($0) })
        for atUs in [Int64.min / 2, -1, 0, 250_000, Int64.max / 2] {
            #expect((0...1).contains(states.upProbability(host: 0, atUs: atUs)))
        }
        if outcomes.count == 500 {
            let isUp = outcomes[0] == .success
            #expect((states.upProbability(host: 0, atUs: 250_000) > 0.5) == isUp)
        }
        let outages = Outages(columns: columns, states: states)
        #expect(outages.unit.count == columns.count)
    }

    @Test func `contradicting probes at one instant and gaps of centuries stay finite`() {
        let century: Int64 = 3_155_760_000_000_000
        var list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)] = []
        for group in 0..<4 {
            for index in 0..<50 {
                let outcome = index % 2 == 0 ? Outcome.success : .errorStatus
                list.append((Int64(group) * century, 5, "a", outcome))
            }
        }
        let columns = attempts(list)
        let states = HostStateSmoother().smooth(columns)
        #expect(states.logLikelihood.isFinite)
        #expect(states.probeUpProbability.allSatisfy { (0...1).contains($0) })
        #expect((0...1).contains(states.upProbability(host: 0, atUs: century / 2)))
    }
}
