import Analyzer
import Retry

/// Rows of spans over one axis: who was down when, or how many of which.
struct LanePlot {
    let figure: ReportFigure
    let isNarrow: Bool
    let summary: String

    /// Whether it has the whole width of the page.
    var isAcross = false

    private var width: Double { isNarrow ? 340 : isAcross ? 1140 : 560 }
    private let laneHeight = 22.0

    func svg() -> String {
        // On narrow screens a lane's name stands above it.
        let step = isNarrow ? laneHeight + 18 : laneHeight + 6
        let top = 8.0
        let bottom = top + step * Double(max(1, figure.lanes.count))
        let height = bottom + 42
        let left = isNarrow ? 8.0 : labelWidth
        var x = Scale(.linear, figure.x.range)
        x.from = left
        x.to = width - 16
        var drawn = axis(x, top: top, bottom: bottom)
        for (index, lane) in figure.lanes.enumerated() {
            let laneTop = top + step * Double(index) + (isNarrow ? 16 : 2)
            let name = short(lane.label)
            let label =
                isNarrow
                ? SVG.text(left, laneTop - 4, name, "lane")
                : SVG.text(left - 8, laneTop + laneHeight / 2 + 4, name, "lane", anchor: "end")
            drawn += SVG.element("g", [], SVG.title(lane.label) + label)
            drawn += SVG.rectangle(x.from, laneTop, x.to - x.from, laneHeight, "strip")
            for span in lane.spans {
                let (from, to) = (x.position(span.from), x.position(span.to))
                let style = figure.series.isEmpty ? "third" : FigureDrawing.styles[min(span.series, 4)]
                drawn += SVG.rectangle(from, laneTop + 1, max(1, to - from), laneHeight - 2, style, title: words(span))
            }
        }
        return SVG.element(
            "svg",
            [
                ("viewBox", "0 0 \(SVG.number(width)) \(SVG.number(height))"), ("role", "img"), ("aria-label", summary),
                ("class", "plot \(isNarrow ? "narrow" : "large")"),
            ], drawn)
    }

    private var longest: Int { figure.lanes.map { short($0.label).count }.max() ?? 0 }
    private var labelWidth: Double { min(190, 24 + 6.6 * Double(longest)) }

    /// The end of a long name tells more than its begin: addresses share that.
    private func short(_ name: String) -> String {
        let most = isNarrow ? 44 : 25
        return name.count > most ? "…" + name.suffix(most - 1) : name
    }

    private func words(_ span: ReportFigure.Span) -> String {
        guard figure.x.kind == .timeUs else { return span.label }
        let from = Timestamp.format(Int64(span.from) / 1_000_000 * 1_000_000)
        return "\(span.label), \(from) for \(NumberText.duration(us: span.to - span.from))"
    }

    private func axis(_ x: Scale, top: Double, bottom: Double) -> String {
        let ticks =
            figure.x.kind == .timeUs
            ? HumanTicks.times(figure.x.range, atMost: isNarrow ? 4 : isAcross ? 12 : 6)
            : x.ticks(about: isNarrow ? 4 : 6).filter { $0 == $0.rounded() }.map { ($0, NumberText.figures($0)) }
        var drawn = ""
        for (value, label) in ticks {
            let px = x.position(value)
            // Words at the right end would leave the picture.
            let anchor = px > width - 34 ? "end" : px < 34 ? "start" : "middle"
            drawn +=
                SVG.line(px, top, px, bottom, "grid")
                + SVG.text(anchor == "end" ? min(px + 10, width - 2) : px, bottom + 16, label, "tick", anchor: anchor)
        }
        drawn += SVG.text((x.from + x.to) / 2, bottom + 36, title(ticks.count), "axis", anchor: "middle")
        return drawn
    }

    /// Where the marks show times of day only, the title says the day.
    private func title(_ ticks: Int) -> String {
        guard figure.x.kind == .timeUs, figure.x.range.upperBound - figure.x.range.lowerBound < 6 * 86_400e6 else {
            return figure.x.title
        }
        return "\(figure.x.title), from \(Timestamp.format(Int64(figure.x.range.lowerBound)).prefix(10))"
    }
}
