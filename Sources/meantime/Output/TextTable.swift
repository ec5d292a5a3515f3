/// Rows in aligned columns for a terminal.
struct TextTable {
    struct Column {
        var title: String
        var isNumber: Bool
    }

    var columns: [Column]
    var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Texts to the left, then numbers to the right.
    init(left: [String], right: [String] = []) {
        columns =
            left.map { Column(title: $0, isNumber: false) } + right.map { Column(title: $0, isNumber: true) }
    }

    /// The lines, titles first; nothing is cut, because what is cut cannot be read.
    func text(style: Style) -> String {
        let titles = columns.map(\.title)
        let widths = columns.indices.map { index in
            ([titles] + rows).map { index < $0.count ? $0[index].count : 0 }.max() ?? 0
        }
        let isNumber = columns.map(\.isNumber)
        let head = style.bold(Self.line(titles, widths: widths, isNumber: isNumber))
        let body = rows.map { Self.line($0, widths: widths, isNumber: isNumber) }
        return ([head] + body).map { $0 + "\n" }.joined()
    }

    /// One line, without spaces at its end; control characters would disturb the terminal and show as `·`.
    static func line(_ cells: [String], widths: [Int], isNumber: [Bool]) -> String {
        var padded: [String] = []
        for (index, cell) in cells.enumerated() {
            let shown = printable(cell)
            let pad = String(repeating: " ", count: max(0, widths[index] - shown.count))
            padded.append(isNumber[index] ? pad + shown : shown + pad)
        }
        var text = padded.joined(separator: "  ")
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    /// The text without what would disturb a terminal.
    static func printable(_ cell: String) -> String {
        if cell.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) { return cell }
        return String(cell.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "·" : $0 })
    }
}
