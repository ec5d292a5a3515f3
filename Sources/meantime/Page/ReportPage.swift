import Analyzer
import Retry

/// A report as one self-contained HTML page: no scripts, no network, light and dark, wide and narrow.
struct ReportPage {
    let table: ReportTable
    /// What was read.
    let origin: Origin

    /// Where the attempts came from.
    struct Origin {
        var stores: [String]
        var attempts: Int
        var firstUs: Int64
        var lastUs: Int64
        var createdUs: Int64
    }

    /// A page with more pictures is slow to open and nobody scrolls through it.
    static let drawnRoutes = 24

    func html() -> String {
        let groups = groups()
        let drawn = drawn(groups)
        let sections = groups.filter { drawn.contains($0.route) }.map(section)
        let others = groups.filter { !drawn.contains($0.route) }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>Meantime: \(SVG.escaped(table.title))</title><style>
            \(PageStyle.css)
            </style></head><body><main class="report">
            \(headline())
            \(index(groups, drawn))
            \(sections.joined(separator: "\n"))
            \(rest(others))
            \(notes())
            </main></body></html>

            """
    }

    private struct Group {
        var route: String
        var rows: [Int]
        var figures: [ReportFigure]
    }

    /// Rows and pictures by route, in the table's order.
    private func groups() -> [Group] {
        var groups: [Group] = []
        var place: [String: Int] = [:]
        for (row, cells) in table.rows.enumerated() {
            guard case .text(let route) = cells[0] else { continue }
            if let known = place[route] {
                groups[known].rows.append(row)
            } else {
                place[route] = groups.count
                groups.append(
                    Group(route: route, rows: [row], figures: table.figures.filter { $0.route == route }))
            }
        }
        return groups
    }

    /// The routes that get pictures: all, or those with most behind them.
    private func drawn(_ groups: [Group]) -> Set<String> {
        let pictured = groups.filter { !$0.figures.isEmpty }
        if pictured.count <= Self.drawnRoutes { return Set(pictured.map(\.route)) }
        let column = ["failures", "outages", "followed", "tried", "attempts"].lazy.compactMap { name in
            table.columns.firstIndex { $0.name == name }
        }.first
        func weight(_ group: Group) -> Int64 {
            guard let column, let row = group.rows.first, case .integer(let value) = table.rows[row][column] else {
                return 0
            }
            return value
        }
        return Set(pictured.sorted { weight($0) > weight($1) }.prefix(Self.drawnRoutes).map(\.route))
    }

    private func headline() -> String {
        let seconds = [origin.firstUs, origin.lastUs, origin.createdUs].map { StoreText.seconds($0) }
        let stores = origin.stores.map(SVG.escaped).joined(separator: ", ")
        return """
            <p class="soft">Meantime · made \(seconds[2])</p>
            <h1>\(SVG.escaped(Self.titles[table.title] ?? table.title))</h1>
            <p class="soft">\(NumberText.grouped(origin.attempts)) attempts from \(seconds[0]) to \(seconds[1]), from
            <code>\(stores)</code></p>
            """
    }

    private static let titles = [
        "failure-times": "How attempts fail, and for how long",
        "recovery": "How long failures last",
        "latency": "How long answers take",
        "retries": "What retries achieved",
        "outages": "When hosts were down, and for how long",
        "runs": "What follows failures in a row",
    ]

    private func index(_ groups: [Group], _ drawn: Set<String>) -> String {
        let shown = groups.enumerated().filter { drawn.contains($0.element.route) }
        if shown.count < 2 { return "" }
        let items = shown.map { "<li><a href=\"#r\($0.offset)\">\(SVG.escaped($0.element.route))</a></li>" }
        return "<ul class=\"index\">\(items.joined())</ul>"
    }

    private func section(_ group: Group) -> String {
        let number = groups().firstIndex { $0.route == group.route } ?? 0
        // Lanes go across where what is left fills its rows.
        let isAcross = group.figures.count { $0.lanes.isEmpty }.isMultiple(of: 2)
        let figures = group.figures.map { figure($0, isAcross: isAcross && !$0.lanes.isEmpty) }
        let rows = htmlTable(group.rows, isRouteShown: false)
        // A single picture leaves room beside it for a table that is not wide.
        let isBeside = group.figures.count == 1 && ReportText.readable(self.table).columns.count <= 8
        // Many rows are there for who wants them; the pictures have said it.
        let isFolded = group.rows.count > (isBeside ? 16 : 12)
        let table =
            isFolded ? "<details><summary>\(group.rows.count) rows of numbers</summary>\(rows)</details>" : rows
        return """
            <section id="r\(number)"><h2>\(SVG.escaped(group.route.isEmpty ? "(no name)" : group.route))</h2>
            <div class="pair">\(figures.joined(separator: "\n"))
            \(isBeside ? table : "")</div>
            \(isBeside ? "" : table)</section>
            """
    }

    private func figure(_ figure: ReportFigure, isAcross: Bool) -> String {
        let drawing = FigureDrawing(figure: figure, isAcross: isAcross)
        let key = drawing.key()
        let caption = figure.caption.isEmpty ? "" : "<figcaption>\(SVG.escaped(figure.caption))</figcaption>"
        let style = isAcross ? " class=\"across\"" : ""
        return "<figure\(style)><h3>\(SVG.escaped(figure.title))</h3>"
            + (key.isEmpty ? "" : "<figcaption>\(key)</figcaption>") + drawing.svg() + caption + "</figure>"
    }

    private func htmlTable(_ rows: [Int], isRouteShown: Bool) -> String {
        var chosen = table
        chosen.rows = rows.map { table.rows[$0] }
        let readable = ReportText.readable(chosen)
        let columns = readable.columns.indices.filter { isRouteShown || $0 > 0 }
        func cell(_ tag: String, _ text: String, _ column: Int) -> String {
            let style = readable.columns[column].isNumber ? "" : " class=\"text\""
            return "<\(tag)\(style)>\(Self.withEnds(SVG.escaped(text)))</\(tag)>"
        }
        let heads = columns.map { cell("th", readable.columns[$0].title, $0) }.joined()
        let body = readable.rows.map { row in
            "<tr>\(columns.map { cell("td", row[$0], $0) }.joined())</tr>\n"
        }
        return
            "<div class=\"scroll\"><table><thead><tr>\(heads)</tr></thead><tbody>\n\(body.joined())</tbody></table></div>"
    }

    /// The ends of an interval on a line of their own, so that tables stay narrow.
    private static func withEnds(_ text: String) -> String {
        guard text.hasSuffix("]"), let open = text.lastIndex(of: "[") else { return text }
        return "\(text[..<open])<span class=\"ends\">\(text[open...])</span>"
    }

    private func rest(_ groups: [Group]) -> String {
        if groups.isEmpty { return "" }
        let what = table.figures.isEmpty ? "" : "<h2>Without pictures</h2>"
        return "<section>\(what)\(htmlTable(groups.flatMap(\.rows), isRouteShown: true))</section>"
    }

    private func notes() -> String {
        let items = table.notes.map { "<p class=\"soft\">\(SVG.escaped($0))</p>" }
        return "<section>\(items.joined(separator: "\n"))</section>"
    }
}
