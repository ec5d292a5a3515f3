/// A rate limiter: a bucket that `perSecond` tokens flow into until it holds `burst`. Who finds a whole token takes it
/// and is served; who does not is refused and takes nothing.
///
/// The generic cell rate algorithm (ITU-T I.371) in other words: what nginx's `limit_req` with `nodelay`, Envoy's local
/// rate limit and most libraries do. methods: rate limit
struct TokenBucket: Equatable, Sendable {
    /// Tokens a second.
    let perSecond: Double
    /// The most tokens it holds, at least 1.
    let burst: Double
    /// Tokens at `nowUs`.
    private(set) var tokens: Double
    private var nowUs = Int64.min

    /// A full bucket.
    init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = max(1, burst)
        tokens = self.burst
    }

    /// Lets tokens flow in. Time does not run backwards: an earlier instant changes nothing.
    @inline(__always)
    mutating func advance(toUs atUs: Int64) {
        if atUs <= nowUs { return }
        if nowUs != .min { tokens = min(burst, tokens + Double(atUs - nowUs) * 1e-6 * perSecond) }
        nowUs = atUs
    }

    /// Whether an attempt is served; only then it takes its token, and only if it counts.
    @inline(__always)
    mutating func take(atUs: Int64, counts: Bool = true) -> Bool {
        advance(toUs: atUs)
        guard tokens >= Self.leastServed else { return false }
        if counts { tokens -= 1 }
        return true
    }

    /// Takes what happened for the truth and goes on from the nearest state in which this bucket would have done the
    /// same; returns how many tokens that is away, 0 where it is this one.
    @inline(__always)
    mutating func follow(atUs: Int64, wasRefused: Bool) -> Double {
        advance(toUs: atUs)
        if wasRefused {
            let missed = max(0, tokens - Self.mostRefused)
            tokens -= missed
            return missed
        }
        let missed = max(0, Self.leastServed - tokens)
        tokens = max(0, tokens + missed - 1)
        return missed
    }

    /// What flows in in whole microseconds adds up to a token but for rounding.
    private static let leastServed = 1 - 1e-9
    private static let mostRefused = leastServed - 1e-9
}
