/// The grid of durations: 8 bins per octave, integer work only, 1 µs to 38 h. methods: grid
///
/// The index of a duration is the position of its top bit × 8 + its next three bits. Below 8 µs some bins hold no
/// whole microsecond and stay empty.
public enum LogGrid {
    /// The number of bins; durations of 2^37 µs (38 h) and more share the last.
    @inlinable public static var count: Int { 37 * 8 }

    /// The bin of a duration; everything below 1 µs is in the first.
    @inlinable
    public static func index(ofUs durationUs: Int64) -> Int {
        let value = max(1, durationUs)
        let top = 63 - value.leadingZeroBitCount
        let next = top >= 3 ? (value >> (top - 3)) & 7 : (value << (3 - top)) & 7
        return min(count - 1, top * 8 + Int(next))
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
