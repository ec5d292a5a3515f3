/// The k-th least of some numbers without sorting them all (Hoare 1961, "Algorithm 65: find").
enum OrderStatistic {
    /// The value that would stand at place `k` if `values` were sorted. Afterwards nothing before that place is
    /// greater and nothing after it is less.
    ///
    /// - Parameter from: a place for which that holds already; 0 for none.
    static func select(_ k: Int, of values: inout [Double], from: Int = 0) -> Double {
        precondition(values.indices.contains(k) && from <= k, "there are \(values.count) values, none at place \(k)")
        return values.withUnsafeMutableBufferPointer { values in
            var low = from
            var high = values.count - 1
            while low < high {
                let middle = low + (high - low) / 2
                let pivot = max(min(values[low], values[middle]), min(max(values[low], values[middle]), values[high]))
                var left = low
                var right = high
                while left <= right {
                    while values[left] < pivot { left += 1 }
                    while values[right] > pivot { right -= 1 }
                    if left <= right {
                        values.swapAt(left, right)
                        left += 1
                        right -= 1
                    }
                }
                if k <= right {
                    high = right
                } else if k >= left {
                    low = left
                } else {
                    break
                }
            }
            return values[k]
        }
    }
}
