/// Swift source with the inside of comments, string literals and raw names blanked out, so that what is searched for is
/// code. Every byte keeps its place: line and column stay what they were.
struct SwiftText: Sendable {
    private enum Mode: Sendable {
        case code
        case lineComment
        case blockComment(depth: Int)
        case string(pounds: Int, isMultiline: Bool)
        /// Code inside `\( )`, with the parentheses that are open in it.
        case interpolation(open: Int)
        case rawName
    }

    private let bytes: [UInt8]
    private(set) var blanked: [UInt8]
    /// Whether the byte at an offset lies in a string literal.
    private(set) var isLiteral: [Bool]
    private var modes: [Mode] = [.code]
    private var at = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        blanked = bytes
        isLiteral = Array(repeating: false, count: bytes.count)
        while at < bytes.count { step() }
    }

    /// The blanked text.
    var code: String { String(decoding: blanked, as: UTF8.self) }

    private mutating func step() {
        let byte = bytes[at]
        switch modes[modes.count - 1] {
        case .code: stepInCode(byte)
        case .interpolation(let open):
            if byte == Self.opening {
                modes[modes.count - 1] = .interpolation(open: open + 1)
                at += 1
            } else if byte == Self.closing {
                if open == 0 { modes.removeLast() } else { modes[modes.count - 1] = .interpolation(open: open - 1) }
                at += 1
            } else {
                stepInCode(byte)
            }
        case .lineComment:
            if byte == Self.newline { modes.removeLast() } else { blanked[at] = Self.space }
            at += 1
        case .blockComment(let depth):
            stepInBlockComment(byte, depth: depth)
        case .string(let pounds, let isMultiline):
            stepInString(byte, pounds: pounds, isMultiline: isMultiline)
        case .rawName:
            if byte == Self.backtick || byte == Self.newline { modes.removeLast() } else { blanked[at] = Self.space }
            at += 1
        }
    }

    private mutating func stepInCode(_ byte: UInt8) {
        switch byte {
        case Self.slash where next(1) == Self.slash: modes.append(.lineComment)
        case Self.slash where next(1) == Self.star:
            modes.append(.blockComment(depth: 1))
            blank(2)
        case Self.backtick:
            modes.append(.rawName)
            at += 1
        case Self.quote, Self.pound:
            guard let opening = stringOpening() else { return at += 1 }
            modes.append(.string(pounds: opening.pounds, isMultiline: opening.isMultiline))
            at += opening.length
        default: at += 1
        }
    }

    private func stringOpening() -> (pounds: Int, isMultiline: Bool, length: Int)? {
        var pounds = 0
        while next(pounds) == Self.pound { pounds += 1 }
        guard next(pounds) == Self.quote else { return nil }
        let isMultiline = next(pounds + 1) == Self.quote && next(pounds + 2) == Self.quote
        return (pounds, isMultiline, pounds + (isMultiline ? 3 : 1))
    }

    private mutating func stepInBlockComment(_ byte: UInt8, depth: Int) {
        if byte == Self.star, next(1) == Self.slash {
            if depth == 1 { modes.removeLast() } else { modes[modes.count - 1] = .blockComment(depth: depth - 1) }
            blank(2)
        } else if byte == Self.slash, next(1) == Self.star {
            modes[modes.count - 1] = .blockComment(depth: depth + 1)
            blank(2)
        } else {
            blank(1)
        }
    }

    private mutating func stepInString(_ byte: UInt8, pounds: Int, isMultiline: Bool) {
        isLiteral[at] = true
        let quotes = isMultiline ? 3 : 1
        if byte == Self.quote, arePounds(pounds, after: quotes),
            !isMultiline || next(1) == Self.quote && next(2) == Self.quote
        {
            modes.removeLast()
            at += quotes + pounds
        } else if byte == Self.backslash, arePounds(pounds, after: 1) {
            if next(pounds + 1) == Self.opening {
                modes.append(.interpolation(open: 0))
                at += pounds + 2
            } else {
                for offset in at..<min(at + pounds + 2, bytes.count) { isLiteral[offset] = true }
                blank(pounds + 2)
            }
        } else if byte == Self.newline, !isMultiline {
            modes.removeLast()
            at += 1
        } else {
            blank(1)
        }
    }

    /// Blanks so many bytes and goes on behind them.
    private mutating func blank(_ count: Int) {
        for offset in at..<min(at + count, bytes.count) where bytes[offset] != Self.newline {
            blanked[offset] = Self.space
        }
        at += count
    }

    private func next(_ offset: Int) -> UInt8 { at + offset < bytes.count ? bytes[at + offset] : 0 }

    private func arePounds(_ count: Int, after offset: Int) -> Bool {
        count == 0 || (0..<count).allSatisfy { next(offset + $0) == Self.pound }
    }

    private static let newline = UInt8(ascii: "\n")
    private static let space = UInt8(ascii: " ")
    private static let slash = UInt8(ascii: "/")
    private static let star = UInt8(ascii: "*")
    private static let quote = UInt8(ascii: "\"")
    private static let pound = UInt8(ascii: "#")
    private static let backtick = UInt8(ascii: "`")
    private static let backslash = UInt8(ascii: "\\")
    private static let opening = UInt8(ascii: "(")
    private static let closing = UInt8(ascii: ")")
}
