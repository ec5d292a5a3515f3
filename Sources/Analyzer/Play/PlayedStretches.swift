/// Four lengths at which outages are played at once, as multiples of their own.
struct PlayedStretches: Equatable {
    /// Only as they were.
    static let usual = PlayedStretches(SIMD4(repeating: 1))

    let factors: SIMD4<Double>
    /// How fast time passes.
    let paces: SIMD4<Double>
    /// Where their own length stands, or else the first: what is not told apart by length is that of this one.
    let usual: Int

    init(_ factors: SIMD4<Double>) {
        self.factors = factors
        paces = 1 / factors
        usual = factors.indices.first { factors[$0] == 1 } ?? 0
    }

    /// Whether there is but one length, their own.
    var isUsual: Bool { self == Self.usual }
}
