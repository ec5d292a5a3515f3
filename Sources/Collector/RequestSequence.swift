/// Request numbers as what they are beyond one more than the greatest so far, in order of start.
///
/// A writer numbers requests as they come, so within a segment, in order of start, the first attempt of a request is
/// mostly the next number and only a retry points back. Any 64-bit numbers survive: arithmetic wraps, and what does not
/// look like a sequence is merely not small.
enum RequestSequence {
    /// The surpluses in order of start.
    static func surpluses(_ request: [Int64], order: [Int32]) -> [Int64] {
        var next: Int64 = 0
        return order.map { row in
            let value = request[Int(row)]
            let surplus = value &- next
            if surplus >= 0 { next = value &+ 1 }
            return surplus
        }
    }

    /// The request numbers of all rows, in the order of the rows.
    static func restore(
        _ surpluses: UnsafeBufferPointer<Int64>, order: [Int32], into out: UnsafeMutablePointer<Int64>
    ) {
        var next: Int64 = 0
        for (surplus, row) in zip(surpluses, order) {
            let value = next &+ surplus
            if surplus >= 0 { next = value &+ 1 }
            out[Int(row)] = value
        }
    }
}
