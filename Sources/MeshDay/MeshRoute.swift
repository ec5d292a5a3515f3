import Glibc
import Retry

/// What distinguishes a route of the mesh: drawn once, the same for every number of attempts.
struct MeshRoute: Sendable {
    /// Logarithm of the median latency in microseconds.
    let logMedian: Double
    /// Standard deviation of the logarithm of the latency.
    let sigma: Double
    let isGRPC: Bool
    /// The share of requests with the second method.
    let secondShare: Double
    /// Indices into `MeshDay.methodNames`.
    let methods: (first: Int32, second: Int32)
    /// P(latency ≥ the per-try limit).
    let overLimit: Double
    /// What the law of latencies that are not cut off costs besides the logarithm and the deviation.
    let spreadBits: Double

    /// The limit lies at least so many standard deviations above the median: slow routes have thin tails, or their
    /// owners would have chosen another limit.
    private static let limitDeviations = 3.2

    /// The share of requests that may be repeated whatever became of them.
    var idempotentShare: Double {
        (MeshDay.isIdempotent(methods.first) ? 1 - secondShare : 0)
            + (MeshDay.isIdempotent(methods.second) ? secondShare : 0)
    }

    init(using dice: inout SplitMix64) {
        // 1 ms ... 150 ms.
        logMedian = log(1000) + dice.unit() * log(150)
        let most = (log(Double(MeshDay.perTryLimitUs)) - logMedian) / Self.limitDeviations
        sigma = min(0.3 + 0.7 * dice.unit(), most)
        isGRPC = dice.unit() < 0.2
        let kind = dice.unit()
        if isGRPC {
            // gRPC calls are all POST.
            (methods, secondShare) = ((1, 1), 0)
        } else if kind < 0.5 {
            (methods, secondShare) = ((0, 0), 0)
        } else if kind < 0.7 {
            (methods, secondShare) = ((1, 1), 0)
        } else {
            (methods, secondShare) = ((0, kind < 0.85 ? 1 : 2), 0.05 + 0.25 * dice.unit())
        }
        let deviations = (log(Double(MeshDay.perTryLimitUs)) - logMedian) / sigma
        overLimit = 0.5 * erfc(deviations / 2.0.squareRoot())
        spreadBits = log2(sigma * (2 * .pi).squareRoot()) + log2(1 - overLimit)
    }
}
