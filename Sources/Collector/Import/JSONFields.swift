/// The fields of one JSON line that a format knows; all others are checked and skipped.
///
/// A format numbers its fields from 0. Several keys may mean one field: the first that is not null counts, the same
/// key twice is refused.
struct JSONFields {
    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var field: Int8 = -1
        var key: Int8 = 0
    }

    private static let slotCount = 128

    private var slots = [Slot](repeating: Slot(), count: slotCount)
    private let names: [String]
    private let fieldNames: [String]
    private var tokens: [JSONToken]
    private(set) var line = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Counts the keys that no field has, where the format wants them counted.
    private(set) var unknown: UnknownKeys?

    /// The unknown keys of the lines since the last asking, without a limit to how many.
    mutating func takeUnknown() -> UnknownKeys? {
        defer { if unknown != nil { unknown = UnknownKeys(limit: .max) } }
        return unknown
    }

    /// - Parameter keys: the known keys, at most 16 bytes each and 64 in all, and the field that each means.
    init(keys: [(name: String, field: Int)], countsUnknown: Bool = false) {
        precondition(keys.count <= 64 && keys.allSatisfy { $0.name.utf8.count <= 16 }, "too many or too long keys")
        let count = (keys.map(\.field).max() ?? -1) + 1
        tokens = Array(repeating: JSONToken(), count: count)
        unknown = countsUnknown ? UnknownKeys(limit: .max) : nil
        names = keys.map(\.name)
        fieldNames = (0..<count).map { field in keys.first { $0.field == field }?.name ?? "" }
        for (index, key) in keys.enumerated() {
            let (low, high) = Array(key.name.utf8).withUnsafeBytes { Self.words($0, 0..<$0.count) }
            var at = Self.slot(low, high)
            while slots[at].field >= 0 { at = (at + 1) % Self.slotCount }
            slots[at] = Slot(low: low, high: high, field: Int8(key.field), key: Int8(index))
        }
    }

    /// Reads a line, which must be one JSON object. The bytes must live as long as the fields are asked for.
    mutating func read(_ line: UnsafeRawBufferPointer) throws(LineFault) {
        self.line = line
        unknown?.beginLine()
        for index in tokens.indices { tokens[index].kind = .absent }
        var scanner = JSONScanner(line)
        scanner.skipSpace()
        try scanner.expect(UInt8(ascii: "{"), "a JSON object ('{')")
        scanner.skipSpace()
        var seen: UInt64 = 0
        if !scanner.take(UInt8(ascii: "}")) {
            while true {
                try scanner.expect(UInt8(ascii: "\""), "a key in quotes")
                let key = try scanner.string()
                scanner.skipSpace()
                try scanner.expect(UInt8(ascii: ":"), "':' after a key")
                scanner.skipSpace()
                let value = try scanner.value(depth: 1)
                try keep(value, under: key, &seen)
                scanner.skipSpace()
                if scanner.take(UInt8(ascii: "}")) { break }
                try scanner.expect(UInt8(ascii: ","), "',' or '}'")
                scanner.skipSpace()
            }
        }
        scanner.skipSpace()
        if scanner.at < line.count { throw scanner.fault("nothing after the object") }
    }

    private mutating func keep(
        _ value: JSONToken, under key: JSONToken, _ seen: inout UInt64
    ) throws(LineFault) {
        let found: Slot?
        if key.kind == .escaped {
            let plain = try JSONText.unescape(UnsafeRawBufferPointer(rebasing: line[key.range]))
            found = plain.withUnsafeBytes { lookUp($0, 0..<$0.count) }
        } else {
            found = lookUp(line, key.range)
        }
        guard let found else {
            unknown?.note(UnsafeRawBufferPointer(rebasing: line[key.range]))
            return
        }
        let bit: UInt64 = 1 << UInt64(found.key)
        if seen & bit != 0 { throw LineFault("\(names[Int(found.key)]) stands twice in the line") }
        seen |= bit
        let field = Int(found.field)
        if tokens[field].kind == .absent || tokens[field].kind == .null { tokens[field] = value }
    }

    private func lookUp(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Slot? {
        guard range.count <= 16 else { return nil }
        let (low, high) = Self.words(bytes, range)
        var at = Self.slot(low, high)
        while slots[at].field >= 0 {
            if slots[at].low == low, slots[at].high == high { return slots[at] }
            at = (at + 1) % Self.slotCount
        }
        return nil
    }

    private static func slot(_ low: UInt64, _ high: UInt64) -> Int {
        Int(truncatingIfNeeded: ((low ^ (high &* 0xD6E8_FEB8_6659_FD93)) &* 0x9E37_79B9_7F4A_7C15) >> 57)
    }

    /// At most sixteen bytes as two little-endian words, filled up with zero.
    private static func words(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> (UInt64, UInt64) {
        let count = range.count
        if range.lowerBound + 16 <= bytes.count {
            let low = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
            let high = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound + 8, as: UInt64.self))
            if count >= 8 { return (low, count == 16 ? high : high & (1 << UInt64(8 * (count - 8)) - 1)) }
            return (low & (1 << UInt64(8 * count) - 1), 0)
        }
        var (low, high): (UInt64, UInt64) = (0, 0)
        for index in 0..<count {
            let byte = UInt64(bytes[range.lowerBound + index])
            if index < 8 { low |= byte << UInt64(8 * index) } else { high |= byte << UInt64(8 * (index - 8)) }
        }
        return (low, high)
    }

    // MARK: What a field holds

    /// The token of a field.
    subscript(field: Int) -> JSONToken { tokens[field] }

    /// Whether the line has the field with a value other than null.
    func has(_ field: Int) -> Bool { tokens[field].kind != .absent && tokens[field].kind != .null }

    /// The bytes of a string without escapes, or of any other value as it stands.
    func raw(_ field: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: line[tokens[field].range]) }

    /// Calls with the UTF-8 bytes of a string, `nil` when the field is absent or null.
    func withText<Result>(
        _ field: Int, _ body: (UnsafeRawBufferPointer) throws(LineFault) -> Result
    ) throws(LineFault) -> Result? {
        switch tokens[field].kind {
        case .absent, .null: return nil
        case .string: return try body(raw(field))
        case .escaped:
            let text = try JSONText.unescape(raw(field))
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyBytes(from: text)
            return try body(UnsafeRawBufferPointer(copy))
        default: throw fault(field, "must be a string, found \(describe(field))")
        }
    }

    /// A name, `nil` when the field is absent or null. Names are shown in terminals and reports, and stand in SQL: no
    /// control characters.
    func name(_ field: Int, _ names: NameCache) throws(LineFault) -> String? {
        try withText(field) { (bytes) throws(LineFault) in
            if Self.hasControl(bytes) {
                throw fault(field, "must not have control characters (bytes below 32, U+007F to U+009F)")
            }
            return names.name(bytes)
        }
    }

    private static func hasControl(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var last: UInt8 = 0
        for byte in bytes {
            if byte < 0x20 || byte == 0x7F || last == 0xC2 && byte < 0xA0 { return true }
            last = byte
        }
        return false
    }

    /// A whole number within bounds, `nil` when the field is absent or null.
    func integer(_ field: Int, _ range: ClosedRange<Int64>) throws(LineFault) -> Int64? {
        let token = tokens[field]
        let value: Int64?
        switch token.kind {
        case .absent, .null: return nil
        case .integer: value = Int64(exactly: token.magnitude)
        case .negative: value = token.magnitude <= UInt64(Int64.max) ? -Int64(token.magnitude) : nil
        case .number: throw fault(field, "must be a whole number of at most 64 bits, found \(describe(field))")
        default: throw fault(field, "must be a whole number, found \(describe(field))")
        }
        guard let value, range.contains(value) else {
            throw fault(field, "must be from \(range.lowerBound) to \(range.upperBound), found \(describe(field))")
        }
        return value
    }

    /// true or false, `nil` when the field is absent or null.
    func boolean(_ field: Int) throws(LineFault) -> Bool? {
        switch tokens[field].kind {
        case .absent, .null: return nil
        case .yes: return true
        case .no: return false
        default: throw fault(field, "must be true or false, found \(describe(field))")
        }
    }

    func fault(_ field: Int, _ reason: String) -> LineFault { LineFault("\(fieldNames[field]): \(reason)") }

    /// The value as it stands in the line, shortened.
    func describe(_ field: Int) -> String {
        let token = tokens[field]
        guard token.kind != .absent, token.kind != .nested else { return token.noun }
        let text = String(decoding: raw(field).prefix(40), as: UTF8.self)
        let rest = token.length > 40 ? "..." : ""
        return token.kind == .string || token.kind == .escaped ? "'\(text)\(rest)'" : "\(text)\(rest)"
    }
}
