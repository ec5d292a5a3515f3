import Glibc

/// The transition law of the two-state chain over one gap: closed form, one exponential.
///
/// With s = λ + μ, p = λ/s (down), q = μ/s (up) and E = e^(−s t): P(up→up) = q + pE, P(down→down) = p + qE.
struct HostStateStep {
    let upToDown: Double
    let downToUp: Double
    /// 1 − E.
    let left: Double

    /// The rates as total and shares.
    struct Law {
        let total: Double
        let upShare: Double
        let downShare: Double

        @inline(__always)
        init(_ parameters: HostStateParameters) {
            total = parameters.outageRatePerSecond + parameters.recoveryRatePerSecond
            upShare = parameters.recoveryRatePerSecond / total
            downShare = parameters.outageRatePerSecond / total
        }
    }

    @inline(__always)
    init(_ law: Law, seconds: Double) {
        left = Self.risen(law.total * seconds)
        upToDown = law.downShare * left
        downToUp = law.upShare * left
    }

    /// 1 − e^(−x) for x ≥ 0, to the last digits. A third of `expm1`'s time, and most of the smoother's is spent here.
    @inline(__always)
    static func risen(_ x: Double) -> Double {
        // Gaps between probes are mostly short: six terms of the series leave x⁶/5040 of it.
        if x < 0.01 {
            let third = 1 - x * 0.25 * (1 - x * 0.2 * (1 - x * (1.0 / 6)))
            return x * (1 - x * 0.5 * (1 - x * (1.0 / 3) * third))
        }
        if x > 40 { return 1 }
        // e^(−x) = 2^(−k) e^r with |r| ≤ ln 2 / 2; the rest of the series of e^r is below 2 × 10⁻¹⁷.
        let shifted = x * 1.442_695_040_888_963_4 + 6_755_399_441_055_744
        let k = shifted - 6_755_399_441_055_744
        let r = k * 0.693_147_180_369_123_8 - x + k * 1.908_214_929_270_587_7e-10
        let r2 = r * r
        let r4 = r2 * r2
        let low = (1 + r) + r2 * (0.5 + r * (1.0 / 6))
        let middle = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040))
        let high =
            (1.0 / 40_320 + r * (1.0 / 362_880)) + r2 * (1.0 / 3_628_800 + r * (1.0 / 39_916_800))
            + r4 * (1.0 / 479_001_600 + r * (1.0 / 6_227_020_800))
        let power = Double(bitPattern: UInt64(bitPattern: 1023 &- Int64(k)) &<< 52)
        return 1 - power * (low + r4 * (middle + r4 * high))
    }

    @inline(__always) var upToUp: Double { 1 - upToDown }
    @inline(__always) var downToDown: Double { 1 - downToUp }
}

/// What EM needs of a pass over the probes; also carries priors, as the pseudo-data they are worth.
struct HostStateStatistics {
    /// Expected probes by symbol while up.
    var up = (0.0, 0.0, 0.0)
    /// Expected probes by symbol while down.
    var down = (0.0, 0.0, 0.0)
    /// Expected seconds up and down between the first and the last probe.
    var secondsUp = 0.0
    var secondsDown = 0.0
    /// Expected transitions.
    var outages = 0.0
    var recoveries = 0.0

    mutating func add(_ other: HostStateStatistics, times weight: Double = 1) {
        up = (up.0 + weight * other.up.0, up.1 + weight * other.up.1, up.2 + weight * other.up.2)
        down = (down.0 + weight * other.down.0, down.1 + weight * other.down.1, down.2 + weight * other.down.2)
        secondsUp += weight * other.secondsUp
        secondsDown += weight * other.secondsDown
        outages += weight * other.outages
        recoveries += weight * other.recoveries
    }
}

/// Forward–backward over irregular probes. methods: host state
struct HostStateChain {
    let parameters: HostStateParameters
    let law: HostStateStep.Law
    private let emissionUp: (Double, Double, Double)
    private let emissionDown: (Double, Double, Double)

    init(_ parameters: HostStateParameters) {
        self.parameters = parameters
        law = HostStateStep.Law(parameters)
        // A probe that a state calls impossible would end the pass in 0/0; one in 10^12 is as good as never.
        let (u0, u1, u2) = parameters.emissionUp
        let (d0, d1, d2) = parameters.emissionDown
        emissionUp = (max(u0, 1e-12), max(u1, 1e-12), max(u2, 1e-12))
        emissionDown = (max(d0, 1e-12), max(d1, 1e-12), max(d2, 1e-12))
    }

    /// Fills `filteredDown[i]` = P(down at i | probes ≤ i); returns the log-likelihood of the probes.
    func forward(_ probes: ProbeSequence, filteredDown: inout [Double]) -> Double {
        probes.startUs.withUnsafeBufferPointer { startUs in
            probes.symbol.withUnsafeBufferPointer { symbol in
                filteredDown.withUnsafeMutableBufferPointer { filteredDown in
                    forward(startUs, symbol, probes.blocks, filteredDown.baseAddress)
                }
            }
        }
    }

