/// The grid of durations: 8 bins per octave, 1 µs to 38 h. methods: grid
///
/// The index of a duration is the position of its top bit × 8 + its next three bits. Below 8 µs some bins hold no
/// whole microsecond and stay empty.
public enum LogGrid {
    /// The number of bins; durations of 2^37 µs (38 h) and more share the last.
    @inlinable public static var count: Int { 37 * 8 }

    /// The bin of a duration; everything below 1 µs is in the first.
    @inlinable
    public static func index(ofUs durationUs: Int64) -> Int {
        // Exponent and first three bits of the mantissa. Above 2^53 a double is rounded; those are in the last bin.
        let bits = Double(max(1, durationUs)).bitPattern &>> 49
        return min(count - 1, Int(truncatingIfNeeded: bits) &- 1023 &* 8)
    }

    /// The least whole duration of a bin; the bin ends before `lowerBoundUs(index + 1)`.
    public static func lowerBoundUs(_ index: Int) -> Int64 {
        let top = index / 8
        let mantissa = Int64(8 + index % 8)
        if top >= 3 { return mantissa << (top - 3) }
        let shift = 3 - top
        return (mantissa + (1 << shift) - 1) >> shift
    }
}
