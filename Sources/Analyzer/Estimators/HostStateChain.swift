/// The transition law of the two-state chain over a gap: closed form, one exponential.
///
/// With s = λ + μ, p = λ/s (down), q = μ/s (up) and E = e^(−s t): P(up→up) = q + pE, P(down→down) = p + qE.
struct HostStateLaw {
    /// s, per second.
    let total: Double
    /// q.
    let upShare: Double
    /// p.
    let downShare: Double

    init(_ parameters: HostStateParameters) {
        total = parameters.outageRatePerSecond + parameters.recoveryRatePerSecond
        upShare = parameters.recoveryRatePerSecond / total
        downShare = parameters.outageRatePerSecond / total
    }

    /// 1 − e^(−x) of two x ≥ 0, to the last digits. It neither branches nor looks up: long gaps follow short ones as
    /// they like, and hundreds of millions are asked for.
    @inline(__always)
    static func risen(_ asked: SIMD2<Double>) -> SIMD2<Double> {
        // Beyond 40 it is 1.
        let x = asked.replacing(with: 40, where: asked .> 40)
        // e^(−x) = 2^(−k) e^r with |r| ≤ ln 2 / 2; the rest of the series of e^r is below 2 × 10⁻¹⁷.
        let shifted = x * 1.442_695_040_888_963_4 + 6_755_399_441_055_744
        let k = shifted - 6_755_399_441_055_744
        let r = k * 0.693_147_180_369_123_8 - x + k * 1.908_214_929_270_587_7e-10
        let r2 = r * r
        let r4 = r2 * r2
        let low = r + r2 * line(0.5, 1.0 / 6, r)
        let middle = line(1.0 / 24, 1.0 / 120, r) + r2 * line(1.0 / 720, 1.0 / 5040, r)
        let next = line(1.0 / 40_320, 1.0 / 362_880, r) + r2 * line(1.0 / 3_628_800, 1.0 / 39_916_800, r)
        let high = next + r4 * line(1.0 / 479_001_600, 1.0 / 6_227_020_800, r)
        // e^r − 1, not e^r: so the rise over a short gap keeps its digits.
        let grown = low + r4 * (middle + r4 * high)
        let bits = unsafeBitCast(shifted, to: SIMD2<UInt64>.self)
        let power = unsafeBitCast((1023 &- bits) &<< 52, to: SIMD2<Double>.self)
        return (1 - power) - power * grown
    }

    /// Below, the series alone gives all digits.
    static let short = 0.3

    /// The same for x < `short` in half the time, if one is waited for.
    @inline(__always)
    static func risenShort(_ x: SIMD2<Double>) -> SIMD2<Double> {
        let x2 = x * x
        let x4 = x2 * x2
        let low = line(1, -1.0 / 2, x) + x2 * line(1.0 / 6, -1.0 / 24, x)
        let middle = line(1.0 / 120, -1.0 / 720, x) + x2 * line(1.0 / 5040, -1.0 / 40_320, x)
        let high = line(1.0 / 362_880, -1.0 / 3_628_800, x) + x2 * line(1.0 / 39_916_800, -1.0 / 479_001_600, x)
        return x * (low + x4 * (middle + x4 * high))
    }

    @inline(__always)
    private static func line(_ level: Double, _ slope: Double, _ r: SIMD2<Double>) -> SIMD2<Double> {
        level + r * slope
    }
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

/// The chain as probes see it. methods: host state
struct HostStateChain {
    let parameters: HostStateParameters
    let law: HostStateLaw
    /// P(probe | up) and P(probe | down) by `ProbeSymbol`.
    let emission: [SIMD2<Double>]

    init(_ parameters: HostStateParameters) {
        self.parameters = parameters
        law = HostStateLaw(parameters)
        // A probe that a state calls impossible would end the pass in 0/0; one in 10^12 is as good as never.
        let (u0, u1, u2) = parameters.emissionUp
        let (d0, d1, d2) = parameters.emissionDown
        emission = [(u0, d0), (u1, d1), (u2, d2)].map { SIMD2(max($0.0, 1e-12), max($0.1, 1e-12)) }
    }
}
