/// Bytes in the making, as many as were measured before the first was written: little-endian integers and
/// variable-length ones (seven bits a byte, least significant first).
struct ByteWriter {
    let base: UnsafeMutableRawPointer
    let capacity: Int
    private(set) var count = 0

    /// `size` bytes, filled by `body` to the last one.
    static func bytes(_ size: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            var writer = ByteWriter(base: UnsafeMutableRawPointer(base), capacity: size)
            body(&writer)
            filled = writer.count
        }
    }

    private init(base: UnsafeMutableRawPointer, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    /// What was written so far.
    var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Room for `size` bytes, to be filled by the caller.
    mutating func claim(_ size: Int) -> UnsafeMutableRawPointer {
        precondition(size >= 0 && size <= capacity - count, "more bytes were written than were measured")
        defer { count += size }
        return base + count
    }

    mutating func byte(_ value: UInt8) { claim(1).storeBytes(of: value, as: UInt8.self) }

    mutating func fixed<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        claim(MemoryLayout<Value>.size).storeBytes(of: value.littleEndian, as: Value.self)
    }

    mutating func append(_ more: [UInt8]) {
        let start = claim(more.count)
        more.withUnsafeBytes { if let from = $0.baseAddress { start.copyMemory(from: from, byteCount: $0.count) } }
    }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(rest))
    }

    mutating func varint(zigzag value: Int64) { varint(Self.zigzag(value)) }

    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

    static func varintSize(_ value: UInt64) -> Int {
        value == 0 ? 1 : (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    static func varintSize(zigzag value: Int64) -> Int { varintSize(zigzag(value)) }
}
