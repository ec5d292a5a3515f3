import Glibc

/// Maximum a posteriori for the two-state chain: EM, sped up by squared extrapolation (Varadhan & Roland 2008).
/// methods: host state
struct HostStateMaximizer {
    struct Fit {
        var parameters: HostStateParameters
        /// Of the probes, plus the log-prior; at the parameters before the last step.
        var logLikelihood: Double
        /// How often all probes were gone through to find it.
        var passes = 0
    }

    /// A host that fails more often than this while "up" is down: the bound that tells the states apart.
    static let mostBlips = 0.5

    let hosts: [ProbeSequence]
    let prior: HostStateStatistics
    let smoother: HostStateSmoother

    /// Log-likelihood plus log-prior.
    func logLikelihood(_ parameters: HostStateParameters) -> Double {
        let chain = HostStateChain(parameters)
        var sum = 0.0
        // One after the other: on all probes of a route there is no room for more.
        for probes in hosts where probes.count > 0 {
            sum += HostStatePass(probes, for: .likelihood).logLikelihood(chain)
        }
        return sum + logPrior(parameters)
    }

    private func logLikelihood(_ parameters: HostStateParameters, _ passes: [HostStatePass]) -> Double {
        let chain = HostStateChain(parameters)
        return passes.reduce(0) { $0 + $1.logLikelihood(chain) } + logPrior(parameters)
    }

    private func passes() -> [HostStatePass] {
        hosts.filter { $0.count > 0 }.map { HostStatePass($0, for: .fitting) }
    }

    /// Plain EM steps from each of some points, for those that are likeliest after one step: two steps for each that is
    /// kept. Much of the work of steps is in their statistics, of which the others need none.
    func steps(from starts: [HostStateParameters], keeping count: Int) -> [HostStateParameters] {
        let passes = passes()
        let tried = starts.map { start in
            let parameters = step(start, passes).parameters
            return Fit(parameters: parameters, logLikelihood: logLikelihood(parameters, passes))
        }
        return tried.sorted { $0.logLikelihood > $1.logLikelihood }.prefix(count).map {
            step($0.parameters, passes).parameters
        }
    }

    /// The likeliest point after three more steps from each, and a step further.
    func likeliest(of points: [HostStateParameters]) -> HostStateParameters? {
        let passes = passes()
        let fits = points.map { point in
            let parameters = (0..<3).reduce(point) { parameters, _ in step(parameters, passes).parameters }
            return Fit(parameters: parameters, logLikelihood: logLikelihood(parameters, passes))
        }
        return fits.max { $0.logLikelihood < $1.logLikelihood }.map { step($0.parameters, passes).parameters }
    }

    /// To a maximum near `start`.
    func maximize(from start: HostStateParameters) -> Fit {
        let passes = passes()
        var current = start
        var reached = -Double.infinity
        var count = 0
        for _ in 0..<smoother.maxCycles {
            let first = step(current, passes)
            let second = step(first.parameters, passes)
            let leap = extrapolate(current, first.parameters, second.parameters)
            let third = step(leap, passes)
            // The leap may overshoot; EM itself never loses.
            let isWorse = !(third.logLikelihood >= second.logLikelihood)
            current = isWorse ? step(second.parameters, passes).parameters : third.parameters
            count += isWorse ? 4 : 3
            let level = max(second.logLikelihood, third.logLikelihood)
            let gain = level - reached
            reached = level
            if gain < smoother.tolerance { break }
        }
        return Fit(parameters: current, logLikelihood: reached, passes: count)
    }

    /// One EM step from `parameters`; the log-likelihood returned is that *at* `parameters`.
    func step(_ parameters: HostStateParameters) -> Fit { step(parameters, passes()) }

    private func step(_ parameters: HostStateParameters, _ passes: [HostStatePass]) -> Fit {
        let chain = HostStateChain(parameters)
        var statistics = prior
        var sum = 0.0
        for pass in passes {
            let (found, logLikelihood) = pass.statistics(chain)
            sum += logLikelihood
            statistics.add(found)
        }
        return Fit(
            parameters: Self.maximum(of: statistics, keeping: parameters),
            logLikelihood: sum + logPrior(parameters))
    }

