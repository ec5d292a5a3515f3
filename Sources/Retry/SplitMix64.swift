/// Chance that can be repeated: SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
/// generators", OOPSLA). Small, seeded, the same on every machine; not for secrets.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// A generator that yields the same numbers for the same seed.
    @inlinable
    public init(seed: UInt64) { state = seed }

    /// A stream of its own for every name and every list of numbers: what is drawn from one does not depend on what
    /// was drawn from others before.
    public init(seed: UInt64, _ name: String, _ numbers: UInt64...) {
        self.init(seed: seed)
        for number in [Self.hash(name)] + numbers { state = next() ^ (number &* 0x9E37_79B9_7F4A_7C15) }
    }

    /// The next 64 bits.
    @inlinable
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1): 53 bits.
    @inlinable
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// FNV-1a, so that names differ in all bits and do not depend on Swift's per-process hashing.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
