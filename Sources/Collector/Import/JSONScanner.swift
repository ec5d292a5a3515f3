/// Walks over one line of JSON (RFC 8259, strictly), value by value, without building anything.
///
/// A line is at most `LineReader.limit` bytes, so that positions fit in 32 bits. Columns in messages count bytes from
/// 1.
struct JSONScanner {
    /// Arrays and objects inside one another; deeper lines are refused, so that no line can exhaust the stack.
    static let depthMax = 64

    let bytes: UnsafeRawBufferPointer
    var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x09, 0x0D, 0x0A: at += 1
            default: return
            }
        }
    }

    /// Takes the byte if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ expectation: String) throws(LineFault) {
        if !take(byte) { throw fault(expectation) }
    }

    /// Any value.
    mutating func value(depth: Int = 0) throws(LineFault) -> JSONToken {
        guard at < bytes.count else { throw fault("a value") }
        switch bytes[at] {
        case UInt8(ascii: "\""):
            at += 1
            return try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .yes)
        case UInt8(ascii: "f"): return try word("false", .no)
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return try nested(depth: depth)
        default: throw fault("a value")
        }
    }

    private mutating func word(_ text: StaticString, _ kind: JSONToken.Kind) throws(LineFault) -> JSONToken {
        let start = at
        for index in 0..<text.utf8CodeUnitCount {
            guard at < bytes.count, bytes[at] == text.utf8Start[index] else { throw fault("the word \(text)") }
            at += 1
        }
        return JSONToken(kind: kind, start: Int32(start), length: Int32(at - start))
    }

    /// A string; the opening quote has been taken.
    mutating func string() throws(LineFault) -> JSONToken {
        let start = at
        var kind = JSONToken.Kind.string
        while true {
            skipPlain()
            guard at < bytes.count else { throw fault("the closing quote of a string") }
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return JSONToken(kind: kind, start: Int32(start), length: Int32(at - 1 - start))
            }
            if byte == UInt8(ascii: "\\") {
                kind = .escaped
                try skipEscape()
            } else if byte < 0x20 {
                throw fault("no control character inside a string (write it as \\u00XX)")
            } else if byte < 0x80 {
                at += 1
            } else {
                try skipUTF8()
            }
        }
    }

    /// Jumps over bytes that a string may hold as they are, eight at a time: neither quote, backslash, control nor
    /// beyond ASCII. The test per byte is (x − 0x20), (x ^ quote) − 1 and (x ^ backslash) − 1 borrowing into the top
    /// bit; a borrow can spill only upwards, so that the lowest byte found is always right.
    private mutating func skipPlain() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        while at + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let found = (word | (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)) & (ones &* 0x80)
            if found != 0 {
                at += found.trailingZeroBitCount / 8
                return
            }
            at += 8
        }
        while at < bytes.count, bytes[at] >= 0x20, bytes[at] < 0x80, bytes[at] != 0x22, bytes[at] != 0x5C { at += 1 }
    }

    private mutating func skipEscape() throws(LineFault) {
        at += 1
        guard at < bytes.count else { throw fault("a character after the backslash") }
        switch bytes[at] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: at += 1
        case UInt8(ascii: "u"):
            at += 1
            for _ in 0..<4 {
                guard at < bytes.count, Self.hex(bytes[at]) != nil else { throw fault("four hex digits after \\u") }
                at += 1
            }
        default: throw fault("one of \" \\ / b f n r t u after the backslash")
        }
    }

    /// One character of two to four bytes, in the well-formed ranges of Unicode 16, table 3-7.
    private mutating func skipUTF8() throws(LineFault) {
        let lead = bytes[at]
        let (count, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw fault("UTF-8")
        }
        guard at + count <= bytes.count, second.contains(bytes[at + 1]) else { throw fault("UTF-8") }
        for index in 2..<max(count, 2) where bytes[at + index] & 0xC0 != 0x80 { throw fault("UTF-8") }
        at += count
    }

    private mutating func number() throws(LineFault) -> JSONToken {
        let start = at
        let isNegative = take(UInt8(ascii: "-"))
        let first = at
        var magnitude: UInt64 = 0
        var isWhole = true
        while at < bytes.count, case let digit = bytes[at] &- 0x30, digit < 10 {
            let (scaled, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carried) = scaled.addingReportingOverflow(UInt64(digit))
            if overflowed || carried { isWhole = false }
            magnitude = sum
            at += 1
        }
        if at == first { throw fault("a digit") }
        if bytes[first] == 0x30, at - first > 1 {
            at = first + 1
            throw fault("no digit after a leading 0")
        }
        if take(UInt8(ascii: ".")) {
            let digits = at
            while at < bytes.count, bytes[at] &- 0x30 < 10 {
                if bytes[at] != 0x30 { isWhole = false }
                at += 1
            }
            if at == digits { throw fault("a digit after the decimal point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            let digits = at
            while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
            if at == digits { throw fault("a digit in the exponent") }
        }
        let kind: JSONToken.Kind = !isWhole ? .number : isNegative && magnitude > 0 ? .negative : .integer
        return JSONToken(kind: kind, start: Int32(start), length: Int32(at - start), magnitude: magnitude)
    }

    /// An array or object, checked and skipped.
    private mutating func nested(depth: Int) throws(LineFault) -> JSONToken {
        guard depth < Self.depthMax else { throw fault("at most \(Self.depthMax) levels of nesting") }
        let start = at
        let isObject = bytes[at] == UInt8(ascii: "{")
        let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        at += 1
        skipSpace()
        if !take(close) {
            while true {
                if isObject {
                    try expect(UInt8(ascii: "\""), "a key in quotes")
                    _ = try string()
                    skipSpace()
                    try expect(UInt8(ascii: ":"), "':' after a key")
                    skipSpace()
                }
                _ = try value(depth: depth + 1)
                skipSpace()
                if take(close) { break }
                try expect(UInt8(ascii: ","), isObject ? "',' or '}'" : "',' or ']'")
                skipSpace()
            }
        }
        return JSONToken(kind: .nested, start: Int32(start), length: Int32(at - start))
    }

    /// "not JSON at column 17: expected ',' or '}', found 'x'".
    func fault(_ expectation: String) -> LineFault {
        let found: String
        if at >= bytes.count {
            found = "the end of the line"
        } else if bytes[at] > 0x20, bytes[at] < 0x7F {
            found = "'\(Character(UnicodeScalar(bytes[at])))'"
        } else {
            found = "byte 0x" + (bytes[at] < 16 ? "0" : "") + String(bytes[at], radix: 16, uppercase: true)
        }
        return LineFault("not JSON at column \(at + 1): expected \(expectation), found \(found)")
    }

    static func hex(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
    }
}
