import Glibc

/// A small seeded generator (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA):
/// the demo's faults and traffic must be the same for the same seed on every machine.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A stream of its own for every name and every list of numbers: what a host does to one request does not depend
    /// on what it did to others before.
    init(seed: UInt64, _ name: String, _ numbers: UInt64...) {
        self.init(seed: seed)
        for number in [Self.hash(name)] + numbers { state = next() ^ (number &* 0x9E37_79B9_7F4A_7C15) }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Exponential with this mean.
    mutating func exponential(mean: Double) -> Double { -mean * log(1 - unit()) }

    /// Log-normal with this median; `sigma` is the standard deviation of its logarithm (Box and Muller 1958).
    mutating func logNormal(median: Double, sigma: Double) -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return median * exp(sigma * radius * cos(2 * .pi * unit()))
    }

    /// Pareto with this tail index, cut to `low ... high` by inversion.
    mutating func pareto(index: Double, low: Double, high: Double) -> Double {
        let share = 1 - pow(low / high, index)
        return low / pow(1 - unit() * share, 1 / index)
    }

    /// FNV-1a, so that names differ in all bits and do not depend on Swift's per-process hashing.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
