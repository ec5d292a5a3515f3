import Analyzer
import Retry

/// A report for people, spreadsheets and scripts.
enum ReportText {
    static func text(_ table: ReportTable, style: Style) -> String {
        var shown = TextTable(
            table.columns.map { TextTable.Column(title: title(of: $0), isNumber: $0.kind != .text) })
        shown.rows = table.rows.map { row in zip(row, table.columns).map { readable($0, $1) } }
        var text = style.bold(table.title) + "\n\n" + shown.text(style: style)
        if !table.notes.isEmpty { text += "\n" + table.notes.map { style.dim($0) + "\n" }.joined() }
        return text
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
