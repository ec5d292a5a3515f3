import Glibc
import Retry

/// Seeded draws of the laws that worlds are made of.
struct Dice {
    private var generator: SplitMix64

    /// The stream of one attempt: the same whatever a rule did before. The factors are odd and far from the
    /// generator's own step, so that streams do not overlap.
    init(seed: UInt64, request: UInt64, attempt: Int, salt: UInt64 = 0) {
        let mixed = seed &* 0xD134_2543_DE82_EF95 ^ request &* 0xA24B_AED4_963E_E407
        generator = SplitMix64(
            seed: (mixed ^ UInt64(attempt) &* 0x9FB2_1C65_1E98_DF25) &+ salt &* 0xC2B2_AE3D_27D4_EB4F)
    }

    init(seed: UInt64, _ name: String) { generator = SplitMix64(seed: seed, name) }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { generator.unit() }

    /// Mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }

    /// Standard normal (Box and Muller 1958).
    mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }

    mutating func logNormal(median: Double, spread: Double) -> Double { median * exp(spread * normal()) }

    mutating func pareto(least: Double, index: Double, most: Double) -> Double {
        min(most, least * pow(1 - unit(), -1 / index))
    }
}
