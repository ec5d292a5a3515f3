import Glibc
import TestSupport
import Testing

@testable import Analyzer

@Suite struct ThinnedProbesTests {
    private func probes(_ host: SimulatedHost, seed: UInt64) -> ProbeSequence {
        var generator = SeededGenerator(seed: seed)
        return HostStateSmoother.probes(of: host.columns(&generator))[0]
    }

    private var busy: SimulatedHost {
        var host = SimulatedHost(probes: 60_000, gapSeconds: 0.25)
        host.truth.outageRatePerSecond = 1 / 400.0
        host.truth.recoveryRatePerSecond = 1 / 4.0
        return host
    }

    /// How often each probe counts.
    private func weights(_ probes: ProbeSequence) -> [Double] {
        var weights = [Double](repeating: 1, count: probes.count)
        for block in probes.blocks { for index in block.begin..<probes.count { weights[index] = block.weight } }
        return weights
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `probes, failures and time add up as before`(seed: UInt64) {
        let all = probes(busy, seed: seed)
        let thinned = all.thinned()
        #expect(thinned.count < all.count / 2 && thinned.blocks.first?.begin == 0)
        let weights = weights(thinned)
        #expect(agrees(weights.reduce(0, +), Double(all.count), 1e-12))
        #expect(thinned.symbol.filter { $0 != 0 } == all.symbol.filter { $0 != 0 })
        #expect(zip(weights, thinned.symbol).allSatisfy { $0 == 1 || $1 == 0 })
        var weightedUs = 0.0
        for index in 1..<thinned.count {
            weightedUs += weights[index] * Double(thinned.startUs[index] - thinned.startUs[index - 1])
        }
        // Each kept gap is rounded to a microsecond.
        let spanUs = Double(all.startUs[all.count - 1] - all.startUs[0])
        #expect(abs(weightedUs - spanUs) <= Double(all.count))
    }

    @Test func `what lies near a failure or an end, or after a long gap, stays as it is`() {
        let all = probes(busy, seed: 4)
        let thinned = all.thinned()
        let weights = weights(thinned)
        // Gaps that end at probes that count once, each with its symbol: all of those near a failure are among them.
        var kept: [Int64: Int] = [:]
        for index in 1..<thinned.count where weights[index] == 1 {
            kept[thinned.startUs[index] - thinned.startUs[index - 1], default: 0] += 1
        }
        let failures = all.symbol.indices.filter { all.symbol[$0] != 0 }
        let meanUs = (all.startUs[all.count - 1] - all.startUs[0]) / Int64(all.count) + 1
        let near = Set(failures.flatMap { max(1, $0 - 8)...min(all.count - 1, $0 + 8) })
            .union(1..<8).union(all.count - 8..<all.count)
            .union(all.startUs.indices.dropFirst().filter { all.startUs[$0] - all.startUs[$0 - 1] > 8 * meanUs })
        for index in near { kept[all.startUs[index] - all.startUs[index - 1], default: 0] -= 1 }
        #expect(kept.values.allSatisfy { $0 == 0 })
    }

    /// Three days of eight hours, a probe a second, and nights without traffic. Nights that are left out, or count many
    /// times over, would move the rate of outages by a factor.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `nights without traffic stay as they are`(seed: UInt64) {
        var host = SimulatedHost(probes: 86_400, gapSeconds: 1)
        host.truth.outageRatePerSecond = 1 / 1_600.0
        host.truth.recoveryRatePerSecond = 1 / 8.0
        var all = probes(host, seed: seed)
        for index in all.startUs.indices { all.startUs[index] += Int64(index / 28_800) * 57_600_000_000 }
        let thinned = all.thinned()
        #expect(thinned.count < all.count / 2)
        let weights = weights(thinned)
        let nights = thinned.startUs.indices.dropFirst().filter {
            thinned.startUs[$0] - thinned.startUs[$0 - 1] > 50_000_000_000
        }
        #expect(nights.count == 2 && nights.allSatisfy { weights[$0] == 1 })
        let smoother = HostStateSmoother()
        func rate(_ probes: ProbeSequence) -> Double {
            HostStateMaximizer(hosts: [probes], prior: HostStateStatistics(), smoother: smoother)
                .maximize(from: host.truth).parameters.outageRatePerSecond
        }
        #expect(abs(log(rate(thinned) / rate(all))) < 0.1)
    }

