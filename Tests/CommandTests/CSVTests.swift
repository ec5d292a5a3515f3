import Testing

@testable import meantime

/// RFC 4180.
struct CSVTests {
    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("\"", "\"\"\"\""), ("cr\r", "\"cr\r\""),
    ])
    func `a csv cell is quoted when it must be`(text: String, cell: String) {
        #expect(CSV.cell(text) == cell)
    }
}
