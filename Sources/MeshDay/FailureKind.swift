import Glibc
import Retry

/// In what ways attempts fail.
struct FailureKind: Sendable {
    let outcome: Outcome
    /// Its share among the outages, and among what fails without one.
    let share: Double

    private init(_ outcome: Outcome, _ share: Double) {
        self.outcome = outcome
        self.share = share
    }

    /// In an outage, so many failures are of its own kind, the others of any.
    static let ownShare = 0.9

    static let all: [FailureKind] = [
        FailureKind(.errorStatus, 0.5), FailureKind(.timeout, 0.15), FailureKind(.connectFailure, 0.15),
        FailureKind(.reset, 0.1), FailureKind(.rateLimited, 0.1),
    ]

    static func draw(using dice: inout SplitMix64) -> FailureKind {
        var rest = dice.unit()
        for kind in all {
            rest -= kind.share
            if rest < 0 { return kind }
        }
        return all[0]
    }
}

/// A value drawn from a short list with unequal shares.
struct Choice: Sendable {
    private let values: [(value: Int64, below: Double, bits: Double)]

    init(_ shares: [(value: Int64, share: Double)]) {
        let sum = shares.reduce(0) { $0 + $1.share }
        var below = 0.0
        values = shares.map { value, share in
            below += share / sum
            return (value, below, -log2(share / sum))
        }
    }

    func draw(using dice: inout SplitMix64) -> (value: Int64, bits: Double) {
        let unit = dice.unit()
        let found = values.first { unit < $0.below } ?? values[values.count - 1]
        return (found.value, found.bits)
    }
}
