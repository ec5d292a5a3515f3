import Retry

/// The quick way to read a line of the `attempts` format, see `AttemptScanner`.
///
/// A column's number is its field's. What stands between two values (`,"host":"` without the last quote) is compared
/// as a whole with what stood behind the same value in the line before; only where it differs is a key looked up.
struct AttemptQuickLine {
    private typealias Row = UnsafeMutablePointer<Int64>

    /// What stands between two values, as words, and the field of the second one.
    private struct Link {
        // No word is 1 under a mask of 0: a link that was not learned fits nothing.
        var words: (UInt64, UInt64, UInt64) = (1, 0, 0)
        var masks: (UInt64, UInt64, UInt64) = (0, 0, 0)
        var count = 0
        var field = 0

        @inline(__always)
        func fits(_ at: UnsafeRawPointer) -> Bool {
            let first = QuickScan.word(at) & masks.0 ^ words.0
            let second = QuickScan.word(at + 8) & masks.1 ^ words.1
            let third = QuickScan.word(at + 16) & masks.2 ^ words.2
            return first | second | third == 0
        }

        init() {}

        /// At most 24 bytes.
        init(_ at: UnsafeRawPointer, count: Int, field: Int) {
            func mask(_ index: Int) -> UInt64 { QuickScan.mask(min(8, max(0, count - 8 * index))) }
            masks = (mask(0), mask(1), mask(2))
            words = (
                QuickScan.word(at) & masks.0, QuickScan.word(at + 8) & masks.1, QuickScan.word(at + 16) & masks.2
            )
            (self.count, self.field) = (count, field)
        }
    }

    private struct Word {
        var low: UInt64
        var high: UInt64
        var value: Int64
    }

    /// In a link's place: before the first key.
    private static let none = Column.allCases.count
    /// In a field's place: the object's end.
    private static let end = Column.allCases.count
    private static let required: UInt32 =
        1 << UInt32(Column.startUs.index) | 1 << UInt32(Column.durationUs.index) | 1 << UInt32(Column.route.index)
        | 1 << UInt32(Column.outcome.index)

    private var routes = NameCodes()
    private var hosts = NameCodes()
    private var methods = NameCodes()
    private var links = Array(repeating: Link(), count: none + 1)
    private let keys: [Word]
    private let outcomes: [Word]
    /// What each column may be, where it is a number.
    private let bounds: [ClosedRange<UInt64>]
    private let kinds: [Column] = Column.allCases

