import FoundationEssentials

/// Chance that can be repeated: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014). Put `\(generator)` into the message of an expectation: it prints the seed.
public struct SeededGenerator: RandomNumberGenerator, Sendable, CustomStringConvertible {
    /// What it was begun with.
    public let seed: UInt64
    private var state: UInt64

    /// A generator that always yields the same numbers for the same seed.
    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// Uniform in [0, 1): 53 bits.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The given seeds, and the one in the environment variable `MEANTIME_SEED` if there is one: for hunting.
    public static func seeds(_ fixed: [UInt64]) -> [UInt64] {
        let asked = ProcessInfo.processInfo.environment["MEANTIME_SEED"].flatMap { UInt64($0) }
        return fixed + (asked.map { [$0] } ?? [])
    }

    /// `seed 42`
    public var description: String { "seed \(seed)" }
}
