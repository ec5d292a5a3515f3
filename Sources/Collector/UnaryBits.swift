/// Numbers that are mostly small, each as that many zero bits and a one: the high bits of R. F. Rice and J. R. Plaunt's
/// codes ("Adaptive Variable-Length Coding", IEEE Trans. Commun. 19, 1971), whose low bits are packed elsewhere. For
/// times between events that come by chance this is close to the best code.
enum UnaryBits {
    /// How offsets are best split.
    struct Split {
        /// Bits that are packed.
        var low: Int
        /// Bytes of the unary part.
        var bytes: Int
        /// Bytes of both.
        var size: Int
    }

    /// Bits of offsets that are split, so that no sum of some hundreds overflows; times between events have fewer.
    static let mostBits = 48

    /// The split that takes the fewest bytes; `nil` without values.
    ///
    /// - Parameter base: is taken from every value first, which leaves offsets of `mostBits` and one bit at most.
    static func split(_ values: UnsafeBufferPointer<Int64>, base: Int64) -> Split? {
        if values.isEmpty { return nil }
        var sum: Int64 = 0
        for value in values { sum &+= value &- base }
        // The best number of low bits is about that of 0.69 times the mean.
        let scaled = UInt64(sum) / UInt64(values.count) * 45 / 64
        let near = 64 - scaled.leadingZeroBitCount
        var best: Split?
        for low in max(0, near - 1)...near {
            var high: Int64 = 0
            for value in values { high &+= (value &- base) &>> Int64(low) }
            let bytes = (Int(high) + values.count + 7) / 8
            let size = BitPacking.size(values.count, width: low) + bytes
            if best.map({ size < $0.size }) ?? true { best = Split(low: low, bytes: bytes, size: size) }
        }
        return best
    }

    /// Writes what lies above the low bits of each offset, as many bytes as were measured.
    static func write(
        _ offsets: UnsafeBufferPointer<UInt64>, low: Int, bytes: Int, to writer: inout ByteWriter
    ) {
        let out = UnsafeMutableRawBufferPointer(start: writer.claim(bytes), count: bytes)
        out.initializeMemory(as: UInt8.self, repeating: 0)
        var bit = 0
        for offset in offsets {
            bit += Int(offset >> UInt64(low))
            out[bit >> 3] |= 1 << UInt8(bit & 7)
            bit += 1
        }
    }

    /// Adds what was written to values of which the low bits are there already.
    ///
    /// May look at up to 8 bytes behind the last, as `BitPacking`.
    static func add(
        _ from: UnsafeRawPointer, bytes: Int, low: Int, count: Int, to values: UnsafeMutablePointer<Int64>
    ) throws(DecodingError) {
        var found = 0
        // Zeros before the next one, of the words that are done.
        var zeros = 0
        for at in stride(from: 0, to: bytes, by: 8) {
            let bits = min(64, 8 * (bytes - at))
            var word = UInt64(littleEndian: from.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            word &= BitPacking.mask(bits)
            guard word.nonzeroBitCount <= count - found else { throw DecodingError(reason: "too many unary numbers") }
            var next = 0
            while word != 0 {
                let place = word.trailingZeroBitCount
                values[found] = values[found] &+ Int64(truncatingIfNeeded: zeros &+ place &- next) &<< Int64(low)
                found &+= 1
                next = place &+ 1
                zeros = 0
                word &= word &- 1
            }
            zeros += bits - next
        }
        guard found == count, zeros < 8 else { throw DecodingError(reason: "too few unary numbers") }
    }
}