    private func forward(
        _ startUs: UnsafeBufferPointer<Int64>, _ symbols: UnsafeBufferPointer<UInt8>,
        _ blocks: [ProbeSequence.Block], _ filteredDown: UnsafeMutablePointer<Double>?
    ) -> Double {
        var logLikelihood = 0.0
        // Of the block that is gone through, and of those before, each times its weight.
        var (finished, block) = (0.0, 0)
        var nextBegin = blocks.count > 1 ? blocks[1].begin : -1
        // P(state, probes so far) but for a factor: a division at every step would be waited for.
        var up = law.upShare
        var down = law.downShare
        for index in 0..<startUs.count {
            if index == nextBegin {
                let sum = up + down
                finished += blocks[block].weight * (logLikelihood + log(sum))
                (up, down, logLikelihood) = (up / sum, down / sum, 0)
                block += 1
                nextBegin = block + 1 < blocks.count ? blocks[block + 1].begin : -1
            }
            if index > 0 {
                let step = HostStateStep(law, seconds: Double(startUs[index] &- startUs[index - 1]) * 1e-6)
                let moved = up * step.upToDown - down * step.downToUp
                up -= moved
                down += moved
            }
            let (emitUp, emitDown) = emission(symbols[index])
            up *= emitUp
            down *= emitDown
            if down < up * Self.leastShare { down = up * Self.leastShare }
            if up < down * Self.leastShare { up = down * Self.leastShare }
            let sum = up + down
            filteredDown?[index] = down / sum
            if sum < 1e-150 {
                logLikelihood += log(sum)
                up /= sum
                down /= sum
            }
        }
        return finished + (blocks.last?.weight ?? 1) * (logLikelihood + log(up + down))
    }

    /// The log-likelihood of the probes alone.
    func logLikelihood(_ probes: ProbeSequence) -> Double {
        probes.startUs.withUnsafeBufferPointer { startUs in
            probes.symbol.withUnsafeBufferPointer { forward(startUs, $0, probes.blocks, nil) }
        }
    }

    /// Fills `aheadUp[i]` = the share of up in P(probes ≥ i | state at i); collects EM's statistics on the way.
    func backward(_ probes: ProbeSequence, filteredDown: [Double], aheadUp: inout [Double]) -> HostStateStatistics {
        aheadUp.withUnsafeMutableBufferPointer { backward(probes, filteredDown, $0.baseAddress, nil) }
    }

    /// The same, and `posteriorDown[i]` = P(down at i | all probes).
    func backward(
        _ probes: ProbeSequence, filteredDown: [Double], aheadUp: inout [Double], posteriorDown: inout [Double]
    ) {
        aheadUp.withUnsafeMutableBufferPointer { aheadUp in
            posteriorDown.withUnsafeMutableBufferPointer { posteriorDown in
                _ = backward(probes, filteredDown, aheadUp.baseAddress, posteriorDown.baseAddress)
            }
        }
    }

    /// EM's statistics alone.
    func statistics(_ probes: ProbeSequence, filteredDown: [Double]) -> HostStateStatistics {
        backward(probes, filteredDown, nil, nil)
    }

    private func backward(
        _ probes: ProbeSequence, _ filteredDown: [Double], _ aheadUp: UnsafeMutablePointer<Double>?,
        _ posteriorDown: UnsafeMutablePointer<Double>?
    ) -> HostStateStatistics {
        probes.startUs.withUnsafeBufferPointer { startUs in
            probes.symbol.withUnsafeBufferPointer { symbol in
                filteredDown.withUnsafeBufferPointer {
                    backward(startUs, symbol, probes.blocks, $0, aheadUp, posteriorDown)
                }
            }
        }
    }

