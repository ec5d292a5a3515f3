import Glibc
import Retry

/// How attempts end, and what that tells.
struct MeshAnswers: Sendable {
    struct End {
        var outcome: Outcome
        var durationUs: Int64
        var status: Int32 = 0
        var retryAfterUs: Int64 = 0
    }

    /// A timer fires up to half a millisecond late.
    private static let timerBits = 9.0

    private let answered = Choice([(200, 0.9), (404, 0.04), (204, 0.03), (201, 0.02), (304, 0.01)])
    private let failed = Choice([(503, 0.5), (500, 0.25), (502, 0.15), (504, 0.1)])
    private let failedCall = Choice([(14, 0.7), (13, 0.2), (2, 0.1)])
    private let asked = Choice([(0, 0.5), (1_000_000, 0.25), (2_000_000, 0.1), (5_000_000, 0.1), (30_000_000, 0.05)])

    /// One attempt on a route; `kind` says in what way the route or the host is down.
    func end(
        _ route: MeshRoute, kind: FailureKind?, using dice: inout SplitMix64, normal: inout NormalDraw,
        entropy: inout MeshEntropy
    ) -> End {
        let failing = kind == nil ? OutagePlan.blips : OutagePlan.failsWhenDown
        if dice.unit() >= failing {
            let deviation = normal.next(using: &dice)
            let logUs = route.logMedian + route.sigma * deviation
            let durationUs = Int64(exp(logUs))
            guard durationUs >= MeshDay.perTryLimitUs else {
                entropy.outcome -= log2((1 - failing) * (1 - route.overLimit))
                entropy.duration += Self.bits(logUs, deviation, spreadBits: route.spreadBits)
                let status = route.isGRPC ? (value: 0, bits: 0.0) : answered.draw(using: &dice)
                entropy.status += status.bits
                return End(outcome: .success, durationUs: durationUs, status: Int32(status.value))
            }
            return timeout(route, kind, failing, using: &dice, entropy: &entropy)
        }
        var own = FailureKind.draw(using: &dice)
        if let kind, dice.unit() < FailureKind.ownShare { own = kind }
        if own.outcome == .timeout { return timeout(route, kind, failing, using: &dice, entropy: &entropy) }
        entropy.outcome -= log2(failing * Self.share(of: own, during: kind))
        return failure(own.outcome, route, using: &dice, normal: &normal, entropy: &entropy)
    }

    private static func share(of own: FailureKind, during kind: FailureKind?) -> Double {
        guard let kind else { return own.share }
        return (1 - FailureKind.ownShare) * own.share + (own.outcome == kind.outcome ? FailureKind.ownShare : 0)
    }

    private func timeout(
        _ route: MeshRoute, _ kind: FailureKind?, _ failing: Double, using dice: inout SplitMix64,
        entropy: inout MeshEntropy
    ) -> End {
        let own = FailureKind.all.first { $0.outcome == .timeout }.map { Self.share(of: $0, during: kind) } ?? 0
        entropy.outcome -= log2(failing * own + (1 - failing) * route.overLimit)
        entropy.duration += Self.timerBits
        let lateUs = Int64(truncatingIfNeeded: dice.next() & 511)
        return End(outcome: .timeout, durationUs: MeshDay.perTryLimitUs + lateUs)
    }

    private func failure(
        _ outcome: Outcome, _ route: MeshRoute, using dice: inout SplitMix64, normal: inout NormalDraw,
        entropy: inout MeshEntropy
    ) -> End {
        var law = (logMedian: route.logMedian, sigma: route.sigma)
        var end = End(outcome: outcome, durationUs: 0)
        switch outcome {
        case .errorStatus:
            // Failing is quicker than answering.
            law.logMedian -= 1
            let status = (route.isGRPC ? failedCall : failed).draw(using: &dice)
            end.status = Int32(status.value)
            entropy.status += status.bits
        case .rateLimited:
            law = (log(500), 0.3)
            end.status = route.isGRPC ? 8 : 429
            let asked = asked.draw(using: &dice)
            end.retryAfterUs = asked.value
            entropy.retryAfter += asked.bits
        case .connectFailure: law = (log(300), 0.5)
        default: break
        }
        let deviation = normal.next(using: &dice)
        let logUs = law.logMedian + law.sigma * deviation
        end.durationUs = min(Int64(exp(logUs)), MeshDay.perTryLimitUs - 1)
        entropy.duration += Self.bits(logUs, deviation, spreadBits: log2(law.sigma * (2 * .pi).squareRoot()))
        return end
    }

    /// −log2 of the log-normal density at exp(`logUs`), per microsecond.
    private static func bits(_ logUs: Double, _ deviation: Double, spreadBits: Double) -> Double {
        (logUs + deviation * deviation / 2) * M_LOG2E + spreadBits
    }
}
