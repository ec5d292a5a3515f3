/// Finds a value by its place among others without sorting all of them (C. A. R. Hoare, "Algorithm 65: Find", 1961).
enum Selection {
    /// The value at a place, from 0, of the values as sorted. Puts them into another order.
    ///
    /// - Parameter most: how many rounds there may be before the rest is sorted; `nil`: as many as usually suffice
    ///   twice over.
    static func value(
        at place: Int, of values: UnsafeMutableBufferPointer<Int64>, rounds most: Int? = nil
    ) -> Int64 {
        precondition(values.indices.contains(place), "place \(place) of \(values.count)")
        var (low, high) = (0, values.count - 1)
        // A round usually leaves half of them or fewer; where the values conspire against that, the rest is sorted.
        var rounds = most ?? 2 * (Int.bitWidth - values.count.leadingZeroBitCount)
        while high - low > 16, rounds > 0 {
            rounds -= 1
            let pivot = pivot(values, low, high, place: place)
            var (left, right) = (low, high)
            while left <= right {
                while values[left] < pivot { left &+= 1 }
                while values[right] > pivot { right &-= 1 }
                if left > right { break }
                values.swapAt(left, right)
                left &+= 1
                right &-= 1
            }
            if place > right, place < left { return values[place] }
            if place <= right { high = right } else { low = left }
        }
        var rest = UnsafeMutableBufferPointer(rebasing: values[low...high])
        rest.sort()
        return values[place]
    }

    /// One of the values low ... high, by which they are parted: of many, one that probably lies a little nearer to the
    /// middle than what is looked for, so that few are left with it (after R. W. Floyd and R. L. Rivest, "Expected Time
    /// Bounds for Selection", 1975).
    private static func pivot(
        _ values: UnsafeMutableBufferPointer<Int64>, _ low: Int, _ high: Int, place: Int
    ) -> Int64 {
        let count = high - low + 1
        if count < 512 {
            let (first, second, third) = (values[low], values[low + count / 2], values[high])
            return max(min(first, second), min(max(first, second), third))
        }
        let sample = (0..<31).map { values[low + (2 * $0 + 1) * count / 62] }.sorted()
        let share = 31 * (place - low) / count
        return sample[share > 15 ? share - 1 : min(15, share + 1)]
    }
}
