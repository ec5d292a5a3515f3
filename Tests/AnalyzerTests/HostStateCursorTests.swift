import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct HostStateCursorTests {
    private func states(_ count: Int, gapSeconds: Double, seed: UInt64) -> (HostStates, [Int64]) {
        var generator = SeededGenerator(seed: seed)
        let host = SimulatedHost(probes: count, gapSeconds: gapSeconds)
        let probes = HostStateSmoother.probes(of: host.columns(&generator))[0]
        var states = HostStates(pooled: host.truth, rows: count)
        states.append(probes, parameters: host.truth)
        return (states, probes.startUs)
    }

    /// Probes far apart and close together, instants in one gap, in a few and far off, in any order of lanes.
    @Test(arguments: [1, 2, 9, 2_000], [0.01, 1, 300])
    func `four instants at once are found as one by one`(count: Int, gapSeconds: Double) {
        let (states, startUs) = states(count, gapSeconds: gapSeconds, seed: UInt64(count))
        var generator = SeededGenerator(seed: 7)
        var cursor = states.cursor(host: 0)
        let gapUs = gapSeconds * 1e6
        for turn in 0..<2_000 {
            if turn % 100 == 0 { cursor = states.cursor(host: 0) }
            let fromUs = startUs[Int(generator.unit() * Double(count))] + Int64((generator.unit() - 0.5) * gapUs)
            let reach = gapUs * exp(generator.unit() * 8 - 4)
            var atUs = SIMD4<Int64>.zero
            for lane in 0..<4 { atUs[lane] = fromUs + Int64(generator.unit() * reach) }
            let found = cursor.upProbabilities(atUs: atUs)
            for lane in 0..<4 {
                let single = states.upProbability(host: 0, atUs: atUs[lane])
                #expect(agrees(found[lane] / single, 1, 1e-14), "turn \(turn), lane \(lane)")
                #expect(turn % 3 > 0 || cursor.upProbability(atUs: atUs[lane]) == single)
            }
            #expect(cursor.upProbabilities(atUs: atUs) == found)
        }
    }

    @Test func `a host that nothing is known of is up as often as all hosts are`() {
        let (states, startUs) = states(9, gapSeconds: 1, seed: 3)
        var cursor = states.cursor(host: 5)
        let share = states.pooled.upShare
        #expect(agrees(cursor.upProbability(atUs: startUs[4]), share, 1e-15))
        let four = cursor.upProbabilities(atUs: SIMD4(startUs[8], startUs[4], 0, .max))
        for lane in 0..<4 { #expect(agrees(four[lane], share, 1e-15)) }
    }
}
