/// Values of a fixed number of bits, side by side.
///
/// Groups of 128 values lie across two lanes: value 2r + l is the r-th of lane l, and the lanes' 64-bit words
/// alternate. So one shift and one mask of a SIMD register, of the width that every x86-64 and arm64 has, unpack two
/// values. What is left over, less than a group, follows as one stream of bits from the least significant bit of the
/// first byte on.
enum BitPacking {
    /// Values of a group.
    static let group = 128

    private typealias Lanes = SIMD2<UInt64>

    /// The bytes that `count` values of `width` bits take.
    static func size(_ count: Int, width: Int) -> Int {
        count / group * 16 * width + (count % group * width + 7) / 8
    }

    static func mask(_ width: Int) -> UInt64 { width == 64 ? .max : (1 << UInt64(width)) &- 1 }

    // MARK: Write

    /// Writes the low `width` bits of each value.
    static func pack(_ values: UnsafeBufferPointer<UInt64>, width: Int, to writer: inout ByteWriter) {
        if width == 0 { return }
        let out = writer.claim(size(values.count, width: width))
        let groups = values.count / group
        for index in 0..<groups {
            packGroup(
                UnsafeBufferPointer(rebasing: values[index * group..<(index + 1) * group]), width: width,
                to: out + index * 16 * width)
        }
        packRest(
            UnsafeBufferPointer(rebasing: values[(groups * group)...]), width: width, to: out + groups * 16 * width)
    }

    private static func packGroup(
        _ values: UnsafeBufferPointer<UInt64>, width: Int, to out: UnsafeMutableRawPointer
    ) {
        let keep = Lanes(repeating: mask(width))
        let full = UInt64(width)
        var pending = Lanes.zero
        var filled: UInt64 = 0
        var at = 0
        for row in 0..<group / 2 {
            let bits = Lanes(values[2 * row], values[2 * row + 1]) & keep
            pending |= bits &<< Lanes(repeating: filled)
            filled += full
            if filled >= 64 {
                out.storeBytes(of: pending, toByteOffset: at, as: Lanes.self)
                at += 16
                filled -= 64
                pending = filled == 0 ? .zero : bits &>> Lanes(repeating: full - filled)
            }
        }
    }

    private static func packRest(
        _ values: UnsafeBufferPointer<UInt64>, width: Int, to out: UnsafeMutableRawPointer
    ) {
        let keep = mask(width)
        var pending: UInt64 = 0
        var filled = 0
        var at = 0
        for value in values {
            let bits = value & keep
            pending |= bits << UInt64(filled)
            filled += width
            if filled >= 64 {
                out.storeBytes(of: pending.littleEndian, toByteOffset: at, as: UInt64.self)
                at += 8
                filled -= 64
                pending = filled == 0 ? 0 : bits >> UInt64(width - filled)
            }
        }
        while filled > 0 {
            out.storeBytes(of: UInt8(truncatingIfNeeded: pending), toByteOffset: at, as: UInt8.self)
            at += 1
            pending >>= 8
            filled -= 8
        }
    }

    // MARK: Read

    /// Reads `count` values and adds `base` to each. May look at up to 8 bytes behind the packed ones, which the
    /// padding behind every segment allows.
    static func unpack(
        _ from: UnsafeRawPointer, width: Int, count: Int, base: Int64, into out: UnsafeMutablePointer<Int64>
    ) {
        if width == 0 {
            out.update(repeating: base, count: count)
            return
        }
        let groups = count / group
        for index in 0..<groups {
            unpackGroup(from + index * 16 * width, width: width, base: base, into: out + index * group)
        }
        unpackRest(
            from + groups * 16 * width, width: width, count: count % group, base: base, into: out + groups * group)
    }

    private static func unpackGroup(
        _ from: UnsafeRawPointer, width: Int, base: Int64, into out: UnsafeMutablePointer<Int64>
    ) {
        let target = UnsafeMutableRawPointer(out)
        let keep = Lanes(repeating: mask(width))
        let bases = Lanes(repeating: UInt64(bitPattern: base))
        let full = UInt64(width)
        let end = 16 * width
        var word = from.loadUnaligned(as: Lanes.self)
        var next = 16
        var used: UInt64 = 0
        for row in 0..<group / 2 {
            var bits = word &>> Lanes(repeating: used)
            used &+= full
            if used >= 64 {
                used &-= 64
                if next < end {
                    word = from.loadUnaligned(fromByteOffset: next, as: Lanes.self)
                    next &+= 16
                    if used > 0 { bits |= word &<< Lanes(repeating: full &- used) }
                }
            }
            target.storeBytes(of: (bits & keep) &+ bases, toByteOffset: row &* 16, as: Lanes.self)
        }
    }

    private static func unpackRest(
        _ from: UnsafeRawPointer, width: Int, count: Int, base: Int64, into out: UnsafeMutablePointer<Int64>
    ) {
        let keep = mask(width)
        if width <= 56 {
            var bit = 0
            for index in 0..<count {
                let word = UInt64(littleEndian: from.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self))
                out[index] = Int64(bitPattern: (word &>> UInt64(bit & 7)) & keep) &+ base
                bit &+= width
            }
            return
        }
        var bit = 0
        for index in 0..<count {
            let shift = UInt64(bit & 7)
            var word = UInt64(littleEndian: from.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)) &>> shift
            if shift > 0 {
                word |= UInt64(from.load(fromByteOffset: bit &>> 3 &+ 8, as: UInt8.self)) &<< (64 &- shift)
            }
            out[index] = Int64(bitPattern: word & keep) &+ base
            bit &+= width
        }
    }
}