    private func backward(
        _ startUs: UnsafeBufferPointer<Int64>, _ symbols: UnsafeBufferPointer<UInt8>,
        _ blocks: [ProbeSequence.Block], _ filteredDown: UnsafeBufferPointer<Double>,
        _ aheadUp: UnsafeMutablePointer<Double>?, _ posteriorDown: UnsafeMutablePointer<Double>?
    ) -> HostStateStatistics {
        // Of the block that is gone through, and of those after it, each times its weight.
        var (statistics, finished) = (HostStateStatistics(), HostStateStatistics())
        var bridges = BridgeSums()
        var block = blocks.count - 1
        let perTotal = 1 / law.total
        // P(probes from the next on | state there) but for a factor.
        var aheadOfUp = 0.5
        var aheadOfDown = 0.5
        for index in stride(from: startUs.count - 1, through: 0, by: -1) {
            let down = filteredDown[index]
            var betaUp = 1.0
            var betaDown = 1.0
            var posterior = down
            if index + 1 < startUs.count {
                let seconds = Double(startUs[index + 1] &- startUs[index]) * 1e-6
                let step = HostStateStep(law, seconds: seconds)
                let gain = aheadOfUp - aheadOfDown
                betaUp = aheadOfUp - step.upToDown * gain
                betaDown = aheadOfDown + step.downToUp * gain
                let norm = 1 / (down * betaDown + (1 - down) * betaUp)
                let (up, down) = ((1 - down) * norm, down * norm)
                let ends = SIMD4(up * aheadOfUp, up * aheadOfDown, down * aheadOfUp, down * aheadOfDown)
                bridges.add(ends, seconds: seconds, left: step.left, law.total, perTotal)
                posterior = down * betaDown
                if block > 0 && index + 1 == blocks[block].begin {
                    bridges.move(into: &statistics, law, outageRate: parameters.outageRatePerSecond)
                    finished.add(statistics, times: blocks[block].weight)
                    (statistics, bridges) = (HostStateStatistics(), BridgeSums())
                    block -= 1
                }
            }
            posteriorDown?[index] = posterior
            collectProbe(into: &statistics, symbol: symbols[index], down: posterior)
            let (emitUp, emitDown) = emission(symbols[index])
            aheadOfUp = emitUp * betaUp
            aheadOfDown = emitDown * betaDown
            if aheadOfDown < aheadOfUp * Self.leastShare { aheadOfDown = aheadOfUp * Self.leastShare }
            if aheadOfUp < aheadOfDown * Self.leastShare { aheadOfUp = aheadOfDown * Self.leastShare }
            aheadUp?[index] = aheadOfUp / (aheadOfUp + aheadOfDown)
            if aheadOfUp + aheadOfDown < 1e-150 {
                aheadOfUp *= 1e150
                aheadOfDown *= 1e150
            }
        }
        bridges.move(into: &statistics, law, outageRate: parameters.outageRatePerSecond)
        finished.add(statistics, times: blocks.first?.weight ?? 1)
        return finished
    }

    /// No state becomes certain by rounding: two probes in one microsecond may contradict each other, and a state that
    /// both sides exclude would be 0/0.
    private static let leastShare = 1e-12

    @inline(__always)
    private func emission(_ symbol: UInt8) -> (up: Double, down: Double) {
        switch symbol {
        case 0: (emissionUp.0, emissionDown.0)
        case 1: (emissionUp.1, emissionDown.1)
        default: (emissionUp.2, emissionDown.2)
        }
    }

    @inline(__always)
    private func collectProbe(into statistics: inout HostStateStatistics, symbol: UInt8, down: Double) {
        switch symbol {
        case 0:
            statistics.up.0 += 1 - down
            statistics.down.0 += down
        case 1:
            statistics.up.1 += 1 - down
            statistics.down.1 += down
        default:
            statistics.up.2 += 1 - down
            statistics.down.2 += down
        }
    }
}

/// Sums over the gaps between probes, weighted with the posterior of the states at their ends: of these EM's expected
/// times and transitions are made. methods: host state
private struct BridgeSums {
    // Up to up, up to down, down to up, down to down: each with its gap's t, 1 − E, and these two, where j = (1 − E)/s.
    private var seconds = SIMD4<Double>.zero
    private var left = SIMD4<Double>.zero
    /// t − j.
    private var early = SIMD4<Double>.zero
    /// j − tE.
    private var late = SIMD4<Double>.zero
    private var allSeconds = 0.0

    /// - Parameter ends: the states at two probes that follow each other, given all probes, each without the P(a→b) of
    ///   the path between: the integrals of the bridge carry it already.
    @inline(__always)
    mutating func add(_ ends: SIMD4<Double>, seconds t: Double, left: Double, _ total: Double, _ perTotal: Double) {
        let x = total * t
        let j = left * perTotal
        let early = x < 1e-4 ? t * x * (0.5 - x * (1.0 / 6)) : t - j
        let late = x < 1e-4 ? t * x * (0.5 - x * (1.0 / 3)) : j - t * (1 - left)
        seconds += ends * t
        self.left += ends * left
        self.early += ends * early
        self.late += ends * late
        allSeconds += t
    }

    /// The integrals ∫ P(a→c, r) P(d→b, t−r) dr of the two-state chain in closed form, with p = λ/s, q = μ/s.
    func move(into statistics: inout HostStateStatistics, _ law: HostStateStep.Law, outageRate: Double) {
        let (p, q) = (law.downShare, law.upShare)
        let mixed = p * early + q * late
        let both = early - late
        let secondsDown =
            p * q * both[0] + p * mixed[1] + q * mixed[2]
            + (seconds[3] - q * (1 + p) * early[3] - q * q * late[3])
        let perRate =
            q * (q * early[0] + p * late[0]) + (seconds[1] - (1 - p * q) * early[1] - p * q * late[1])
            + q * q * both[2] + q * mixed[3]
        statistics.secondsDown += secondsDown
        statistics.secondsUp += max(0, allSeconds - secondsDown)
        statistics.outages += outageRate * perRate
        statistics.recoveries += max(0, outageRate * perRate + q * left[2] - p * left[1])
    }
}
