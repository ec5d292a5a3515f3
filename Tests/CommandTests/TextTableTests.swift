import Testing

@testable import meantime

/// Tables for a terminal.
struct TextTableTests {
    @Test func `columns are aligned, numbers to the right, and nothing is cut`() {
        var table = TextTable(left: ["route"], right: ["attempts"])
        table.rows = [["checkout", "12"], ["a", "345678901"]]
        #expect(table.text(style: .none) == "route      attempts\ncheckout         12\na         345678901\n")
    }
}
