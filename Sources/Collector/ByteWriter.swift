/// Bytes in the making: little-endian integers and variable-length ones (seven bits a byte, least significant first).
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func varint(zigzag value: Int64) { varint(Self.zigzag(value)) }

    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

    static func varintSize(_ value: UInt64) -> Int {
        value == 0 ? 1 : (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    static func varintSize(zigzag value: Int64) -> Int { varintSize(zigzag(value)) }
}

/// Why bytes are not what was written.
struct DecodingError: Error, Equatable {
    var reason: String
}

/// A walk over bytes that never leaves them. Behind `end` lie at least `Segment.padding` readable bytes.
struct ByteReader {
    let base: UnsafeRawPointer
    private(set) var at: Int
    let end: Int

    init(_ buffer: UnsafeRawBufferPointer, from: Int, to: Int) throws(DecodingError) {
        guard let base = buffer.baseAddress, from >= 0, from <= to, to + Segment.padding <= buffer.count else {
            throw DecodingError(reason: "a part lies outside of the bytes")
        }
        self.base = base
        at = from
        end = to
    }

    mutating func skip(_ count: Int) throws(DecodingError) {
        guard count >= 0, count <= end - at else { throw DecodingError(reason: "the bytes end too early") }
        at += count
    }

    mutating func byte() throws(DecodingError) -> UInt8 {
        guard at < end else { throw DecodingError(reason: "the bytes end too early") }
        defer { at += 1 }
        return base.load(fromByteOffset: at, as: UInt8.self)
    }

    mutating func fixed<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws(DecodingError) -> Value {
        let start = at
        try skip(MemoryLayout<Value>.size)
        return Value(littleEndian: base.loadUnaligned(fromByteOffset: start, as: Value.self))
    }

    mutating func varint() throws(DecodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            let bits = UInt64(next & 0x7F)
            guard shift < 63 || (shift == 63 && bits <= 1) else { throw DecodingError(reason: "a number is too long") }
            value |= bits << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func varintZigzag() throws(DecodingError) -> Int64 {
        let raw = try varint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    func requireEnd() throws(DecodingError) {
        guard at == end else { throw DecodingError(reason: "\(end - at) bytes too many") }
    }
}
