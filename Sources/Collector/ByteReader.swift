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

    private init(base: UnsafeRawPointer, at: Int, end: Int) {
        self.base = base
        self.at = at
        self.end = end
    }

    /// The next `count` bytes as a walk of their own.
    mutating func part(_ count: Int) throws(DecodingError) -> ByteReader {
        let start = at
        try skip(count)
        return ByteReader(base: base, at: start, end: at)
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
