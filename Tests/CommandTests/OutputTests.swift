import Testing

@testable import meantime

/// Tables, CSV, JSON and the progress line.
struct OutputTests {
    @Test func `columns are aligned, numbers to the right, and nothing is cut`() {
        var table = TextTable(left: ["route"], right: ["attempts"])
        table.rows = [["checkout", "12"], ["a", "345678901"]]
        #expect(table.text(style: .none) == "route      attempts\ncheckout         12\na         345678901\n")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("\"", "\"\"\"\""), ("cr\r", "\"cr\r\""),
    ])
    func `a csv cell is quoted when it must be`(text: String, cell: String) {
        #expect(CSV.cell(text) == cell)
    }

    @Test func `json keeps the order of keys and escapes what must be escaped`() throws {
        let value = JSON.object([
            ("z", .int(1)), ("a", .array([.null, .bool(true), .double(.infinity)])), ("text", .string("q\"\\\n\u{1}é")),
        ])
        #expect(value.text() == #"{"z":1,"a":[null,true,null],"text":"q\"\\\n\u0001é"}"#)
        let parsed = try json(value.prettyText()) as? [String: Any]
        #expect(parsed?["text"] as? String == "q\"\\\n\u{1}é")
    }

    @Test func `the progress line shows share, amount, rate and time left`() {
        let line = Progress.line(
            label: "import", unit: .bytes, done: 250_000_000, total: 1_000_000_000, note: "", elapsedUs: 5_000_000,
            columns: 120)
        #expect(line == "import  [#####---------------]  25%  250 MB  50.0 MB/s  15s left")
        let steps = Progress.line(
            label: "tune", unit: .steps, done: 3, total: 12, note: "checkout", elapsedUs: 6_000_000, columns: 120)
        #expect(steps == "tune  [#####---------------]  25%  3/12  18s left  checkout")
        let unknown = Progress.line(
            label: "query", unit: .steps, done: 0, total: nil, note: "", elapsedUs: 3_400_000, columns: 120)
        #expect(unknown == "query  4s")
    }

    @Test func `the progress line never wraps`() {
        for columns in 1...80 {
            let line = Progress.line(
                label: "import", unit: .bytes, done: 1, total: 2, note: String(repeating: "x", count: 200),
                elapsedUs: 1, columns: columns)
            #expect(line.count <= max(10, columns - 1))
        }
    }
}
