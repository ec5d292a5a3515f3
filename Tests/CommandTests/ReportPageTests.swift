import Analyzer
import Retry
import TestSupport
import Testing

@testable import meantime

struct ReportPageTests {
    private static let origin = ReportPage.Origin(
        stores: ["a<b>.db"], attempts: 12_345, firstUs: 1_795_312_800_000_000, lastUs: 1_795_316_400_000_000,
        createdUs: 1_795_320_000_000_000)

    /// A table of shares by route, with a picture a route.
    private static func table(_ routes: [String]) -> ReportTable {
        var table = ReportTable(
            title: "recovery",
            columns: [
                .init("route", .text), .init("place", .text), .init("failures", .count), .init("after", .durationUs),
                .init("recovered", .probability), .init("low", .probability), .init("high", .probability),
            ])
        for (index, route) in routes.enumerated() {
            table.append([
                .text(route), .text("same host"), .count(100 + index), .us(Int64(250_000)), .real(0.512),
                .real(0.25), .real(0.75),
            ])
            table.append([.text(route), .text("<other>"), .count(7), .none, .none, .none, .none])
            var figure = ReportFigure(
                route: route, title: "Recovered & more", caption: "",
                x: .init("wait", .durationUs, isLogarithmic: true, 1_000...1_000_000),
                y: .init("would succeed", .probability, 0...1))
            figure.lines = ["\(route) one", "two"].map { label in
                .init(
                    label, [1_000, 30_000, 1_000_000].map { .init(x: $0, y: $0 / 2e6, low: $0 / 4e6, high: $0 / 1e6) })
            }
            table.figures.append(figure)
        }
        table.notes = ["5 < 6 & so on"]
        return table
    }

    private static func page(_ table: ReportTable) -> String { ReportPage(table: table, origin: origin).html() }

    /// The words of every cell of the page, tags away.
    static func cells(_ html: String) -> [String] {
        html.split(separator: "<td").dropFirst().map { part in
            let cell = part.drop { $0 != ">" }.dropFirst()
            let end = cell.firstRange(of: "</td>")?.lowerBound ?? cell.endIndex
            var text = ""
            var isTag = false
            for character in cell[..<end] {
                if character == "<" {
                    isTag = true
                } else if character == ">" {
                    isTag = false
                } else if !isTag {
                    text.append(character)
                }
            }
            return text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
                .replacing("&amp;", with: "&")
        }
    }

    @Test func `the page's numbers are the table's`() {
        let table = Self.table(["pay", "search"])
        let rows = ReportText.readable(table).rows
        #expect(Self.cells(Self.page(table)) == rows.flatMap { $0.dropFirst() })
        #expect(rows[0].contains("51.20 % [25.00 %, 75.00 %]"))
    }

    @Test func `names cannot break out of the page`() {
        let evil = "<script>alert(1)</script>\"&"
        let html = Self.page(Self.table([evil]))
        #expect(!html.contains("<script"))
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;"))
        #expect(html.contains("a&lt;b&gt;.db") && html.contains("5 &lt; 6 &amp; so on"))
    }

    @Test func `it stands alone: no scripts, no network, both schemes, both widths`() {
        let html = Self.page(Self.table(["pay"]))
        for word in ["<script", "http:", "https:", "src=", "@import", "url("] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(html.contains("prefers-color-scheme:dark"))
        #expect(html.contains("class=\"plot large\"") && html.contains("class=\"plot narrow\""))
        // One route needs no index.
        #expect(!html.contains("class=\"index\""))
        #expect(Self.page(Self.table(["a", "b"])).contains("<a href=\"#r1\">b</a>"))
    }

    @Test func `of many routes those with most failures are drawn, and the others have their rows`() {
        let names = (0..<30).map { "route\($0)" }
        let html = Self.page(Self.table(names))
        #expect(html.split(separator: "<section id=").count - 1 == ReportPage.drawnRoutes)
        #expect(!html.contains("<h2>route5</h2>") && html.contains("<h2>route6</h2>"))
        #expect(html.contains("Without pictures") && html.contains(">route5</td>"))
        #expect(Self.cells(html).count == 24 * 2 * 4 + 6 * 2 * 5)
    }

    @Test func `a table without rows or pictures is still a page`() {
        var table = Self.table([])
        table.notes = ["No attempts of any route in the asked range."]
        let html = Self.page(table)
        #expect(html.hasPrefix("<!doctype html>") && html.contains("No attempts of any route"))
        #expect(Self.cells(html).isEmpty)
    }

    @Test func `every tag that opens closes`() {
        let html = Self.page(Self.table(["pay", "search"]))
        var open: [Substring] = []
        for part in html.split(separator: "<").dropFirst() {
            let tag = part.prefix { $0 != ">" }
            if tag.hasPrefix("!") || tag.hasSuffix("/") || tag.hasPrefix("meta") { continue }
            if tag.hasPrefix("/") {
                #expect(open.popLast() == tag.dropFirst(), "\(tag)")
            } else {
                open.append(tag.prefix { $0 != " " })
            }
        }
        #expect(open.isEmpty, "\(open)")
    }
}
