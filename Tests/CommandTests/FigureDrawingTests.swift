import Analyzer
import Testing

@testable import meantime

struct FigureDrawingTests {
    private static func figure(_ range: ClosedRange<Double> = 1_000...1_000_000) -> ReportFigure {
        var figure = ReportFigure(
            route: "pay", title: "Recovered", caption: "",
            x: .init("wait", .durationUs, isLogarithmic: true, range), y: .init("done", .probability, 0...1))
        figure.lines = [
            .init(
                "same host",
                [
                    .init(x: range.lowerBound, y: 0, low: 0, high: 0.1),
                    .init(x: range.upperBound, y: 1, low: 0.9, high: 1),
                ])
        ]
        return figure
    }

    /// The words of the ticks of the wide drawing.
    private static func ticks(_ svg: String) -> [String] {
        svg.prefix { $0 != "\u{0}" }.split(separator: "class=\"tick\"").dropFirst().map { part in
            String(part.drop { $0 != ">" }.dropFirst().prefix { $0 != "<" })
        }
    }

    @Test func `a line goes from corner to corner, with its band`() {
        let svg = FigureDrawing(figure: Self.figure()).svg()
        #expect(svg.contains("d=\"M74 254L544 14\" class=\"line first\""))
        #expect(svg.contains("class=\"band first\""))
        #expect(svg.contains("aria-label=\"pay: Recovered\""))
        #expect(Self.ticks(svg).contains("10 ms") && Self.ticks(svg).contains("100 %"))
    }

    @Test func `stepped lines keep their value until the next point`() {
        var figure = Self.figure()
        figure.lines[0].isStepped = true
        #expect(FigureDrawing(figure: figure).svg().contains("d=\"M74 254H544V14\""))
    }

    @Test func `days are told as days`() {
        let ticks = Self.ticks(FigureDrawing(figure: Self.figure(60e6...2 * 86_400e6)).svg())
        #expect(ticks.contains("1 min") && ticks.contains("1 h") && ticks.contains("1 d"))
    }

    @Test func `a mark has its interval on the axis that it belongs to`() {
        var figure = Self.figure()
        figure.marks = [
            .init("p50", x: 31_622.8, y: 0.5, xInterval: 10_000...100_000),
            .init("7 of 10", x: 31_622.8, y: 0.7, yInterval: 0.4...0.9),
        ]
        let svg = FigureDrawing(figure: figure).svg()
        #expect(svg.contains("p50: 31.6ms [10ms, 100ms]"))
        #expect(svg.contains("x1=\"230.7\" y1=\"134\" x2=\"387.3\" y2=\"134\""))
        #expect(svg.contains("7 of 10: 70 %"))
        #expect(svg.contains("x1=\"309\" y1=\"158\" x2=\"309\" y2=\"38\""))
    }

    @Test func `keys only where there is something to tell apart`() {
        var figure = Self.figure()
        #expect(FigureDrawing(figure: figure).key().isEmpty)
        figure.lines.append(.init("a < b", []))
        #expect(FigureDrawing(figure: figure).key().contains("a &lt; b"))
        var lanes = ReportFigure(route: "pay", title: "Ended", caption: "", x: .init("retries", .count, 0...10))
        lanes.series = ["good", "bad"]
        lanes.lanes = [
            .init("attempt 2", [.init("4 good", from: 0, to: 4), .init("6 bad", from: 4, to: 10, series: 1)])
        ]
        #expect(FigureDrawing(figure: lanes).key().contains("bad"))
    }

    @Test func `lanes: spans lie where their values are, however short`() {
        var figure = ReportFigure(route: "pay", title: "Down", caption: "", x: .init("time (UTC)", .timeUs, 0...100e6))
        figure.lanes = [
            .init(
                "a.very.long.host.name.in.a.rack:8080",
                [.init("down", from: 50e6, to: 100e6), .init("blink", from: 0, to: 1)])
        ]
        let svg = FigureDrawing(figure: figure).svg()
        #expect(svg.contains("…"))
        #expect(svg.contains("a.very.long.host.name.in.a.rack:8080"))
        #expect(svg.contains("down, 1970-01-01T00:00:50Z for 50s"))
        #expect(svg.contains("width=\"1\" height=\"20\""))
    }
}
