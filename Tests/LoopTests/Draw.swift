import Foundation

/// Seeded draws of the laws the virtual world needs.
struct Draw {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xD1B5_4A32_D192_ED03
        _ = bits()
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(bits() >> 11) / 9_007_199_254_740_992 }

    /// Mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }

    /// Mean 0, variance 1 (Box & Muller 1958).
    mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }

    private mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

enum Exponential {
    static func of(_ x: Double) -> Double { exp(x) }
}