    /// A failure at every 50th probe leaves 33 quiet ones between: more than one piece, less than two.
    @Test func `pieces run on over the failures between them`() {
        let all = ProbeSequence(
            startUs: (0..<200_000).map { Int64($0) * 1_000_000 }, symbol: (0..<200_000).map { $0 % 50 == 49 ? 1 : 0 })
        let thinned = all.thinned()
        let quiet = weights(thinned).count { $0 > 1 }
        #expect(quiet >= ProbeSequence.leastQuiet && quiet <= 2 * ProbeSequence.leastQuiet)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], [0.25, 4])
    func `a pass over the thinned log finds nearly what one over all finds`(seed: UInt64, gapSeconds: Double) {
        var host = busy
        host.gapSeconds = gapSeconds
        host.truth.outageRatePerSecond = 1 / (1_600 * gapSeconds)
        let all = probes(host, seed: seed)
        let prior = HostStateStatistics()
        let smoother = HostStateSmoother()
        let exact = HostStateMaximizer(hosts: [all], prior: prior, smoother: smoother)
        let quick = HostStateMaximizer(hosts: [all.thinned()], prior: prior, smoother: smoother)
        let (one, other) = (exact.step(host.truth), quick.step(host.truth))
        #expect(agrees(one.logLikelihood, other.logLikelihood, 2e-4))
        let (a, b) = (exact.maximize(from: host.truth).parameters, quick.maximize(from: host.truth).parameters)
        // What thinning costs in likelihood is far below what chance does to it: half a unit for each parameter.
        #expect(exact.logLikelihood(a) - exact.logLikelihood(b) < 0.1)
        #expect(abs(log(a.outageRatePerSecond / b.outageRatePerSecond)) < 0.05)
        #expect(abs(log(a.recoveryRatePerSecond / b.recoveryRatePerSecond)) < 0.05)
        #expect(abs(log(a.blip / b.blip)) < 0.01)
    }

    @Test func `weights count as often as the probes were written down`() {
        // Three equal stretches far apart, against one of them that counts three times.
        var generator = SeededGenerator(seed: 9)
        let host = SimulatedHost(probes: 400)
        let one = HostStateSmoother.probes(of: host.columns(&generator))[0]
        let chain = HostStateChain(host.truth)
        func passed(_ probes: ProbeSequence) -> (Double, HostStateStatistics) {
            let (found, value) = HostStatePass(probes, for: .fitting).statistics(chain)
            return (value, found)
        }
        var weighted = one
        weighted.blocks = [.init(begin: 0, weight: 3)]
        let (plain, counted) = (passed(one), passed(weighted))
        #expect(agrees(counted.0, 3 * plain.0, 1e-12))
        #expect(agrees(counted.1.outages, 3 * plain.1.outages, 1e-12))
        // Blocks of weight one say nothing new.
        var cut = one
        cut.blocks = [.init(begin: 0, weight: 1), .init(begin: 70, weight: 1), .init(begin: 300, weight: 1)]
        let again = passed(cut)
        #expect(agrees(again.0, plain.0, 1e-12))
        #expect(agrees(again.1.secondsDown, plain.1.secondsDown, 1e-12))
        #expect(agrees(again.1.up.1, plain.1.up.1, 1e-12))
        // A block's share is what it adds to the whole.
        cut.blocks[1].weight = 2
        let more = passed(cut).1
        let probes = more.up.0 + more.up.1 + more.up.2 + more.down.0 + more.down.1 + more.down.2
        #expect(agrees(probes, 630, 1e-12))
        let spanUs = one.startUs[399] - one.startUs[0] + one.startUs[299] - one.startUs[69]
        #expect(agrees(more.secondsUp + more.secondsDown, Double(spanUs) * 1e-6, 1e-12))
    }

    @Test func `short logs, and logs that fail throughout, are left alone`() {
        let short = probes(SimulatedHost(probes: 1_500), seed: 6)
        #expect(short.thinned().blocks.isEmpty && short.thinned().startUs == short.startUs)
        var host = SimulatedHost(probes: 30_000)
        host.truth.blip = 0.4
        let failing = probes(host, seed: 7)
        #expect(failing.thinned().startUs == failing.startUs)
        #expect(ProbeSequence().thinned().count == 0)
    }
}
