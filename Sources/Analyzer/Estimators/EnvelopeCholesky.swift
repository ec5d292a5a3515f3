import Glibc

/// A symmetric positive definite matrix of which each row is kept from its first entry that is not zero to the
/// diagonal, and its Cholesky factor, which fits in the same place (George & Liu 1981, chapter 4).
struct EnvelopeCholesky {
    /// The column at which each row begins.
    private let first: [Int]
    /// Where column 0 of each row would be: entry (i, j) is at `origin[i] + j`.
    private let origin: [Int]
    private var entries: [Double]

    /// Zeros in the envelope; `first[i]` ≤ i.
    init(first: [Int]) {
        self.first = first
        var used = 0
        origin = first.indices.map { row in
            defer { used += row - first[row] + 1 }
            return used - first[row]
        }
        entries = [Double](repeating: 0, count: used)
    }

    /// Multiplications that factoring takes, about.
    static func cost(first: [Int]) -> Double {
        var sum = 0.0
        for row in first.indices {
            let width = Double(row - first[row] + 1)
            sum += width * width / 2
        }
        return sum
    }

    /// An entry of the lower triangle inside the envelope.
    subscript(row: Int, column: Int) -> Double {
        get { entries[origin[row] + column] }
        set { entries[origin[row] + column] = newValue }
    }

    /// Replaces the matrix, with its diagonal raised by `ridge` of itself, by its factor. A direction in which the
    /// matrix is flat gets the curvature of the ridge instead of none.
    mutating func factor(ridge: Double) {
        entries.withUnsafeMutableBufferPointer { entries in
            for row in first.indices {
                let mine = origin[row]
                var pivot = entries[mine + row]
                let least = max(pivot * ridge, 1e-300)
                for column in first[row]..<row {
                    let theirs = origin[column]
                    let from = max(first[row], first[column])
                    let value = entries[mine + column] - Self.dot(entries, mine + from, theirs + from, column - from)
                    entries[mine + column] = value / entries[theirs + column]
                }
                pivot += least - Self.dot(entries, mine + first[row], mine + first[row], row - first[row])
                entries[mine + row] = max(pivot, least).squareRoot()
            }
        }
    }

    /// Replaces `values` b by the solution of A x = b, once factored.
    func solve(_ values: inout [Double]) {
        for row in first.indices {
            var sum = values[row]
            for column in first[row]..<row { sum -= entries[origin[row] + column] * values[column] }
            values[row] = sum / entries[origin[row] + row]
        }
        for row in first.indices.reversed() {
            let value = values[row] / entries[origin[row] + row]
            values[row] = value
            for column in first[row]..<row { values[column] -= entries[origin[row] + column] * value }
        }
    }

    /// Four sums, since one would wait for itself.
    @inline(__always)
    private static func dot(_ entries: UnsafeMutableBufferPointer<Double>, _ a: Int, _ b: Int, _ count: Int) -> Double {
        var sums = SIMD4<Double>.zero
        var index = 0
        while index + 4 <= count {
            let left = SIMD4(entries[a + index], entries[a + index + 1], entries[a + index + 2], entries[a + index + 3])
            let right = SIMD4(
                entries[b + index], entries[b + index + 1], entries[b + index + 2], entries[b + index + 3])
            sums += left * right
            index += 4
        }
        var sum = sums.sum()
        while index < count {
            sum += entries[a + index] * entries[b + index]
            index += 1
        }
        return sum
    }
}
