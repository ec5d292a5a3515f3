import Analyzer
import Retry

/// A report's figure for a terminal: braille where the terminal has it, ASCII where not; as wide as it is given.
struct TextPlot {
    let figure: ReportFigure
    /// Characters in a line.
    let width: Int
    let isUnicode: Bool
    let style: Style

    private static let height = 12
    private static let colours = ["36", "32", "33", "35", "2"]

    func text() -> String {
        var lines = [style.bold(title)]
        lines += figure.y.map { curves($0) } ?? lanes()
        lines += key()
        return lines.map { Self.trimmed($0) + "\n" }.joined()
    }

    private var title: String { TextTable.printable("\(figure.route): \(figure.title)") }

    private static func trimmed(_ line: String) -> String {
        var line = line
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    // MARK: Curves

    private func curves(_ y: ReportFigure.Axis) -> [String] {
        let yScale = scale(y, from: Double(4 * Self.height - 1), to: 0)
        let yTicks = yScale.ticks(about: 4)
        let labels = yTicks.map(FigureDrawing.label(y.kind))
        let margin = max(6, labels.map(\.count).max() ?? 0) + 1
        let columns = max(16, width - margin - 2)
        let xScale = scale(figure.x, from: 0, to: Double(2 * columns - 1))
        var cells = [[(text: Character, series: Int?)]](
            repeating: Array(repeating: (" ", nil), count: columns), count: Self.height)
        shadeBands(&cells, xScale, yScale)
        drawLines(&cells, xScale, yScale)
        drawMarks(&cells, xScale, yScale)
        var rows: [String] = []
        for (row, line) in cells.enumerated() {
            let tick = yTicks.firstIndex { Self.row(yScale, $0) == row }
            let label = tick.map { labels[$0] } ?? ""
            let axis = isUnicode ? (tick == nil ? "│" : "┤") : "|"
            rows.append(Self.right(label, margin) + axis + line.map { painted($0.text, $0.series) }.joined())
        }
        return rows + xAxis(xScale, margin: margin, columns: columns)
    }

    private func scale(_ axis: ReportFigure.Axis, from: Double, to: Double) -> Scale {
        var scale = Scale(axis.isLogarithmic ? .logarithmic : .linear, axis.range)
        scale.from = from
        scale.to = to
        return scale
    }

    /// The row of characters that holds a value.
    private static func row(_ y: Scale, _ value: Double) -> Int {
        min(max(0, Int(y.position(value).rounded()) / 4), height - 1)
    }

    private typealias Cells = [[(text: Character, series: Int?)]]

    private func shadeBands(_ cells: inout Cells, _ x: Scale, _ y: Scale) {
        let shade: Character = isUnicode ? "░" : ":"
        for (series, line) in figure.lines.enumerated() where line.points.contains(where: { $0.low < $0.high }) {
            for column in cells[0].indices {
                guard let point = Self.point(of: line, atColumn: column, x) else { continue }
                let (top, bottom) = (Self.row(y, point.high), Self.row(y, point.low))
                for row in min(top, bottom)...max(top, bottom) where cells[row][column].text == " " {
                    cells[row][column] = (shade, series)
                }
            }
        }
    }

    /// The value that a line has at a column: the last point at or before its middle.
    private static func point(
        of line: ReportFigure.Line, atColumn column: Int, _ x: Scale
    ) -> ReportFigure.Point? {
        guard let first = line.points.first, x.position(first.x) <= Double(2 * column + 2) else { return nil }
        return line.points.last { x.position($0.x) <= Double(2 * column + 1) } ?? first
    }

    private func drawLines(_ cells: inout Cells, _ x: Scale, _ y: Scale) {
        for (series, line) in figure.lines.enumerated() {
            var canvas = BrailleCanvas(columns: cells[0].count, rows: Self.height)
            var last: (x: Int, y: Int)?
            for point in line.points {
                let next = (x: Int(x.position(point.x).rounded()), y: Int(y.position(point.y).rounded()))
                if let from = last {
                    let corner = line.isStepped ? (x: next.x, y: from.y) : next
                    canvas.line(from: from, to: corner)
                    canvas.line(from: corner, to: next)
                }
                canvas.set(next.x, next.y)
                last = next
            }
            for row in cells.indices {
                for column in cells[row].indices {
                    guard let dots = canvas[column, row] else { continue }
                    cells[row][column] = (isUnicode ? dots : "*", series)
                }
            }
            if figure.lines.count > 1 { number(&cells, canvas, series) }
        }
    }

    /// Where colours cannot tell lines apart, digits on them do; each line has its own places for them.
    private func number(_ cells: inout Cells, _ canvas: BrailleCanvas, _ series: Int) {
        let columns = canvas.columns
        let digit = Character("\(series + 1)")
        for part in 1...3 {
            let column = columns * part / 4 + series * 2 - columns / 8
            guard cells[0].indices.contains(column) else { continue }
            if let row = (0..<canvas.rows).first(where: { canvas[column, $0] != nil }) {
                cells[row][column] = (digit, series)
            }
        }
    }

    private func drawMarks(_ cells: inout Cells, _ x: Scale, _ y: Scale) {
        for mark in figure.marks {
            let column = min(max(0, Int(x.position(mark.x)) / 2), cells[0].count - 1)
            let row = Self.row(y, mark.y)
            if let interval = mark.yInterval {
                let (top, bottom) = (Self.row(y, interval.upperBound), Self.row(y, interval.lowerBound))
                for place in top...max(top, bottom) { cells[place][column] = (isUnicode ? "│" : "|", mark.series) }
            }
            let dot: Character = figure.series.count > 1 ? Character("\(mark.series + 1)") : isUnicode ? "●" : "o"
            cells[row][column] = (dot, mark.series)
        }
    }

    private func painted(_ text: Character, _ series: Int?) -> String {
        guard style.isOn, let series else { return String(text) }
        return "\u{1B}[\(Self.colours[min(series, Self.colours.count - 1)])m\(text)\u{1B}[0m"
    }

    /// The axis, its labels as far as they do not touch, and what it measures.
    private func xAxis(_ x: Scale, margin: Int, columns: Int) -> [String] {
        let ticks = ticks(columns)
        var axis = Array(repeating: Character(isUnicode ? "─" : "-"), count: columns)
        var labels = Array(repeating: Character(" "), count: columns + 8)
        var free = 0
        for (value, label) in ticks {
            let column = min(max(0, Int(x.position(value) / 2)), columns - 1)
            axis[column] = isUnicode ? "┴" : "+"
            let from = min(max(0, column - label.count / 2), columns + 8 - label.count)
            if from < free { continue }
            for (offset, character) in label.enumerated() { labels[from + offset] = character }
            free = from + label.count + 2
        }
        let pad = String(repeating: " ", count: margin)
        return [
            pad + (isUnicode ? "└" : "+") + String(axis), pad + " " + String(labels), pad + " " + figure.x.title,
        ]
    }

    private func ticks(_ columns: Int) -> [(Double, String)] {
        let most = max(3, columns / 8)
        switch figure.x.kind {
        case .timeUs: return HumanTicks.times(figure.x.range, atMost: max(1, columns / 13)).map { ($0.us, $0.label) }
        case .durationUs:
            return HumanTicks.durations(figure.x.range, atMost: most).map {
                ($0, ascii(HumanTicks.label(durationUs: $0)))
            }
        default:
            let plain = Scale(figure.x.isLogarithmic ? .logarithmic : .linear, figure.x.range)
            return plain.ticks(about: most).filter { $0 == $0.rounded() }.map { ($0, NumberText.figures($0)) }
        }
    }

    private func ascii(_ text: String) -> String { isUnicode ? text : text.replacing("µs", with: "us") }

    // MARK: Lanes

    private func lanes() -> [String] {
        let most = max(8, width / 3)
        let names = figure.lanes.map { lane in
            let name = TextTable.printable(lane.label)
            return name.count > most ? ".." + name.suffix(most - 2) : name
        }
        let margin = (names.map(\.count).max() ?? 0) + 1
        let columns = max(16, width - margin - 2)
        let x = scale(figure.x, from: 0, to: Double(2 * columns - 1))
        var rows: [String] = []
        for (lane, name) in zip(figure.lanes, names) {
            var cells = Array(repeating: (text: Character(" "), series: Int?.none), count: columns)
            for span in lane.spans {
                let first = Int(x.position(span.from) / 2)
                let last = max(first, Int((x.position(span.to) - 0.5) / 2))
                for column in first...min(last, columns - 1) { cells[column] = (block(span.series), span.series) }
            }
            let body = cells.map { painted($0.text, $0.series) }.joined()
            rows.append(Self.right(name, margin) + (isUnicode ? "│" : "|") + body)
        }
        return rows + xAxis(x, margin: margin, columns: columns)
    }

    private func block(_ series: Int) -> Character {
        let blocks: [Character] = isUnicode ? ["█", "▒", "░"] : ["#", "=", "."]
        return blocks[min(series, 2)]
    }

    // MARK: Key

    private func key() -> [String] {
        if figure.lines.count > 1 {
            return [
                figure.lines.enumerated().map { "\($0 + 1) \(TextTable.printable($1.label))" }.joined(separator: "   ")
            ]
        }
        guard figure.series.count > 1 else { return [] }
        let marks = figure.series.enumerated().map { series, label in
            "\(figure.lanes.isEmpty ? Character("\(series + 1)") : block(series)) \(label)"
        }
        return [marks.joined(separator: "   ")]
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - 1 - text.count)) + text + " "
    }
}
