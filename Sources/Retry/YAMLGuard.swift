/// Looks over a YAML text before it is parsed, for what would cost the parser its stack or its afternoon: it recurses
/// at every level of nesting, and hashes a key with everything that aliases make of it ("a billion laughs").
///
/// Quotes and comments are passed over; anything else is counted generously. A text within the bounds takes time in
/// proportion to its length.
struct YAMLGuard {
    /// A rule file of 10,000 routes has about 6 MB.
    static let longestText = 16 << 20
    /// The deepest file that means anything here has six levels.
    static let deepest = 32
    /// So many aliases can multiply a value by e^(32/e), about 130,000, at most.
    static let mostAliases = 32

    private var line = 1
    private var flowDepth = 0
    private var aliases = 0
    private var quote: UInt8?
    private var isEscaped = false
    private var isComment = false
    /// Whether a token may begin here, so that a quote is a quote and a star an alias.
    private var atTokenStart = true
    private var leadingIndicators = 0
    private var leadingColumns: Int? = 0

    /// The line and the reason why the text is refused, or `nil`.
    static func refusal(of text: String) -> (line: Int, reason: String)? {
        if text.utf8.count > longestText {
            return (1, "the file is larger than \(longestText >> 20) MiB; no rule or configuration file should be")
        }
        var guarding = YAMLGuard()
        for byte in text.utf8 {
            if let reason = guarding.take(byte) { return (guarding.line, reason) }
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) -> String? {
        if byte == UInt8(ascii: "\n") {
            line += 1
            (isComment, isEscaped, atTokenStart) = (false, false, true)
            (leadingIndicators, leadingColumns) = (0, 0)
            return nil
        }
        if isComment { return nil }
        if let quote {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                isEscaped = true
            } else if byte == quote {
                self.quote = nil
                // Two single quotes stand for one: the second opens again.
                atTokenStart = true
            }
            return nil
        }
        return takeUnquoted(byte)
    }

    private mutating func takeUnquoted(_ byte: UInt8) -> String? {
        countLeading(byte)
        switch byte {
        case UInt8(ascii: "#") where atTokenStart: isComment = true
        case UInt8(ascii: "\"") where atTokenStart, UInt8(ascii: "'") where atTokenStart: quote = byte
        case UInt8(ascii: "*") where atTokenStart: aliases += 1
        case UInt8(ascii: "["), UInt8(ascii: "{"): flowDepth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): flowDepth = max(0, flowDepth - 1)
        default: break
        }
        atTokenStart = " \t[{,:-?".utf8.contains(byte)
        if aliases > Self.mostAliases {
            return "more than \(Self.mostAliases) aliases (*name); write the values out"
        }
        if flowDepth > Self.deepest || leadingIndicators > Self.deepest || (leadingColumns ?? 0) > 8 * Self.deepest {
            return "nested deeper than \(Self.deepest) levels; six are enough for anything here"
        }
        return nil
    }

    /// Block collections nest by their columns (`- - - x`) before the first word of a line.
    private mutating func countLeading(_ byte: UInt8) {
        guard let columns = leadingColumns else { return }
        guard " \t-?".utf8.contains(byte) else { return leadingColumns = nil }
        leadingColumns = columns + 1
        if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "?") { leadingIndicators += 1 }
    }
}
