import TestSupport
import Testing

@testable import Analyzer

@Suite struct HostStateGapsTests {
    /// Bursts with pauses between, and many probes at one instant.
    @Test func `an instant stands in the gap of the last probe at or before it, however dense probes are`() {
        var probes = ProbeSequence()
        var generator = SeededGenerator(seed: 11)
        var atUs: Int64 = 1_700_000_000_000_000
        for index in 0..<3_000 {
            let isPause = index % 500 == 0
            atUs += isPause ? 10_000_000_000 : Int64(generator.unit() * 3)
            probes.startUs.append(atUs)
            probes.symbol.append(index % 7 == 0 ? 1 : 0)
            probes.row.append(Int32(index))
        }
        let truth = SimulatedHost().truth
        var states = HostStates(pooled: truth, rows: probes.count)
        states.append(probes, parameters: truth)
        let track = states.tracks[0]
        #expect(track.startUs.count == 3_000 && Array(track.startUs) == probes.startUs)
        for turn in 0..<3_000 {
            let askedUs = probes.startUs[turn] + Int64(turn % 3) - 1
            let expected = probes.startUs.lastIndex { $0 <= askedUs } ?? -1
            #expect(track.lastProbe(notAfter: askedUs) == expected)
        }
        #expect(track.lastProbe(notAfter: .min) == -1 && track.lastProbe(notAfter: .max) == 2_999)
    }
}
