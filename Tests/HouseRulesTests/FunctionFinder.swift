/// Finds functions, initialisers and subscripts that have a body, with their first and last lines.
struct FunctionFinder {
    struct Function: Equatable {
        let firstLine: Int
        let lastLine: Int
    }

    private(set) var functions: [Function] = []
    private let code: [UInt8]

    init(_ text: SwiftText) {
        code = text.blanked
        for word in ["func", "init", "deinit", "subscript"] {
            for start in HouseRule.offsets(of: word, in: code) where isDeclaration(word, at: start) {
                guard let body = bodyStart(after: start + word.utf8.count), let end = closingBrace(from: body) else {
                    continue
                }
                functions.append(
                    Function(
                        firstLine: HouseRule.lineNumber(of: start, in: code),
                        lastLine: HouseRule.lineNumber(of: end, in: code)))
            }
        }
        functions.sort { $0.firstLine < $1.firstLine }
    }

    /// A word of its own that is not called (`self.init(`, `init(x)` after a dot) but declared: first on its line
    /// after modifiers.
    private func isDeclaration(_ word: String, at start: Int) -> Bool {
        let end = start + word.utf8.count
        if end < code.count, HouseRule.isWordByte(code[end]) { return false }
        if start > 0, HouseRule.isWordByte(code[start - 1]) || code[start - 1] == UInt8(ascii: ".") { return false }
        var first = start
        while first > 0, code[first - 1] != UInt8(ascii: "\n") { first -= 1 }
        return code[first..<start].allSatisfy {
            HouseRule.isWordByte($0) || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "(")
                || $0 == UInt8(ascii: ")")
        }
    }

    /// The brace that opens the body; none for a requirement of a protocol, which ends where the next declaration
    /// begins.
    private func bodyStart(after offset: Int) -> Int? {
        var depth = 0
        var word: [UInt8] = []
        for at in offset..<code.count {
            let byte = code[at]
            if "([".utf8.contains(byte) { depth += 1 }
            if ")]".utf8.contains(byte) { depth -= 1 }
            if depth > 0 { continue }
            if byte == UInt8(ascii: "{") { return at }
            if byte == UInt8(ascii: "}") { return nil }
            if HouseRule.isWordByte(byte) {
                word.append(byte)
            } else {
                let text = String(decoding: word, as: UTF8.self)
                if ["func", "init", "deinit", "subscript", "var", "let", "case"].contains(text) { return nil }
                word.removeAll()
            }
        }
        return nil
    }

    private func closingBrace(from open: Int) -> Int? {
        var depth = 0
        for at in open..<code.count {
            if code[at] == UInt8(ascii: "{") { depth += 1 }
            if code[at] == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return at }
            }
        }
        return nil
    }
}