    static func maximum(
        of statistics: HostStateStatistics, keeping old: HostStateParameters
    ) -> HostStateParameters {
        let up = statistics.up
        let probesUp = up.0 + up.1 + up.2
        let scale = min(1, mostBlips * probesUp / max(1e-300, up.1 + up.2))
        let down = statistics.down
        let failuresDown = down.1 + down.2
        return HostStateParameters(
            blip: probesUp > 0 ? up.1 * scale / probesUp : old.blip,
            timeoutWhileUp: probesUp > 0 ? up.2 * scale / probesUp : old.timeoutWhileUp,
            leak: min(0.5, down.0 / max(1e-300, down.0 + failuresDown)),
            timeoutShareWhileDown: failuresDown > 0 ? down.2 / failuresDown : old.timeoutShareWhileDown,
            outageRatePerSecond: bounded(statistics.outages, statistics.secondsUp, old.outageRatePerSecond),
            recoveryRatePerSecond: bounded(statistics.recoveries, statistics.secondsDown, old.recoveryRatePerSecond))
    }

    /// A rate; sojourns below a microsecond and above 10^5 years mean nothing here.
    private static func bounded(_ events: Double, _ seconds: Double, _ old: Double) -> Double {
        if old == 0 { return 0 }
        return seconds > 0 ? min(1e6, max(3e-13, events / seconds)) : old
    }

    private func logPrior(_ parameters: HostStateParameters) -> Double {
        func term(_ weight: Double, _ value: Double) -> Double { weight > 0 ? weight * log(max(value, 1e-12)) : 0 }
        let (u0, u1, u2) = parameters.emissionUp
        let (d0, d1, d2) = parameters.emissionDown
        var sum = term(prior.up.0, u0) + term(prior.up.1, u1) + term(prior.up.2, u2)
        sum += term(prior.down.0, d0) + term(prior.down.1, d1) + term(prior.down.2, d2)
        let recovery = parameters.recoveryRatePerSecond
        sum += prior.recoveries * log(recovery) - recovery * prior.secondsDown
        let outage = parameters.outageRatePerSecond
        if outage > 0 { sum += prior.outages * log(outage) - outage * prior.secondsUp }
        return sum
    }

    /// θ₀ − 2αr + α²v on logarithms and logits, α = −|r|/|v|, not beyond a bounded leap.
    private func extrapolate(
        _ zero: HostStateParameters, _ one: HostStateParameters, _ two: HostStateParameters
    ) -> HostStateParameters {
        let a = Self.free(zero)
        let b = Self.free(one)
        let c = Self.free(two)
        var normR = 0.0
        var normV = 0.0
        for index in a.indices {
            let r = b[index] - a[index]
            let v = c[index] - 2 * b[index] + a[index]
            normR += r * r
            normV += v * v
        }
        guard normR > 0, normV > 0 else { return two }
        let alpha = -max(1, min(50, (normR / normV).squareRoot()))
        var leap = a
        for index in a.indices {
            let r = b[index] - a[index]
            let v = c[index] - 2 * b[index] + a[index]
            let moved = a[index] - 2 * alpha * r + alpha * alpha * v
            leap[index] = max(c[index] - 3, min(c[index] + 3, moved))
        }
        return Self.bound(leap, like: two)
    }

    private static func free(_ parameters: HostStateParameters) -> [Double] {
        func logit(_ p: Double) -> Double { log(max(p, 1e-12) / max(1 - p, 1e-12)) }
        return [
            logit(parameters.blip), logit(parameters.timeoutWhileUp), logit(parameters.leak),
            logit(parameters.timeoutShareWhileDown), log(max(parameters.outageRatePerSecond, 1e-300)),
            log(parameters.recoveryRatePerSecond),
        ]
    }

    private static func bound(_ free: [Double], like old: HostStateParameters) -> HostStateParameters {
        func chance(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        let failures = chance(free[0]) + chance(free[1])
        let scale = min(1, mostBlips / failures)
        return HostStateParameters(
            blip: chance(free[0]) * scale, timeoutWhileUp: chance(free[1]) * scale, leak: min(0.5, chance(free[2])),
            timeoutShareWhileDown: chance(free[3]),
            outageRatePerSecond: old.outageRatePerSecond == 0 ? 0 : min(1e6, max(3e-13, exp(free[4]))),
            recoveryRatePerSecond: min(1e6, max(3e-13, exp(free[5]))))
    }
}
