import Glibc

/// The token buckets by which some clients stop retrying, and the share of failing attempts at which they run dry.
///
/// Attempts fail independently with one probability; what matters is whether the bucket gains or loses in the long run.
/// methods: quota
public struct RetryQuota: Equatable, Sendable {
    /// How a bucket is filled and emptied.
    public enum Kind: Equatable, Sendable {
        /// A retry costs `cost`; a request that its first attempt answers brings 1; one that a retry answers gets the
        /// cost of that retry back if `refunds`, else nothing (AWS SDKs).
        case charged(cost: Double, refunds: Bool)
        /// A failed attempt costs 1, an answered one brings `ratio` (gRPC A6).
        case counted(ratio: Double)
    }

    /// How it is filled and emptied.
    public var kind: Kind
    /// Attempts a request may have, the first included.
    public var maxAttempts: Int

    /// A bucket.
    ///
    /// - Precondition: at least one attempt.
    public init(_ kind: Kind, maxAttempts: Int) {
        precondition(maxAttempts >= 1, "a request has at least one attempt, not \(maxAttempts)")
        self.kind = kind
        self.maxAttempts = maxAttempts
    }

    /// Tokens gained by a request on average while the bucket allows all its retries and attempts fail with
    /// probability `failing`.
    public func drift(failing: Double) -> Double {
        var drift = 0.0
        var reached = 1.0
        for attempt in 1...maxAttempts {
            let answered = reached * (1 - failing)
            switch kind {
            case .charged(let cost, let refunds):
                if attempt > 1 { drift -= reached * cost }
                drift += answered * (attempt == 1 ? 1 : refunds ? cost : 0)
            case .counted(let ratio):
                drift += answered * ratio - reached * failing
            }
            reached *= failing
        }
        return drift
    }

    /// The share of failing attempts above which the bucket empties, however large it is; 1 if it never does.
    public var drainingShare: Double {
        if drift(failing: 1) >= 0 { return 1 }
        var low = 0.0
        var high = 1.0
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if drift(failing: middle) > 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
