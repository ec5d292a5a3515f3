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
        left = -expm1(-law.total * seconds)
        upToDown = law.downShare * left
        downToUp = law.upShare * left
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

    mutating func add(_ other: HostStateStatistics) {
        up = (up.0 + other.up.0, up.1 + other.up.1, up.2 + other.up.2)
        down = (down.0 + other.down.0, down.1 + other.down.1, down.2 + other.down.2)
        secondsUp += other.secondsUp
        secondsDown += other.secondsDown
        outages += other.outages
        recoveries += other.recoveries
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
                    forward(startUs, symbol, filteredDown)
                }
            }
        }
    }

    private func forward(
        _ startUs: UnsafeBufferPointer<Int64>, _ symbols: UnsafeBufferPointer<UInt8>,
        _ filteredDown: UnsafeMutableBufferPointer<Double>
    ) -> Double {
        var logLikelihood = 0.0
        var product = 1.0
        var down = law.downShare
        for index in 0..<startUs.count {
            if index > 0 {
                let step = HostStateStep(law, seconds: Double(startUs[index] &- startUs[index - 1]) * 1e-6)
                down = down * step.downToDown + (1 - down) * step.upToDown
            }
            let (emitUp, emitDown) = emission(symbols[index])
            let downPart = down * emitDown
            let sum = (1 - down) * emitUp + downPart
            down = Self.possible(downPart / sum)
            filteredDown[index] = down
            product *= sum
            if product < 1e-200 {
                logLikelihood += log(product)
                product = 1
            }
        }
        return logLikelihood + log(product)
    }

    /// Fills `aheadUp[i]` = the share of up in P(probes ≥ i | state at i); collects EM's statistics on the way.
    func backward(_ probes: ProbeSequence, filteredDown: [Double], aheadUp: inout [Double]) -> HostStateStatistics {
        probes.startUs.withUnsafeBufferPointer { startUs in
            probes.symbol.withUnsafeBufferPointer { symbol in
                filteredDown.withUnsafeBufferPointer { filteredDown in
                    aheadUp.withUnsafeMutableBufferPointer { backward(startUs, symbol, filteredDown, $0) }
                }
            }
        }
    }

    private func backward(
        _ startUs: UnsafeBufferPointer<Int64>, _ symbols: UnsafeBufferPointer<UInt8>,
        _ filteredDown: UnsafeBufferPointer<Double>, _ aheadUp: UnsafeMutableBufferPointer<Double>
    ) -> HostStateStatistics {
        var statistics = HostStateStatistics()
        var betaUp = 0.5
        var betaDown = 0.5
        for index in stride(from: startUs.count - 1, through: 0, by: -1) {
            let down = filteredDown[index]
            if index + 1 < startUs.count {
                let seconds = Double(startUs[index + 1] &- startUs[index]) * 1e-6
                let step = HostStateStep(law, seconds: seconds)
                let nextUp = aheadUp[index + 1]
                betaUp = step.upToUp * nextUp + step.upToDown * (1 - nextUp)
                betaDown = step.downToUp * nextUp + step.downToDown * (1 - nextUp)
                collectBridge(into: &statistics, down: down, nextUp: nextUp, seconds: seconds, step: step)
            }
            let posteriorDown = down * betaDown / (down * betaDown + (1 - down) * betaUp)
            collectProbe(into: &statistics, symbol: symbols[index], down: posteriorDown)
            let (emitUp, emitDown) = emission(symbols[index])
            let upPart = emitUp * betaUp
            aheadUp[index] = Self.possible(upPart / (upPart + emitDown * betaDown))
        }
        return statistics
    }

    /// A share that rounding has not made certain: two probes in one microsecond may contradict each other, and a state
    /// that both sides exclude would be 0/0.
    @inline(__always)
    private static func possible(_ share: Double) -> Double { min(1 - 1e-12, max(1e-12, share)) }

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

    /// Expected time and transitions between two probes, given all probes: the integrals ∫ P(a→c, r) P(d→b, t−r) dr
    /// of the two-state chain in closed form, weighted with the posterior of the end states.
    @inline(__always)
    private func collectBridge(
        into statistics: inout HostStateStatistics, down: Double, nextUp: Double, seconds t: Double, step: HostStateStep
    ) {
        if t <= 0 { return }
        let p = law.downShare
        let q = law.upShare
        let weightUpUp = (1 - down) * step.upToUp * nextUp
        let weightUpDown = (1 - down) * step.upToDown * (1 - nextUp)
        let weightDownUp = down * step.downToUp * nextUp
        let weightDownDown = down * step.downToDown * (1 - nextUp)
        let norm = 1 / (weightUpUp + weightUpDown + weightDownUp + weightDownDown)
        // The joint without P(a→b): the integrals below already carry the path's probability.
        let uu = (1 - down) * nextUp * norm
        let ud = (1 - down) * (1 - nextUp) * norm
        let du = down * nextUp * norm
        let dd = down * (1 - nextUp) * norm
        let x = law.total * t
        let decayed = 1 - step.left
        let j = step.left / law.total
        let tMinusJ = x < 1e-4 ? t * x * (0.5 - x / 6) : t - j
        let jMinusTE = x < 1e-4 ? t * x * (0.5 - x / 3) : j - t * decayed
        let a = x < 1e-3 ? t * x * x * (1 - 0.5 * x) / 6 : tMinusJ - jMinusTE
        let mixed = p * tMinusJ + q * jMinusTE
        let secondsDown =
            uu * p * q * a + ud * p * mixed + du * q * mixed
            + dd * (p * p * t + 2 * p * q * j + q * q * t * decayed)
        let perRate =
            uu * q * (q * tMinusJ + p * jMinusTE) + ud * (p * q * t + (p * p + q * q) * j + p * q * t * decayed)
            + du * q * q * a + dd * q * mixed
        let outages = parameters.outageRatePerSecond * perRate
        statistics.secondsDown += secondsDown
        statistics.secondsUp += max(0, t - secondsDown)
        statistics.outages += outages
        statistics.recoveries += max(0, outages + (weightDownUp - weightUpDown) * norm)
    }
}
