/// What the smoother knows of a host: a two-state (up/down) chain in continuous time, seen through noisy probes.
///
/// methods: host state
public struct HostStateParameters: Equatable, Sendable {
    /// P(an error, a reset, a refused connection or a refusal for load | up): the blip probability without timeouts.
    public var blip: Double
    /// P(no answer by the limit | up): stragglers and big requests.
    public var timeoutWhileUp: Double
    /// P(success | down), at most 0.5: what makes "down" the state that fails.
    public var leak: Double
    /// The share of timeouts among the failures of a host that is down.
    public var timeoutShareWhileDown: Double
    /// Rate up -> down per second; 0 when the log shows no outage.
    public var outageRatePerSecond: Double
    /// Rate down -> up per second.
    public var recoveryRatePerSecond: Double

    /// Parameters; probabilities in [0, 1], rates per second.
    public init(
        blip: Double, timeoutWhileUp: Double = 0, leak: Double, timeoutShareWhileDown: Double = 0,
        outageRatePerSecond: Double, recoveryRatePerSecond: Double
    ) {
        self.blip = blip
        self.timeoutWhileUp = timeoutWhileUp
        self.leak = leak
        self.timeoutShareWhileDown = timeoutShareWhileDown
        self.outageRatePerSecond = outageRatePerSecond
        self.recoveryRatePerSecond = recoveryRatePerSecond
    }

    /// P(failure of any kind | up).
    public var failureWhileUp: Double { blip + timeoutWhileUp }

    /// The long-run share of time up.
    public var upShare: Double {
        outageRatePerSecond == 0 ? 1 : recoveryRatePerSecond / (outageRatePerSecond + recoveryRatePerSecond)
    }

    /// The mean length of an outage, microseconds.
    public var meanOutageUs: Double { 1e6 / recoveryRatePerSecond }

    /// The mean time from a recovery to the next outage, microseconds; infinite when the log shows no outage.
    public var meanUpUs: Double { 1e6 / outageRatePerSecond }

    /// P(probe | up) by `ProbeSymbol`.
    var emissionUp: (Double, Double, Double) { (1 - blip - timeoutWhileUp, blip, timeoutWhileUp) }

    /// P(probe | down) by `ProbeSymbol`.
    var emissionDown: (Double, Double, Double) {
        (leak, (1 - leak) * (1 - timeoutShareWhileDown), (1 - leak) * timeoutShareWhileDown)
    }
}

/// Attempts of one host that tell of its state, in order of their start.
struct ProbeSequence {
    /// Start times, UNIX microseconds, ascending.
    var startUs: [Int64] = []
    /// 0 success, 1 failure other than a timeout, 2 timeout.
    var symbol: [UInt8] = []
    /// The row of each probe in the columns.
    var row: [Int32] = []
    /// How often probes count, in order of `begin`, the first of which is 0; none: all once.
    var blocks: [Block] = []

    var count: Int { startUs.count }
}
