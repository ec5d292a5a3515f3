import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

/// The passes and look-ups once more, one probe after the other, with every exponential and every division where the
/// formula has it.
private struct PlainChain {
    let parameters: HostStateParameters
    let probes: ProbeSequence
    /// P(down at the probe | probes so far), and the share of up in P(this and later probes | state at the probe).
    private var filteredDown: [Double] = []
    private var aheadUp: [Double] = []
    private(set) var logLikelihood = 0.0

    private struct Step {
        let left, upToDown, downToUp: Double

        init(_ parameters: HostStateParameters, seconds: Double) {
            let total = parameters.outageRatePerSecond + parameters.recoveryRatePerSecond
            left = -expm1(-total * seconds)
            upToDown = parameters.outageRatePerSecond / total * left
            downToUp = parameters.recoveryRatePerSecond / total * left
        }
    }

    init(_ parameters: HostStateParameters, _ probes: ProbeSequence) {
        self.parameters = parameters
        self.probes = probes
        var (up, down) = (parameters.upShare, 1 - parameters.upShare)
        for index in 0..<probes.count {
            if index > 0 {
                let step = step(after: index - 1)
                (up, down) = (
                    up * (1 - step.upToDown) + down * step.downToUp, up * step.upToDown + down * (1 - step.downToUp)
                )
            }
            let emission = emission(index)
            (up, down) = (up * emission[0], down * emission[1])
            let sum = up + down
            (up, down) = (up / sum, down / sum)
            logLikelihood += log(sum)
            filteredDown.append(down)
        }
        aheadUp = filteredDown
        var ahead = (1.0, 1.0)
        for index in stride(from: probes.count - 1, through: 0, by: -1) {
            if index + 1 < probes.count { ahead = behind(step(after: index), ahead) }
            let emission = emission(index)
            let sum = ahead.0 * emission[0] + ahead.1 * emission[1]
            ahead = (ahead.0 * emission[0] / sum, ahead.1 * emission[1] / sum)
            aheadUp[index] = ahead.0
        }
    }

    private func emission(_ index: Int) -> [Double] {
        let (up, down) = (parameters.emissionUp, parameters.emissionDown)
        return [[up.0, down.0], [up.1, down.1], [up.2, down.2]][Int(probes.symbol[index])]
    }

    private func step(after index: Int) -> Step {
        Step(parameters, seconds: Double(probes.startUs[index + 1] - probes.startUs[index]) * 1e-6)
    }

    private func behind(_ step: Step, _ ahead: (Double, Double)) -> (Double, Double) {
        (
            (1 - step.upToDown) * ahead.0 + step.upToDown * ahead.1,
            step.downToUp * ahead.0 + (1 - step.downToUp) * ahead.1
        )
    }

    /// P(up) at an instant after probe `index` and not after the next.
    func upProbability(after index: Int, atUs: Int64) -> Double {
        var down = 1 - parameters.upShare
        if index >= 0 {
            let step = Step(parameters, seconds: Double(atUs - probes.startUs[index]) * 1e-6)
            down = filteredDown[index] * (1 - step.downToUp) + (1 - filteredDown[index]) * step.upToDown
        }
        if index + 1 == probes.count { return 1 - down }
        let step = Step(parameters, seconds: Double(probes.startUs[index + 1] - atUs) * 1e-6)
        let ahead = behind(step, (aheadUp[index + 1], 1 - aheadUp[index + 1]))
        return (1 - down) * ahead.0 / ((1 - down) * ahead.0 + down * ahead.1)
    }

    /// Expected seconds down, by the middle of many short pieces of every gap.
    func secondsDown(pieces: Int) -> Double {
        var sum = 0.0
        for index in 0..<probes.count - 1 {
            let gapUs = probes.startUs[index + 1] - probes.startUs[index]
            for piece in 0..<pieces {
                let atUs = probes.startUs[index] + gapUs * Int64(2 * piece + 1) / Int64(2 * pieces)
                sum += (1 - upProbability(after: index, atUs: atUs)) * Double(gapUs) * 1e-6 / Double(pieces)
            }
        }
        return sum
    }
}

@Suite struct HostStatePassTests {
    private func probes(_ count: Int, gapSeconds: Double, seed: UInt64) -> ProbeSequence {
        var generator = SeededGenerator(seed: seed)
        let host = SimulatedHost(probes: count, gapSeconds: gapSeconds)
        return HostStateSmoother.probes(of: host.columns(&generator))[0]
    }

