/// Pieces of JSON, eight bytes at a time. Everything here may read up to 24 bytes beyond what it is asked about; what
/// it does not know it gives as `nil`.
enum QuickScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    static func byte(_ at: UnsafeRawPointer) -> UInt8 { at.load(as: UInt8.self) }

    @inline(__always)
    static func word(_ at: UnsafeRawPointer) -> UInt64 { UInt64(littleEndian: at.loadUnaligned(as: UInt64.self)) }

    /// The lowest bytes of a word, 0 to 8 of them.
    @inline(__always)
    static func mask(_ count: Int) -> UInt64 { count >= 8 ? .max : 1 << UInt64(8 * count) &- 1 }

    /// JSON's spaces but the line feed, which ends the line.
    @inline(__always)
    static func skipSpace(_ start: UnsafeRawPointer) -> UnsafeRawPointer {
        var at = start
        while byte(at) == 0x20 || byte(at) == 0x09 { at += 1 }
        return at
    }

    @inline(__always)
    static func isNull(_ at: UnsafeRawPointer) -> Bool { word(at) & 0xFFFF_FFFF == 0x6C6C_756E }

    @inline(__always)
    static func boolean(_ at: UnsafeRawPointer) -> (isTrue: Bool, next: UnsafeRawPointer)? {
        let letters = word(at)
        if letters & 0xFF_FFFF_FFFF == 0x65_736C_6166 { return (false, at + 5) }
        if letters & 0xFFFF_FFFF == 0x6575_7274 { return (true, at + 4) }
        return nil
    }

    /// A whole number from 0 to 2⁶⁴−1 without a leading zero.
    ///
    /// Which of eight bytes are no digits: t = byte ^ '0' is a digit's value or above 9, so t + 0x76 reaches the top
    /// bit for all others; a carry spills only upwards, so the lowest one found is right.
    @inline(__always)
    static func digits(_ start: UnsafeRawPointer) -> (number: UInt64, next: UnsafeRawPointer)? {
        let (first, count) = eight(start)
        if count < 8 {
            if count == 0 || count > 1 && byte(start) == 0x30 { return nil }
            return (first, start + count)
        }
        if byte(start) == 0x30 { return nil }
        let (second, more) = eight(start + 8)
        let number = first &* power(more) &+ second
        return more < 8 ? (number, start + 8 + more) : longDigits(number, start + 16)
    }

    /// The digits behind sixteen; at most 20 in all are 64 bits.
    @inline(never)
    private static func longDigits(_ number: UInt64, _ at: UnsafeRawPointer) -> (UInt64, UnsafeRawPointer)? {
        let (third, count) = eight(at)
        if count > 4 { return nil }
        let (scaled, isOver) = number.multipliedReportingOverflow(by: power(count))
        let (sum, isCarried) = scaled.addingReportingOverflow(third)
        return isOver || isCarried ? nil : (sum, at + count)
    }

    /// The number that the first digits of eight bytes make, and how many they are.
    @inline(__always)
    private static func eight(_ at: UnsafeRawPointer) -> (UInt64, Int) {
        let values = word(at) ^ (ones &* 0x30)
        let others = (values &+ ones &* 0x76 | values) & tops
        let count = others.trailingZeroBitCount / 8
        if count == 0 { return (0, 0) }
        // The digits move to the top, behind zeros; then pairs, fours and all eight are put together.
        let digits = values << UInt64(8 * (8 - count))
        let pairs = (digits &* (10 << 8 | 1)) >> 8 & 0x00FF_00FF_00FF_00FF
        let fours = (pairs &* (100 << 16 | 1)) >> 16 & 0x0000_FFFF_0000_FFFF
        return ((fours &* (10_000 << 32 | 1)) >> 32, count)
    }

    /// 10 to the power of at most 8.
    @inline(__always)
    private static func power(_ count: Int) -> UInt64 {
        switch count {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        default: 100_000_000
        }
    }

    /// A string up to its closing quote, if it is of printable ASCII without backslashes.
    @inline(__always)
    static func text(_ start: UnsafeRawPointer) -> NameCodes.Text? {
        let low = word(start)
        let lowStop = unplain(low)
        if lowStop != 0 {
            let count = lowStop.trailingZeroBitCount / 8
            if byte(start + count) != 0x22 { return nil }
            return NameCodes.Text(start: start, count: count, low: low & mask(count), high: 0)
        }
        let high = word(start + 8)
        let highStop = unplain(high)
        if highStop != 0 {
            let count = highStop.trailingZeroBitCount / 8
            if byte(start + 8 + count) != 0x22 { return nil }
            return NameCodes.Text(start: start, count: 8 + count, low: low, high: high & mask(count))
        }
        var at = start + 16
        while true {
            let stop = unplain(word(at))
            if stop != 0 {
                at += stop.trailingZeroBitCount / 8
                if byte(at) != 0x22 { return nil }
                return NameCodes.Text(start: start, count: at - start, low: low, high: high)
            }
            at += 8
        }
    }

    /// Top bits where a byte is a quote, a backslash, a control character, U+007F or beyond ASCII. The tests are
    /// x − 0x20 and (x ^ c) − 1 borrowing into the top bit; a borrow can spill only upwards.
    @inline(__always)
    private static func unplain(_ word: UInt64) -> UInt64 {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let delete = word ^ (ones &* 0x7F)
        return (word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | (delete &- ones)) & tops
    }
}
