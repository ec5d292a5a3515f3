import Analyzer
import Retry

/// A report's figure as SVG, once for wide screens and once for narrow ones; the page shows the one that fits.
struct FigureDrawing {
    let figure: ReportFigure
    /// Whether lanes have the whole width of the page.
    var isAcross = false

    private static let shapes: [Shape] = [.disc, .square, .diamond, .disc]

    static let styles = ["first", "second", "third", "fourth", "fifth"]

    /// Both sizes.
    func svg() -> String { drawn(isNarrow: false) + drawn(isNarrow: true) }

    /// What the lines and series are, where there are several.
    func key() -> String {
        if figure.lines.count > 1 {
            return zip(Self.styles, figure.lines).map { PageKey.line($0, $1.label) }.joined()
        }
        guard figure.series.count > 1 else { return "" }
        return figure.series.indices.prefix(Self.shapes.count).map { series in
            let style = Self.styles[series]
            return figure.lanes.isEmpty
                ? PageKey.key(Self.shapes[series].drawn(13, 7, style), figure.series[series])
                : PageKey.key(SVG.rectangle(2, 1, 22, 12, style), figure.series[series])
        }.joined()
    }

    private var summary: String { "\(figure.route): \(figure.title)" }

    private func lanes(isNarrow: Bool) -> String {
        LanePlot(figure: figure, isNarrow: isNarrow, summary: summary, isAcross: isAcross && !isNarrow).svg()
    }

    private func drawn(isNarrow: Bool) -> String {
        guard let y = figure.y else { return lanes(isNarrow: isNarrow) }
        let size = isNarrow ? (width: 340.0, height: 250.0, ticks: 4) : (width: 560.0, height: 300.0, ticks: 7)
        let x = figure.x
        let isTime = x.kind == .durationUs && x.isLogarithmic
        let xLabel = Self.label(isTime ? .durationUs : .count)
        let xTicks =
            isTime ? HumanTicks.durations(x.range, atMost: size.ticks) : Self.counts(x, atMost: size.ticks + 2)
        var plot = Plot(
            summary: summary, x: Scale(x.isLogarithmic ? .logarithmic : .linear, x.range), xTitle: x.title,
            xLabel: xLabel,
            y: Scale(y.isLogarithmic ? .logarithmic : .linear, y.range), yTitle: y.title, yLabel: Self.label(y.kind),
            width: size.width, height: size.height,
            xTicks: xTicks,
            style: isNarrow ? "narrow" : "large")
        for (style, line) in zip(Self.styles, figure.lines) {
            if line.points.contains(where: { $0.low < $0.high }) {
                add(band: line, style: style, to: &plot)
            }
        }
        for (style, line) in zip(Self.styles, figure.lines) {
            plot.add(
                line: line.points.map { ($0.x, $0.y) }, style: style, steps: line.isStepped, title: line.label)
        }
        for mark in figure.marks { add(mark, to: &plot) }
        return plot.svg()
    }

    private func add(band line: ReportFigure.Line, style: String, to plot: inout Plot) {
        plot.add(
            band: line.points.map { ($0.x, $0.low, $0.high) }, style: style, isStepped: line.isStepped,
            title: "\(line.label): 95 % band")
    }

    private func add(_ mark: ReportFigure.Mark, to plot: inout Plot) {
        let style = Self.styles[min(mark.series, Self.styles.count - 1)]
        let at = (mark.x, mark.y)
        let shape = Self.shapes[min(mark.series, Self.shapes.count - 1)]
        if let interval = mark.xInterval {
            let ends = [interval.lowerBound, interval.upperBound].map { NumberText.duration(us: $0) }
            let words = "\(mark.label): \(NumberText.duration(us: mark.x)) [\(ends[0]), \(ends[1])]"
            plot.add(point: at, across: interval, shape: shape, style: style, title: words)
        } else {
            let interval = mark.yInterval ?? mark.y...mark.y
            let words = "\(mark.label): \(Self.percent(mark.y))"
            plot.add(point: at, interval: interval, shape: shape, style: style, title: words)
        }
    }

    /// Whole numbers at equal ratios, where an axis counts.
    private static func counts(_ axis: ReportFigure.Axis, atMost count: Int) -> [Double]? {
        guard axis.kind == .count, axis.isLogarithmic else { return nil }
        let doubling = (0..<30).map { Double(1 << $0) }.filter(axis.range.contains)
        return doubling.count <= count ? doubling : doubling.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    }

    static func label(_ kind: ReportTable.Kind) -> (Double) -> String {
        { value in
            switch kind {
            case .probability: percent(value)
            case .durationUs: HumanTicks.label(durationUs: value)
            default: number(value)
            }
        }
    }

    private static func number(_ value: Double) -> String { NumberText.figures(value) }

    private static func percent(_ share: Double) -> String {
        let places = share >= 0.0995 || share == 0 ? 1 : share >= 0.00995 ? 1 : share >= 0.000995 ? 2 : 4
        return NumberText.fixed(share * 100, places: places, trim: true) + " %"
    }
}
