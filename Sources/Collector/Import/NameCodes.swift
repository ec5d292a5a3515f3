import Glibc

/// Numbers names by their bytes, in the order in which they are met; the empty name is 0.
struct NameCodes {
    /// Bytes of a name, of which `count` + 8 can be read; the first sixteen of them as words, filled up with zero.
    struct Text {
        var start: UnsafeRawPointer
        var count: Int
        var low: UInt64
        var high: UInt64
    }

    private struct Entry {
        var digest: UInt64
        var low: UInt64
        var high: UInt64
        var count: Int
        /// Where the bytes beyond the sixteenth stand in `tails`.
        var tail: Int
    }

    /// Names that nobody was told of yet.
    private var fresh: [String] = []
    private var entries: [Entry] = []
    private var tails: [UInt8] = []
    /// Open addressing at a load of at most a half; 1 + the code, 0 when free.
    private var slots = [Int32](repeating: 0, count: 1 << 10)

    init() { _ = withUnsafeBytes(of: UInt64(0)) { $0.baseAddress.map { code(of: $0, count: 0) } } }

    /// The names that are new since the last asking, in the order of their codes.
    mutating func takeNames() -> [String] {
        defer { fresh = [] }
        return fresh
    }

    /// The code of any bytes of UTF-8.
    mutating func code(of bytes: UnsafeRawPointer, count: Int) -> Int64 {
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: .init(start: bytes, count: min(count, 16))) }
        return code(
            of: Text(
                start: bytes, count: count, low: UInt64(littleEndian: words.0), high: UInt64(littleEndian: words.1)))
    }

    @inline(__always)
    mutating func code(of text: Text) -> Int64 {
        var digest = (text.low ^ text.high &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(text.count)) &* 0x9E37_79B9_7F4A_7C15
        if text.count > 16 { digest = Self.mix(digest, text) }
        digest ^= digest >> 32
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: digest) & mask
        while slots[slot] != 0 {
            let code = Int(slots[slot]) - 1
            if isEqual(code, text) { return Int64(code) }
            slot = (slot + 1) & mask
        }
        return add(text, digest, slot)
    }

    @inline(__always)
    private func isEqual(_ code: Int, _ text: Text) -> Bool {
        let entry = entries[code]
        guard entry.low == text.low, entry.high == text.high, entry.count == text.count else { return false }
        if text.count <= 16 { return true }
        return tails.withUnsafeBytes { tails in
            tails.baseAddress.map { memcmp($0 + entry.tail, text.start + 16, text.count - 16) == 0 } ?? false
        }
    }

    private static func mix(_ digest: UInt64, _ text: Text) -> UInt64 {
        var digest = digest
        var at = 16
        while at < text.count {
            // The last word overlaps the one before, rather than reaching beyond the name.
            let word = text.start.loadUnaligned(fromByteOffset: min(at, text.count - 8), as: UInt64.self)
            digest = (digest ^ digest >> 29 ^ word) &* 0x9E37_79B9_7F4A_7C15
            at += 8
        }
        return digest
    }

    @inline(never)
    private mutating func add(_ text: Text, _ digest: UInt64, _ slot: Int) -> Int64 {
        let bytes = UnsafeRawBufferPointer(start: text.start, count: text.count)
        entries.append(
            Entry(digest: digest, low: text.low, high: text.high, count: text.count, tail: tails.count))
        tails += bytes.dropFirst(16)
        fresh.append(String(decoding: bytes, as: UTF8.self))
        slots[slot] = Int32(entries.count)
        if entries.count * 2 > slots.count { grow() }
        return Int64(entries.count - 1)
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for (code, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.digest) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(code + 1)
        }
    }
}
