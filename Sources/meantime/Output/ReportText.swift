import Analyzer
import Retry

/// A report for people, spreadsheets and scripts.
enum ReportText {
    static func text(_ table: ReportTable, style: Style) -> String {
        var text = style.bold(table.title) + "\n\n" + readable(table).text(style: style)
        if !table.notes.isEmpty { text += "\n" + table.notes.map { style.dim($0) + "\n" }.joined() }
        return text
    }

    /// Titles and cells as people read them, on a screen or a page.
    static func readable(_ table: ReportTable) -> TextTable {
        let spans = spans(of: table.columns)
        var shown = TextTable(
            spans.map { span in
                let column = table.columns[span.lowerBound]
                return TextTable.Column(title: title(of: span, table.columns), isNumber: column.kind != .text)
            })
        shown.rows = table.rows.map { row in
            spans.map { span in merged(span.map { readable(row[$0], table.columns[$0]) }) }
        }
        return shown
    }

    /// One line of names, then raw values: whole microseconds, shares between 0 and 1; what is not known is empty.
    static func csv(_ table: ReportTable) -> String {
        let rows = table.rows.map { row in
            row.map { cell in
                switch cell {
                case .text(let text): text
                case .integer(let value): "\(value)"
                case .real(let value): "\(value)"
                case .none: ""
                }
            }
        }
        return ([table.columns.map(\.name)] + rows).map(CSV.line).joined()
    }

    /// Keys are only ever added; rows are objects by column name.
    static func json(_ table: ReportTable, report: String) -> JSON {
        let columns = table.columns.map { column in
            JSON.object([
                ("name", .string(column.name)), ("kind", .string(column.kind.rawValue)), ("unit", .string(column.unit)),
            ])
        }
        let rows = table.rows.map { row in
            JSON.object(zip(table.columns, row).map { ($0.name, value($1)) })
        }
        return .object([
            ("report", .string(report)), ("columns", .array(columns)), ("rows", .array(rows)),
            ("notes", .array(table.notes.map(JSON.string))),
        ])
    }

    private static func value(_ cell: ReportTable.Cell) -> JSON {
        switch cell {
        case .text(let text): .string(text)
        case .integer(let value): .int(value)
        case .real(let value): .double(value)
        case .none: .null
        }
    }

    /// Columns that make one on a screen: a value with its low and high end, or the two ends alone.
    private static func spans(of columns: [ReportTable.Column]) -> [Range<Int>] {
        func isEnd(_ index: Int, _ word: String) -> Bool {
            guard index < columns.count else { return false }
            return columns[index].name.split(separator: "_").contains(Substring(word))
        }
        var spans: [Range<Int>] = []
        var index = 0
        while index < columns.count {
            let count =
                [3, 2].first { isEnd(index + $0 - 2, "low") && isEnd(index + $0 - 1, "high") && hasBase($0) } ?? 1
            spans.append(index..<index + count)
            index += count
        }
        return spans

        func hasBase(_ count: Int) -> Bool {
            if count == 2 { return true }
            let end = columns[index + 1].name
            return end == "low" || end.hasPrefix(columns[index].name)
        }
    }

    private static func title(of span: Range<Int>, _ columns: [ReportTable.Column]) -> String {
        let name = title(of: columns[span.lowerBound])
        switch span.count {
        case 3: return name + " [95 %]"
        case 2: return name.split(separator: " ").filter { $0 != "low" }.joined(separator: " ") + " [95 %]"
        default: return name
        }
    }

    private static func merged(_ cells: [String]) -> String {
        let ends = "[\(cells.suffix(2).joined(separator: ", "))]"
        let isKnown = cells.suffix(2).contains { $0 != "-" }
        return switch cells.count {
        case 3: isKnown ? "\(cells[0]) \(ends)" : cells[0]
        case 2: isKnown ? ends : "-"
        default: cells[0]
        }
    }

    /// The unit stands in the value, not in the name.
    private static func title(of column: ReportTable.Column) -> String {
        let hasUnitInName = column.kind == .durationUs || column.kind == .timeUs
        let name = hasUnitInName && column.name.hasSuffix("_us") ? String(column.name.dropLast(3)) : column.name
        let unit = column.kind == .number && !column.unit.isEmpty ? " (\(column.unit))" : ""
        return name.split(separator: "_").joined(separator: " ") + unit
    }

    private static func readable(_ cell: ReportTable.Cell, _ column: ReportTable.Column) -> String {
        switch (cell, column.kind) {
        case (.none, _): "-"
        case (.text(let text), _): text
        case (.integer(let us), .durationUs): NumberText.duration(us: Double(us))
        case (.integer(let us), .timeUs): Timestamp.format(us - us % 1000)
        case (.integer(let value), _): NumberText.grouped(Int(value))
        case (.real(let share), .probability): NumberText.fixed(share * 100, places: 2) + " %"
        case (.real(let value), _): NumberText.figures(value)
        }
    }
}
