import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

/// The chain again, slow and literal: the generator's exponential as a Taylor series over small steps, and forward and
/// backward as 2 × 2 matrices without any closed form.
private struct SlowChain {
    let parameters: HostStateParameters

    func transition(_ seconds: Double) -> [[Double]] {
        let l = parameters.outageRatePerSecond
        let m = parameters.recoveryRatePerSecond
        let steps = max(1, Int((seconds * (l + m) * 4).rounded(.up)))
        let h = seconds / Double(steps)
        let q = [[-l * h, l * h], [m * h, -m * h]]
        var one = [[1.0, 0.0], [0.0, 1.0]]
        var term = one
        for order in 1...25 {
            term = multiply(term, q).map { $0.map { $0 / Double(order) } }
            for i in 0..<2 { for j in 0..<2 { one[i][j] += term[i][j] } }
        }
        var all = [[1.0, 0.0], [0.0, 1.0]]
        for _ in 0..<steps { all = multiply(all, one) }
        return all
    }

    func multiply(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
        (0..<2).map { i in (0..<2).map { j in a[i][0] * b[0][j] + a[i][1] * b[1][j] } }
    }

    func emission(_ symbol: UInt8) -> [Double] {
        let up = parameters.emissionUp
        let down = parameters.emissionDown
        return symbol == 0 ? [up.0, down.0] : symbol == 1 ? [up.1, down.1] : [up.2, down.2]
    }

    /// P(up at `atUs` | all probes) and the log-likelihood, inserting an instant that says nothing.
    func posterior(_ probes: ProbeSequence, atUs: Int64) -> (up: Double, logLikelihood: Double) {
        var points = zip(probes.startUs, probes.symbol).map { (us: $0, emission: emission($1)) }
        let place = points.firstIndex { $0.us > atUs } ?? points.count
        points.insert((us: atUs, emission: [1, 1]), at: place)
        let share = parameters.upShare
        var forward = [share, 1 - share]
        var level = 0.0
        var kept = forward
        for index in points.indices {
            if index > 0 {
                let p = transition(Double(points[index].us - points[index - 1].us) * 1e-6)
                forward = (0..<2).map { forward[0] * p[0][$0] + forward[1] * p[1][$0] }
            }
            forward = zip(forward, points[index].emission).map { $0 * $1 }
            let sum = forward[0] + forward[1]
            level += log(sum)
            forward = forward.map { $0 / sum }
            if index == place { kept = forward }
        }
        var backward = [1.0, 1.0]
        for index in stride(from: points.count - 1, to: place, by: -1) {
            let p = transition(Double(points[index].us - points[index - 1].us) * 1e-6)
            let seen = zip(backward, points[index].emission).map { $0 * $1 }
            backward = (0..<2).map { p[$0][0] * seen[0] + p[$0][1] * seen[1] }
        }
        let up = kept[0] * backward[0]
        return (up / (up + kept[1] * backward[1]), level)
    }
}

