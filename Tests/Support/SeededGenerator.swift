import FoundationEssentials
import Retry

/// Chance that can be repeated: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014). Put `\(generator)` into the message of an expectation: it prints the seed.
public struct SeededGenerator: RandomNumberGenerator, Sendable, CustomStringConvertible {
    /// What it was begun with.
    public let seed: UInt64
    private var generator: SplitMix64

    /// A generator that always yields the same numbers for the same seed.
    public init(seed: UInt64) {
        self.seed = seed
        generator = SplitMix64(seed: seed)
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 { generator.next() }

    /// Uniform in [0, 1): 53 bits.
    public mutating func unit() -> Double { generator.unit() }

    /// The given seeds, and the one in the environment variable `MEANTIME_SEED` if there is one: for hunting.
    public static func seeds(_ fixed: [UInt64]) -> [UInt64] {
        let asked = ProcessInfo.processInfo.environment["MEANTIME_SEED"].flatMap { UInt64($0) }
        return fixed + (asked.map { [$0] } ?? [])
    }

    /// `seed 42`
    public var description: String { "seed \(seed)" }
}
