import Testing

@testable import meantime

/// JSON with keys in order.
struct JSONTests {
    @Test func `json keeps the order of keys and escapes what must be escaped`() throws {
        let value = JSON.object([
            ("z", .int(1)), ("a", .array([.null, .bool(true), .double(.infinity)])), ("text", .string("q\"\\\n\u{1}é")),
        ])
        #expect(value.text() == #"{"z":1,"a":[null,true,null],"text":"q\"\\\n\u0001é"}"#)
        let parsed = try json(value.prettyText()) as? [String: Any]
        #expect(parsed?["text"] as? String == "q\"\\\n\u{1}é")
    }
}
