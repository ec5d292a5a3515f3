import Glibc

extension HouseRule {
    /// The lines of a file's code, numbered from 1, without comments and the inside of literals.
    static func codeLines(of file: ProjectFile) -> [(number: Int, line: Substring)] {
        let lines = file.swift.code.split(separator: "\n", omittingEmptySubsequences: false)
        return zip(1..., lines).map { (number: $0, line: $1) }
    }

    /// A finding for each of the words on each line of code; a word that begins with a letter must begin one
    /// there, and is no member of something unless `afterDot`.
    static func lines(of file: ProjectFile, with words: [String], afterDot: Bool = false) -> [Finding] {
        let code = file.swift.blanked
        return words.flatMap { word in
            offsets(of: word, in: code).compactMap { start in
                let isInsideWord =
                    isWordByte(word.utf8.first ?? 0) && start > 0
                    && (isWordByte(code[start - 1]) || !afterDot && code[start - 1] == UInt8(ascii: "."))
                let end = start + word.utf8.count
                let goesOn = isWordByte(word.utf8.last ?? 0) && end < code.count && isWordByte(code[end])
                if isInsideWord || goesOn { return nil }
                return Finding(path: file.path, line: lineNumber(of: start, in: code), reason: "'\(word)'")
            }
        }
    }

    static func offsets(of word: String, in code: [UInt8]) -> [Int] {
        let wanted = Array(word.utf8)
        var found: [Int] = []
        code.withUnsafeBytes { code in
            guard let start = code.baseAddress, !wanted.isEmpty else { return }
            var at = 0
            while let hit = memchr(start + at, Int32(wanted[0]), code.count - at) {
                at = start.distance(to: UnsafeRawPointer(hit))
                if code.count - at < wanted.count { return }
                if memcmp(hit, wanted, wanted.count) == 0 { found.append(at) }
                at += 1
            }
        }
        return found
    }

    static func contains(_ word: String, in code: ArraySlice<UInt8>) -> Bool {
        !offsets(of: word, in: Array(code)).isEmpty
    }

    static func lineNumber(of offset: Int, in code: [UInt8]) -> Int {
        code[..<offset].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count
    }

    /// The offset of the parenthesis that closes the one at `open`.
    static func closingParenthesis(in code: [UInt8], from open: Int) -> Int? {
        var depth = 0
        for offset in open..<code.count {
            if code[offset] == UInt8(ascii: "(") { depth += 1 }
            if code[offset] == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 { return offset }
            }
        }
        return nil
    }

    /// Whether a comma separates arguments: one that stands in no bracket of its own.
    static func hasSecondArgument(_ arguments: [UInt8]) -> Bool {
        var depth = 0
        for byte in arguments {
            if "([{".utf8.contains(byte) { depth += 1 }
            if ")]}".utf8.contains(byte) { depth -= 1 }
            if byte == UInt8(ascii: ","), depth == 0 { return true }
        }
        return false
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
