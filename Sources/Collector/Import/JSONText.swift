/// The text of a JSON string with escapes.
enum JSONText {
    /// The UTF-8 bytes that the escaped bytes stand for; the scanner has checked the escapes' form.
    ///
    /// - Throws: `LineFault` for half a surrogate pair, which stands for no character.
    static func unescape(_ bytes: UnsafeRawBufferPointer) throws(LineFault) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var at = 0
        while at < bytes.count {
            if bytes[at] != UInt8(ascii: "\\") {
                text.append(bytes[at])
                at += 1
                continue
            }
            let letter = bytes[at + 1]
            at += 2
            switch letter {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text.append(contentsOf: try scalar(bytes, &at))
            default: text.append(letter)
            }
        }
        return text
    }

    /// The character at a `\u` whose digits begin at `at`, with its second half when it is a pair.
    private static func scalar(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(LineFault) -> [UInt8] {
        var value = unit(bytes, at)
        at += 4
        if (0xD800..<0xDC00).contains(value), at + 6 <= bytes.count, bytes[at] == UInt8(ascii: "\\"),
            bytes[at + 1] == UInt8(ascii: "u"), case let low = unit(bytes, at + 2), (0xDC00..<0xE000).contains(low)
        {
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            at += 6
        }
        guard let scalar = UnicodeScalar(value) else {
            throw LineFault("\\u\(String(value, radix: 16)) is half a surrogate pair")
        }
        return Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func unit(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 4 | (JSONScanner.hex(bytes[at + $1]) ?? 0) }
    }
}
