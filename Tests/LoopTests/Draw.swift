import Foundation
import TestSupport

/// Seeded draws of the laws the virtual world needs.
struct Draw {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xD1B5_4A32_D192_ED03) }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { generator.unit() }

    /// Mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }

    /// Log-normal with this median; `spread` is the standard deviation of the logarithm (Box & Muller 1958).
    mutating func logNormal(median: Double, spread: Double) -> Double {
        let normal = (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit())
        return median * exp(spread * normal)
    }
}
