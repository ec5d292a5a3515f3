import Glibc
import Retry

/// Standard normal numbers, two at a time (Box and Muller 1958).
struct NormalDraw: Sendable {
    private var spare: Double?

    mutating func next(using dice: inout SplitMix64) -> Double {
        if let kept = spare {
            spare = nil
            return kept
        }
        let radius = (-2 * log(1 - dice.unit())).squareRoot()
        let angle = 2 * .pi * dice.unit()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
