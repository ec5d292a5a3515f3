import Retry

extension SplitMix64 {
    /// Seeded with the data, so that a report on the same attempts says the same.
    init(of columns: AttemptColumns) {
        var seed = UInt64(columns.count)
        for byte in columns.route.utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.init(seed: seed ^ UInt64(bitPattern: columns.startUs.first ?? 0))
    }
}
