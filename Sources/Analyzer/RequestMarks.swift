/// A set of request numbers that is asked for every attempt of a log: a bit for each remainder of a hash, so that most
/// of those that are not in it are told without looking them up.
struct RequestMarks {
    private var bits: [UInt64]
    private let shift: UInt64

    /// Marks some requests, with at least sixteen bits for each.
    init(_ requests: some Sequence<UInt64>) {
        let all = Array(requests)
        var width: UInt64 = 6
        while 1 << width < all.count * 16 { width += 1 }
        shift = 64 - width
        bits = Array(repeating: 0, count: 1 << Int(width - 6))
        for request in all {
            let place = place(request)
            bits[Int(place >> 6)] |= 1 << (place & 63)
        }
    }

    /// `false`: the request is not marked. `true`: it may be.
    @inline(__always)
    func mayHold(_ request: UInt64) -> Bool {
        let place = place(request)
        return bits[Int(place >> 6)] >> (place & 63) & 1 != 0
    }

    /// Fibonacci hashing: numbers that follow each other are spread evenly.
    @inline(__always)
    private func place(_ request: UInt64) -> UInt64 { (request &* 0x9E37_79B9_7F4A_7C15) >> shift }
}