    /// Gaps from far below to far above the chain's own time, even and odd numbers of probes.
    @Test(arguments: [1, 2, 3, 300, 301], [0.001, 0.1, 1, 20, 3_000])
    func `likelihood and look-ups are those of the formula written out`(count: Int, gapSeconds: Double) {
        let truth = SimulatedHost().truth
        let probes = probes(count, gapSeconds: gapSeconds, seed: UInt64(count))
        let plain = PlainChain(truth, probes)
        let chain = HostStateChain(truth)
        #expect(agrees(HostStatePass(probes, for: .likelihood).logLikelihood(chain), plain.logLikelihood, 1e-11))
        let fitting = HostStatePass(probes, for: .fitting)
        #expect(agrees(fitting.statistics(chain).logLikelihood, plain.logLikelihood, 1e-11))
        var states = HostStates(pooled: truth, rows: count)
        states.append(probes, parameters: truth)
        #expect(agrees(states.logLikelihood, plain.logLikelihood, 1e-11))
        var cursor = states.cursor(host: 0)
        for index in -1..<count {
            let begin = index >= 0 ? probes.startUs[index] : probes.startUs[0] - 10_000_000
            let end = index + 1 < count ? probes.startUs[index + 1] : begin + 10_000_000
            for part: Int64 in [0, 1, 5, 9, 10] where end > begin {
                // The last instant belongs to the next gap and says the same.
                let atUs = begin + (end - begin) * part / 10
                let expected = plain.upProbability(after: index, atUs: atUs)
                let found = states.upProbability(host: 0, atUs: atUs)
                #expect(agrees(found / expected, 1, 1e-9), "\(count) probes, gap \(index), part \(part)")
                #expect(cursor.upProbability(atUs: atUs) == found)
            }
        }
    }

    @Test(arguments: [2, 51], [0.5, 20])
    func `expected seconds down are the area below the smoothed curve`(count: Int, gapSeconds: Double) {
        let truth = SimulatedHost().truth
        let probes = probes(count, gapSeconds: gapSeconds, seed: 31)
        let statistics = HostStatePass(probes, for: .fitting).statistics(HostStateChain(truth)).0
        #expect(agrees(statistics.secondsDown, PlainChain(truth, probes).secondsDown(pieces: 2_000), 1e-4))
    }

    @Test func `a pass leaves nothing behind for the next`() {
        let probes = probes(501, gapSeconds: 1, seed: 12)
        let pass = HostStatePass(probes, for: .fitting)
        let chain = HostStateChain(SimulatedHost().truth)
        var other = SimulatedHost().truth
        other.recoveryRatePerSecond *= 30
        let first = pass.statistics(chain)
        _ = pass.statistics(HostStateChain(other))
        _ = pass.logLikelihood(HostStateChain(other))
        let again = pass.statistics(chain)
        #expect(again.logLikelihood == first.logLikelihood)
        #expect(again.0.secondsDown == first.0.secondsDown && again.0.outages == first.0.outages)
    }

    @Test func `the rise of an exponential keeps its digits, short and long`() {
        var x = 1e-12
        while x < 60 {
            let risen = HostStateLaw.risen(SIMD2(x, x / 3))
            #expect(agrees(risen[0] / -expm1(-x), 1, 4e-16) && agrees(risen[1] / -expm1(-x / 3), 1, 4e-16), "\(x)")
            let short = HostStateLaw.risenShort(SIMD2(x, x))[0]
            #expect(x > HostStateLaw.short || agrees(short / -expm1(-x), 1, 4e-16), "\(x)")
            x *= 1.07
        }
        #expect(HostStateLaw.risen(SIMD2(0, .infinity)) == SIMD2(0, 1))
    }

    @Test func `a walk back and forth over any distance finds what a search finds`() {
        let probes = probes(2_000, gapSeconds: 1, seed: 40)
        var states = HostStates(pooled: SimulatedHost().truth, rows: probes.count)
        states.append(probes, parameters: SimulatedHost().truth)
        var generator = SeededGenerator(seed: 41)
        var cursor = states.cursor(host: 0)
        var atUs = probes.startUs[1_000]
        for _ in 0..<4_000 {
            let far = exp(generator.unit() * 21)
            atUs += Int64(generator.unit() < 0.5 ? far : -far)
            atUs = max(probes.startUs[0] - 100, min(probes.startUs[1_999] + 100, atUs))
            #expect(cursor.upProbability(atUs: atUs) == states.upProbability(host: 0, atUs: atUs))
        }
    }
}