@Suite struct HostStateChainTests {
    private func short(_ seed: UInt64) -> (ProbeSequence, HostStateParameters) {
        var generator = SeededGenerator(seed: seed)
        let host = SimulatedHost(probes: 25, gapSeconds: 3)
        let probes = HostStateSmoother.probes(of: host.columns(&generator))[0]
        return (probes, host.truth)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `posterior and likelihood equal a slow chain with matrix exponentials by series`(seed: UInt64) {
        let (probes, truth) = short(seed)
        var states = HostStates(pooled: truth, rows: probes.count)
        states.append(probes, parameters: truth)
        let slow = SlowChain(parameters: truth)
        let first = probes.startUs[0]
        let last = probes.startUs[24]
        for step in -3...40 {
            let atUs = first + (last - first) / 37 * Int64(step)
            let expected = slow.posterior(probes, atUs: atUs)
            #expect(agrees(states.upProbability(host: 0, atUs: atUs), expected.up, 1e-10), "seed \(seed), step \(step)")
            #expect(agrees(states.logLikelihood, expected.logLikelihood, 1e-10))
        }
        for index in 0..<probes.count {
            let expected = slow.posterior(probes, atUs: probes.startUs[index]).up
            #expect(agrees(states.probeUpProbability[index], expected, 1e-10))
        }
    }

    @Test func `the statistics of a pass are the slope of the log-likelihood`() {
        // Fisher's identity: d log L / d log λ = E[outages] − λ E[seconds up] + the slope of the first state's law.
        let (probes, truth) = short(8)
        func value(_ change: (inout HostStateParameters) -> Void) -> Double {
            var moved = truth
            change(&moved)
            return HostStatePass(probes, for: .likelihood).logLikelihood(HostStateChain(moved))
        }
        func slope(_ path: WritableKeyPath<HostStateParameters, Double>) -> Double {
            (value { $0[keyPath: path] *= exp(1e-5) } - value { $0[keyPath: path] *= exp(-1e-5) }) / 2e-5
        }
        let found = HostStatePass(probes, for: .fitting).statistics(HostStateChain(truth)).0
        var states = HostStates(pooled: truth, rows: probes.count)
        states.append(probes, parameters: truth)
        let firstUp = states.probeUpProbability[0]
        let share = truth.upShare
        let start = (1 - firstUp) * share - firstUp * (1 - share)
        let lambda = found.outages - truth.outageRatePerSecond * found.secondsUp + start
        let mu = found.recoveries - truth.recoveryRatePerSecond * found.secondsDown - start
        #expect(agrees(lambda, slope(\.outageRatePerSecond), 1e-6))
        #expect(agrees(mu, slope(\.recoveryRatePerSecond), 1e-6))
        let blip = found.up.1 - found.up.0 * truth.blip / truth.emissionUp.0
        #expect(agrees(blip, slope(\.blip), 1e-6))
        let all = found.up.0 + found.up.1 + found.up.2 + found.down.0 + found.down.1 + found.down.2
        #expect(agrees(all, 25, 1e-12))
        let span = Double(probes.startUs[24] - probes.startUs[0]) * 1e-6
        #expect(agrees(found.secondsUp + found.secondsDown, span, 1e-12))
    }

    @Test func `every step of EM keeps or raises the posterior density but for the law of the first state`() {
        var generator = SeededGenerator(seed: 77)
        let probes = HostStateSmoother.probes(of: SimulatedHost(probes: 3_000).columns(&generator))
        let prior = HostStateStatistics(worthOf: SimulatedHost().truth)
        let maximizer = HostStateMaximizer(hosts: probes, prior: prior, smoother: HostStateSmoother())
        var here = SimulatedHost().truth
        here.recoveryRatePerSecond *= 10
        here.blip *= 5
        var last = -Double.infinity
        for _ in 0..<30 {
            let step = maximizer.step(here)
            #expect(step.logLikelihood >= last - 0.01)
            last = step.logLikelihood
            here = step.parameters
        }
    }

    @Test func `batch, cursor and single look-ups agree, and the curve is continuous`() {
        var generator = SeededGenerator(seed: 5)
        let columns = SimulatedHost(probes: 300).columns(&generator)
        let states = HostStateSmoother().smooth(columns)
        let first = columns.startUs[0]
        let times = (-50..<1_000).map { first + Int64($0) * 333_333 }
        let single = times.map { states.upProbability(host: 0, atUs: $0) }
        #expect(states.upProbabilities(host: 0, atUs: times) == single)
        #expect(states.upProbabilities(host: 0, atUs: times.reversed()) == single.reversed())
        for startUs in columns.startUs {
            let before = states.upProbability(host: 0, atUs: startUs - 1)
            let at = states.upProbability(host: 0, atUs: startUs)
            #expect(abs(before - at) < 1e-4)
        }
    }
}
