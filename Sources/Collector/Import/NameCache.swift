import Glibc

/// Strings for bytes that come again and again (routes, hosts, methods), so that most lines allocate none.
///
/// Direct-mapped: a name takes the place of another with the same slot, which bounds the memory.
final class NameCache {
    private static let slotCount = 1024

    private var names = [String](repeating: "", count: slotCount)

    /// The string of UTF-8 bytes.
    func name(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.isEmpty { return "" }
        let slot = Int(truncatingIfNeeded: XXH64.hash(bytes) % UInt64(Self.slotCount))
        if Self.isEqual(&names[slot], bytes) { return names[slot] }
        let name = String(decoding: bytes, as: UTF8.self)
        names[slot] = name
        return name
    }

    private static func isEqual(_ name: inout String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        name.withUTF8 { own in
            guard own.count == bytes.count, let left = own.baseAddress, let right = bytes.baseAddress else {
                return false
            }
            return memcmp(left, right, bytes.count) == 0
        }
    }
}
