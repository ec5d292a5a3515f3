import Retry

/// SplitMix64 (Steele, Lea & Flood 2014), seeded with the data, so that a report on the same attempts says the same.
struct ReportGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(of columns: AttemptColumns) {
        state = UInt64(columns.count)
        for byte in columns.route.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        state ^= UInt64(bitPattern: columns.startUs.first ?? 0)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
