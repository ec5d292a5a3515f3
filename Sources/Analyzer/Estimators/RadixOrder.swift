/// The order of whole numbers, by counting instead of comparing: linear in their number. Equal ones keep their order.
enum RadixOrder {
    private static let digitBits = 11

    /// The places of `values` in ascending order. Negative ones count as 0.
    static func places(of values: [Int64]) -> [Int32] {
        var keys = values.map { UInt64(max(0, $0)) }
        var places = [Int32](unsafeUninitializedCapacity: values.count) { buffer, count in
            for place in values.indices { buffer.initializeElement(at: place, to: Int32(place)) }
            count = values.count
        }
        let most = keys.max() ?? 0
        var otherKeys = keys
        var otherPlaces = places
        var shift = 0
        while shift < 64 && most >> UInt64(shift) > 0 {
            if sort(keys, places, into: &otherKeys, &otherPlaces, by: UInt64(shift)) {
                swap(&keys, &otherKeys)
                swap(&places, &otherPlaces)
            }
            shift += digitBits
        }
        return places
    }

    /// One digit; `false`: all have the same, nothing was moved.
    private static func sort(
        _ keys: [UInt64], _ places: [Int32], into otherKeys: inout [UInt64], _ otherPlaces: inout [Int32],
        by shift: UInt64
    ) -> Bool {
        let mask: UInt64 = 1 << UInt64(digitBits) - 1
        var begins = [Int](repeating: 0, count: 1 << digitBits)
        for key in keys { begins[Int(key &>> shift & mask)] += 1 }
        if begins.contains(keys.count) { return false }
        var sum = 0
        for digit in begins.indices {
            let count = begins[digit]
            begins[digit] = sum
            sum += count
        }
        for index in keys.indices {
            let key = keys[index]
            let digit = Int(key &>> shift & mask)
            let place = begins[digit]
            begins[digit] = place + 1
            otherKeys[place] = key
            otherPlaces[place] = places[index]
        }
        return true
    }
}
