import Testing

@testable import Collector

@Suite struct ImportJSONTests {
    /// The first key counts for field 0 with its alias, the others for themselves.
    private static let keys = [("a", 0), ("alias", 0), ("b", 1), ("sixteen_letters_", 2)]

    private func read(_ line: String) throws(LineFault) -> JSONFields {
        try read(Array(line.utf8)) { fields throws(LineFault) in fields }
    }

    private func read<Value>(
        _ line: [UInt8], _ body: (JSONFields) throws(LineFault) -> Value
    ) throws(LineFault) -> Value {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: line.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: line)
        var fields = JSONFields(keys: Self.keys)
        try fields.read(UnsafeRawBufferPointer(buffer))
        return try body(fields)
    }

    private func integer(_ text: String) throws(LineFault) -> Int64? {
        try read(Array("{\"a\":\(text)}".utf8)) { fields throws(LineFault) in
            try fields.integer(0, Int64.min + 1...Int64.max)
        }
    }

    private func text(_ json: String) throws(LineFault) -> String? {
        try read(Array("{\"a\":\(json)}".utf8)) { fields throws(LineFault) in
            try fields.withText(0) { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func `whole numbers of 64 bits come through without a double between`() throws {
        for value in [0, 1, 9_007_199_254_740_993, 1_790_000_000_022_384, Int64.max, -Int64.max] {
            #expect(try integer("\(value)") == value)
        }
        #expect(try integer("11553.0") == 11_553)
        #expect(try integer("-0") == 0)
        #expect(try integer("null") == nil)
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1.5", "1e3", "\"1\"", "true", "[1]",
    ])
    func `anything but a whole number of 64 bits is refused where one belongs`(text: String) {
        #expect(throws: LineFault.self) { try integer(text) }
    }

    @Test func `escapes become the characters they stand for`() throws {
        #expect(try text(#""a\"b\\c\/d\b\f\n\r\te""#) == "a\"b\\c/d\u{8}\u{c}\n\r\te")
        #expect(try text(#""Z\u00fCrich \uD83D\uDE00 \u0041""#) == "Zürich 😀 A")
        #expect(try text("\"Zürich 😀\"") == "Zürich 😀")
        #expect(try text("\"\"") == "")
        #expect(try read(#"{"\u0061":"x"}"#).has(0))
    }

    @Test func `keys are found by all their letters`() throws {
        let line = #"{"sixteen_letters_":1,"sixteen_letters__":2,"sixteen_letters":3,"":4,"aa":5,"b":6}"#
        let fields = try read(line)
        #expect(fields[2].magnitude == 1)
        #expect(fields[1].magnitude == 6)
        #expect(!fields.has(0))
    }

    @Test func `of two names for one field the first that is not null counts`() throws {
        #expect(try read(#"{"a":null,"alias":2}"#)[0].magnitude == 2)
        #expect(try read(#"{"alias":1,"a":2}"#)[0].magnitude == 1)
    }

    @Test func `unknown fields are skipped whatever they hold`() throws {
        let nested = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        let line =
            " { \"x\" : {\"a\":[1,2.5e-3,{\"b\":null}],\"y\":{}} , \"z\" : \(nested) , \"t\":true,\"f\":false, \"a\" : 7 } "
        #expect(try read(line)[0].magnitude == 7)
        #expect(try read("{}").has(0) == false)
    }

    @Test(arguments: [
        ("", "column 1: expected a JSON object ('{'), found the end of the line"),
        ("[]", "column 1: expected a JSON object ('{'), found '['"),
        ("{", "column 2: expected a key in quotes, found the end of the line"),
        (#"{"a"}"#, "column 5: expected ':' after a key, found '}'"),
        (#"{"a":}"#, "column 6: expected a value, found '}'"),
        (#"{"a":1,}"#, "column 8: expected a key in quotes, found '}'"),
        (#"{"a":1 "b":2}"#, "column 8: expected ',' or '}', found '\"'"),
        (#"{"a":1}}"#, "column 8: expected nothing after the object, found '}'"),
        (#"{"a":1"#, "column 7: expected ',' or '}', found the end of the line"),
        (#"{a:1}"#, "column 2: expected a key in quotes, found 'a'"),
        (#"{'a':1}"#, "column 2: expected a key in quotes, found '''"),
        (#"{"a":01}"#, "column 7: expected no digit after a leading 0, found '1'"),
        (#"{"a":-}"#, "column 7: expected a digit, found '}'"),
        (#"{"a":1.}"#, "column 8: expected a digit after the decimal point, found '}'"),
        (#"{"a":1e}"#, "column 8: expected a digit in the exponent, found '}'"),
        (#"{"a":+1}"#, "column 6: expected a value, found '+'"),
        (#"{"a":NaN}"#, "column 6: expected a value, found 'N'"),
        (#"{"a":nul}"#, "column 9: expected the word null, found '}'"),
        (#"{"a":"x}"#, "column 9: expected the closing quote of a string, found the end of the line"),
        (#"{"a":"\x"}"#, "column 8: expected one of \" \\ / b f n r t u after the backslash, found 'x'"),
        (#"{"a":"\u12g4"}"#, "column 11: expected four hex digits after \\u, found 'g'"),
        (
            "{\"a\":\"\t\"}",
            "column 7: expected no control character inside a string (write it as \\u00XX), found byte 0x09"
        ),
        (#"{"x":[1,2}"#, "column 10: expected ',' or ']', found '}'"),
        (#"{"x":{"y" 1}}"#, "column 11: expected ':' after a key, found '1'"),
    ])
    func `what is not JSON is refused with its column`(line: String, reason: String) {
        #expect(throws: LineFault("not JSON at \(reason)")) { try read(line) }
    }

    @Test func `deeper nesting than 64 levels is refused`() {
        let deep = String(repeating: "[", count: 10_000)
        #expect(throws: LineFault.self) { try read("{\"x\":\(deep)") }
    }

    @Test func `a known key that stands twice is refused`() {
        #expect(throws: LineFault("b stands twice in the line")) { try read(#"{"b":1,"x":0,"b":1}"#) }
    }

    @Test func `half a surrogate pair is no character`() throws {
        #expect(throws: LineFault.self) { try text(#""\ud83d""#) }
        #expect(throws: LineFault.self) { try text(#""\ude00\ud83d""#) }
        #expect(throws: LineFault.self) { try text(#""\ud83dA""#) }
    }

    @Test(arguments: [
        [0xFF], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xF0, 0x80, 0x80, 0x80],
        [0x80], [0xE2, 0x28, 0xA1],
    ])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        for padding in 0..<9 {
            let line = Array("{\"x\":\"".utf8) + Array(repeating: 0x61, count: padding) + bytes + Array("\"}".utf8)
            let column = 7 + padding
            do throws(LineFault) {
                try read(line) { _ in }
                Issue.record("\(bytes) was taken")
            } catch {
                #expect(error.reason.hasPrefix("not JSON at column \(column): expected UTF-8"))
            }
        }
    }

    /// The fast path looks at eight bytes at a time: every special byte must be found at every place among eight.
    @Test func `the end of a string is found wherever it stands`() throws {
        for length in 0..<40 {
            for filler in ["a", "~", " ", "\u{7F}", "#", "]", "é"] {
                let body = String(repeating: filler, count: length)
                #expect(try text("\"\(body)\"") == body)
                #expect(try text("\"\(body)\\n\(body)\"") == "\(body)\n\(body)")
                #expect(throws: LineFault.self) { try text("\"\(body)\u{1F}\"") }
            }
        }
    }
}
