/// Orders of rows, by radix sort where start, route and row number fit into one word, which is always but for times
/// that lie centuries apart.
enum RowOrder {
    /// Row numbers by start; rows of the same start keep their order.
    static func byStart(_ startUs: UnsafeBufferPointer<Int64>) -> [Int32] {
        if let order = radix(route: nil, startUs) { return order }
        return startUs.indices.sorted { (startUs[$0], $0) < (startUs[$1], $1) }.map { Int32($0) }
    }

    /// Row numbers as in a segment: by route, start, attempt number, order of arrival.
    static func forSegment(
        route: UnsafeBufferPointer<Int64>, startUs: UnsafeBufferPointer<Int64>, attempt: UnsafeBufferPointer<Int64>
    ) -> [Int32] {
        guard var order = radix(route: route, startUs) else {
            return route.indices.sorted {
                (route[$0], startUs[$0], attempt[$0], $0) < (route[$1], startUs[$1], attempt[$1], $1)
            }.map { Int32($0) }
        }
        sortTies(&order, by: attempt) { startUs[$0] == startUs[$1] && route[$0] == route[$1] }
        return order
    }

    /// Row numbers by start, attempt number, order of arrival.
    static func byStart(
        _ startUs: UnsafeBufferPointer<Int64>, attempt: UnsafeBufferPointer<Int32>
    ) -> [Int32] {
        guard var order = radix(route: nil, startUs) else {
            return startUs.indices.sorted {
                (startUs[$0], attempt[$0], $0) < (startUs[$1], attempt[$1], $1)
            }.map { Int32($0) }
        }
        sortTies(&order, by: attempt) { startUs[$0] == startUs[$1] }
        return order
    }

    /// Puts each stretch of rows that tie in order of their attempt numbers.
    @inline(__always)
    private static func sortTies(
        _ order: inout [Int32], by attempt: UnsafeBufferPointer<some FixedWidthInteger>, tie: (Int, Int) -> Bool
    ) {
        var start = 0
        while start < order.count {
            let first = Int(order[start])
            var end = start + 1
            while end < order.count, tie(Int(order[end]), first) { end += 1 }
            if end - start > 1 { sort(&order, start..<end, by: attempt) }
            start = end
        }
    }

    /// Puts rows that tie in order of their attempt numbers, which they mostly are; of equals the row that came first
    /// stays first.
    private static func sort(
        _ order: inout [Int32], _ ties: Range<Int>, by attempt: UnsafeBufferPointer<some FixedWidthInteger>
    ) {
        if ties.count > 32 {
            order[ties].sort { (attempt[Int($0)], $0) < (attempt[Int($1)], $1) }
            return
        }
        for at in ties.dropFirst() {
            let row = order[at]
            var place = at
            while place > ties.lowerBound, attempt[Int(order[place - 1])] > attempt[Int(row)] {
                order[place] = order[place - 1]
                place -= 1
            }
            order[place] = row
        }
    }

    /// By route, where there is one, then start, then row; `nil` when the three need more than 64 bits.
    private static func radix(
        route: UnsafeBufferPointer<Int64>?, _ startUs: UnsafeBufferPointer<Int64>
    ) -> [Int32]? {
        let count = startUs.count
        guard count > 1, let starts = Extent(startUs) else { return startUs.indices.map { Int32($0) } }
        let routes = route.flatMap { Extent($0) }
        let rowBits = width(UInt64(count - 1))
        let keyBits = starts.bits + (routes?.bits ?? 0)
        guard rowBits + keyBits <= 64 else { return nil }
        let capacity = 2 * count
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: capacity) { space in
            var from = UnsafeMutableBufferPointer(rebasing: space[..<count])
            var to = UnsafeMutableBufferPointer(rebasing: space[count...])
            for row in 0..<count {
                var key = UInt64(bitPattern: startUs[row] &- starts.least)
                if let route, let routes {
                    key |= UInt64(bitPattern: route[row] &- routes.least) << UInt64(starts.bits)
                }
                from[row] = key << UInt64(rowBits) | UInt64(row)
            }
            // Rows mostly arrive in order of start: then only the routes are left to sort by.
            let first = starts.isAscending ? starts.bits : 0
            for digit in digits(rowBits + first..<rowBits + keyBits) {
                pass(from, to, digit)
                swap(&from, &to)
            }
            let mask = (1 << UInt64(rowBits)) - 1 as UInt64
            return from.map { Int32(truncatingIfNeeded: $0 & mask) }
        }
    }

    /// Bits in pieces of at most 11, as even as can be.
    private static func digits(_ bits: Range<Int>) -> [Range<Int>] {
        let passes = (bits.count + 10) / 11
        return (0..<passes).map { pass in
            bits.lowerBound + bits.count * pass / passes..<bits.lowerBound + bits.count * (pass + 1) / passes
        }
    }

    private static func pass(
        _ from: UnsafeMutableBufferPointer<UInt64>, _ to: UnsafeMutableBufferPointer<UInt64>, _ digit: Range<Int>
    ) {
        let shift = UInt64(digit.lowerBound)
        let mask = (1 << UInt64(digit.count)) - 1 as UInt64
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << digit.count) { next in
            next.initialize(repeating: 0)
            for key in from { next[Int((key &>> shift) & mask)] &+= 1 }
            var sum = 0
            for value in next.indices {
                let here = next[value]
                next[value] = sum
                sum &+= here
            }
            for key in from {
                let value = Int((key &>> shift) & mask)
                to[next[value]] = key
                next[value] &+= 1
            }
        }
    }

    /// The span of a column.
    private struct Extent {
        var least: Int64
        var bits: Int
        var isAscending = true

        init?(_ values: UnsafeBufferPointer<Int64>) {
            guard let first = values.first else { return nil }
            least = first
            var most = first
            var last = first
            for value in values {
                least = min(least, value)
                most = max(most, value)
                if value < last { isAscending = false }
                last = value
            }
            bits = RowOrder.width(UInt64(bitPattern: most &- least))
        }
    }

    private static func width(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }
}