    init() {
        func word(_ text: String, _ value: Int64) -> Word {
            var words: (UInt64, UInt64) = (0, 0)
            withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: text.utf8) }
            return Word(low: UInt64(littleEndian: words.0), high: UInt64(littleEndian: words.1), value: value)
        }
        keys = AttemptLine.keys.map { word($0.name, Int64($0.field)) }
        outcomes = Outcome.allCases.map { word($0.name, Int64($0.rawValue)) }
        bounds = Column.allCases.map { column in
            let range = AttemptLine.bounds(column) ?? 0...0
            return UInt64(range.lowerBound)...UInt64(range.upperBound)
        }
    }

    /// Reads a line into a row of one word a column. Bytes up to the line's end and 32 behind it can be read.
    ///
    /// - Returns: the line's bytes, its end included; 0 when the line is not for this way.
    mutating func read(_ start: UnsafeRawPointer, into row: UnsafeMutablePointer<Int64>) -> Int {
        for index in 0..<Column.allCases.count { row[index] = 0 }
        row[Column.attempt.index] = 1
        var at = start
        var last = Self.none
        var (seen, present): (UInt32, UInt32) = (0, 0)
        while true {
            let field: Int
            // A space behind it is a part of the link in this line.
            if links[last].fits(at), QuickScan.byte(at + links[last].count) > 0x20 {
                field = links[last].field
                at += links[last].count
            } else if last != Self.none, QuickScan.byte(at) == UInt8(ascii: "}") {
                at += 1
                break
            } else {
                guard let found = key(at, after: last) else { return 0 }
                at = found.at
                if found.field == Self.end { break }
                field = found.field
            }
            let bit: UInt32 = 1 << UInt32(field)
            if seen & bit != 0 { return 0 }
            seen |= bit
            if let next = value(of: field, at, row) {
                present |= bit
                at = next
            } else if QuickScan.isNull(at) {
                at += 4
            } else {
                return 0
            }
            last = field
        }
        guard present & Self.required == Self.required, row[Column.route.index] != 0 else { return 0 }
        let textEnd = at
        if QuickScan.byte(at) == 0x0D { at += 1 }
        guard QuickScan.byte(at) == 0x0A else { return 0 }
        if present & 1 << UInt32(Column.request.index) == 0 {
            row[Column.request.index] = Int64(
                bitPattern: XXH64.hash(UnsafeRawBufferPointer(start: start, count: textEnd - start)))
        }
        return at + 1 - start
    }

    /// The names that are new since the last asking, by `NameKind`.
    mutating func takeNames() -> [[String]] { [routes.takeNames(), hosts.takeNames(), methods.takeNames()] }

    /// Puts an attempt that was read in the other way into a row.
    mutating func put(_ attempt: Attempt, into row: UnsafeMutablePointer<Int64>) {
        func code(_ name: String, _ codes: inout NameCodes) -> Int64 {
            var name = name
            return name.withUTF8 { bytes in
                // The empty name has no address.
                bytes.baseAddress.map { codes.code(of: UnsafeRawPointer($0), count: bytes.count) } ?? 0
            }
        }
        row[Column.startUs.index] = attempt.startUs
        row[Column.durationUs.index] = attempt.durationUs
        row[Column.route.index] = code(attempt.route, &routes)
        row[Column.host.index] = code(attempt.host, &hosts)
        row[Column.request.index] = Int64(bitPattern: attempt.request)
        row[Column.attempt.index] = Int64(attempt.attempt)
        row[Column.waitUs.index] = attempt.waitUs
        row[Column.outcome.index] = Int64(attempt.outcome.rawValue)
        row[Column.status.index] = Int64(attempt.status)
        row[Column.isGRPC.index] = attempt.isGRPC ? 1 : 0
        row[Column.timeoutUs.index] = attempt.timeoutUs
        row[Column.retryAfterUs.index] = attempt.retryAfterUs
        row[Column.method.index] = code(attempt.method, &methods)
        row[Column.hedge.index] = attempt.hedge ? 1 : 0
        row[Column.ruleVersion.index] = Int64(attempt.ruleVersion)
    }

    /// Reads a value into its column; `nil` when it is null or not for this way.
    @inline(__always)
    private mutating func value(of field: Int, _ at: UnsafeRawPointer, _ row: Row) -> UnsafeRawPointer? {
        switch kinds[field] {
        case .route: return Self.name(at, &routes, &row[field])
        case .host: return Self.name(at, &hosts, &row[field])
        case .method: return Self.name(at, &methods, &row[field])
        case .outcome: return Self.outcome(at, outcomes, &row[field])
        case .isGRPC, .hedge:
            guard let (isTrue, next) = QuickScan.boolean(at) else { return nil }
            row[field] = isTrue ? 1 : 0
            return next
        case .request:
            if QuickScan.byte(at) == UInt8(ascii: "\"") {
                guard let text = QuickScan.text(at + 1) else { return nil }
                let bytes = UnsafeRawBufferPointer(start: text.start, count: text.count)
                row[field] = Int64(bitPattern: XXH64.hash(bytes))
                return text.start + text.count + 1
            }
            guard let (number, next) = QuickScan.digits(at) else { return nil }
            row[field] = Int64(bitPattern: number)
            return next
        case .startUs, .durationUs, .attempt, .waitUs, .status, .timeoutUs, .retryAfterUs, .ruleVersion:
            guard let (number, next) = QuickScan.digits(at) else { return nil }
            let range = bounds[field]
            guard number >= range.lowerBound, number <= range.upperBound else { return nil }
            row[field] = Int64(bitPattern: number)
            return next
        }
    }

    @inline(__always)
    private static func name(_ at: UnsafeRawPointer, _ codes: inout NameCodes, _ code: inout Int64) -> UnsafeRawPointer?
    {
        guard QuickScan.byte(at) == UInt8(ascii: "\""), let text = QuickScan.text(at + 1) else { return nil }
        code = codes.code(of: text)
        return text.start + text.count + 1
    }

    @inline(__always)
    private static func outcome(
        _ at: UnsafeRawPointer, _ outcomes: [Word], _ value: inout Int64
    ) -> UnsafeRawPointer? {
        guard QuickScan.byte(at) == UInt8(ascii: "\""), let text = QuickScan.text(at + 1), text.count <= 16 else {
            return nil
        }
        for word in outcomes where word.low == text.low && word.high == text.high {
            value = word.value
            return text.start + text.count + 1
        }
        return nil
    }

    /// The field whose key comes next and where its value begins, or the object's end; `nil`: not for this way.
    @inline(never)
    private mutating func key(_ start: UnsafeRawPointer, after last: Int) -> (field: Int, at: UnsafeRawPointer)? {
        var at = QuickScan.skipSpace(start)
        if last != Self.none, QuickScan.byte(at) == UInt8(ascii: "}") { return (Self.end, at + 1) }
        guard QuickScan.byte(at) == UInt8(ascii: last == Self.none ? "{" : ",") else { return nil }
        at = QuickScan.skipSpace(at + 1)
        guard QuickScan.byte(at) == UInt8(ascii: "\""), let text = QuickScan.text(at + 1), text.count <= 16,
            let key = keys.first(where: { $0.low == text.low && $0.high == text.high })
        else { return nil }
        at = QuickScan.skipSpace(text.start + text.count + 1)
        guard QuickScan.byte(at) == UInt8(ascii: ":") else { return nil }
        at = QuickScan.skipSpace(at + 1)
        if at - start <= 24 { links[last] = Link(start, count: at - start, field: Int(key.value)) }
        return (Int(key.value), at)
    }
}
