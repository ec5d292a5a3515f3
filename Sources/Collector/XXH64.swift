/// xxHash with 64 bits (Y. Collet, "xxHash fast digest algorithm", specification 0.1.1): what guards every stored byte.
enum XXH64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    /// The digest of a buffer.
    static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var at = 0
        var digest: UInt64
        if bytes.count >= 32 {
            var lanes = (seed &+ prime1 &+ prime2, seed &+ prime2, seed, seed &- prime1)
            while at + 32 <= bytes.count {
                lanes.0 = round(lanes.0, word(bytes, at))
                lanes.1 = round(lanes.1, word(bytes, at + 8))
                lanes.2 = round(lanes.2, word(bytes, at + 16))
                lanes.3 = round(lanes.3, word(bytes, at + 24))
                at += 32
            }
            digest = rotate(lanes.0, 1) &+ rotate(lanes.1, 7) &+ rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
            digest = merge(merge(merge(merge(digest, lanes.0), lanes.1), lanes.2), lanes.3)
        } else {
            digest = seed &+ prime5
        }
        digest = tail(bytes, from: at, digest &+ UInt64(bytes.count))
        digest = (digest ^ (digest >> 33)) &* prime2
        digest = (digest ^ (digest >> 29)) &* prime3
        return digest ^ (digest >> 32)
    }

    /// The digest of a text's UTF-8.
    static func hash(_ text: String, seed: UInt64 = 0) -> UInt64 {
        var text = text
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0), seed: seed) }
    }

    /// The digest of words, each taken as eight little-endian bytes.
    static func hash(words: [UInt64]) -> UInt64 {
        words.withUnsafeBytes { hash($0) }
    }

    private static func tail(_ bytes: UnsafeRawBufferPointer, from start: Int, _ initial: UInt64) -> UInt64 {
        var digest = initial
        var at = start
        while at + 8 <= bytes.count {
            digest = rotate(digest ^ round(0, word(bytes, at)), 27) &* prime1 &+ prime4
            at += 8
        }
        if at + 4 <= bytes.count {
            let four = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
            digest = rotate(digest ^ (four &* prime1), 23) &* prime2 &+ prime3
            at += 4
        }
        while at < bytes.count {
            digest = rotate(digest ^ (UInt64(bytes[at]) &* prime5), 11) &* prime1
            at += 1
        }
        return digest
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    private static func rotate(_ value: UInt64, _ by: UInt64) -> UInt64 { value << by | value >> (64 - by) }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }

    private static func merge(_ digest: UInt64, _ lane: UInt64) -> UInt64 {
        (digest ^ round(0, lane)) &* prime1 &+ prime4
    }
}
