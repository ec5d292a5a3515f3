/// One picture: two axes with titles and units, and layers drawn in the order in which they were added.
struct Plot {
    /// What the picture says, for those who cannot see it.
    let summary: String
    let xTitle: String
    let yTitle: String
    let width: Double
    let height: Double
    private(set) var x: Scale
    private(set) var y: Scale
    private let xLabel: (Double) -> String
    private let yLabel: (Double) -> String
    private let xTicks: [Double]?
    private let style: String
    private var layers: [String] = []

    private static let left = 74.0
    private static let right = 16.0
    private static let top = 14.0
    private static let bottom = 46.0

    init(
        summary: String, x: Scale, xTitle: String, xLabel: @escaping (Double) -> String, y: Scale, yTitle: String,
        yLabel: @escaping (Double) -> String, width: Double = 560, height: Double = 300, xTicks: [Double]? = nil,
        style: String = ""
    ) {
        self.summary = summary
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.width = width
        self.height = height
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.xTicks = xTicks
        self.style = style
        self.x = x
        self.y = y
        self.x.from = Self.left
        self.x.to = width - Self.right
        self.y.from = height - Self.bottom
        self.y.to = Self.top
    }

    /// A line through values; `steps` keeps each value until the next.
    mutating func add(line points: [(Double, Double)], style: String, steps: Bool = false, title: String) {
        let path = SVG.path(points.map { (x.position($0.0), y.position($0.1)) }, steps: steps)
        layers.append(SVG.element("path", [("d", path), ("class", "line \(style)")], SVG.title(title)))
    }

    /// The area between a low and a high value at each point.
    mutating func add(
        band points: [(x: Double, low: Double, high: Double)], style: String, isStepped: Bool = true, title: String
    ) {
        guard let first = points.first, let last = points.last else { return }
        var upper: [(x: Double, y: Double)] = [(x.position(first.x), y.position(first.high))]
        var lower: [(x: Double, y: Double)] = [(x.position(first.x), y.position(first.low))]
        for (point, next) in zip(points, points.dropFirst()) {
            if isStepped {
                upper.append((x.position(next.x), y.position(point.high)))
                lower.append((x.position(next.x), y.position(point.low)))
            }
            upper.append((x.position(next.x), y.position(next.high)))
            lower.append((x.position(next.x), y.position(next.low)))
        }
        upper.append((x.position(last.x), y.position(last.high)))
        let path = SVG.path(upper + lower.reversed()) + "Z"
        layers.append(SVG.element("path", [("d", path), ("class", "band \(style)")], SVG.title(title)))
    }

    /// A mark with an interval; `shape` is drawn around (0, 0).
    mutating func add(
        point: (Double, Double), interval: ClosedRange<Double>, shape: Shape, style: String, title: String
    ) {
        let (px, py) = (x.position(point.0), y.position(point.1))
        let bar = SVG.line(
            px, y.position(interval.lowerBound), px, y.position(interval.upperBound), "interval \(style)")
        layers.append(SVG.element("g", [], SVG.title(title) + bar + shape.drawn(px, py, style)))
    }

    /// A mark with an interval along x.
    mutating func add(
        point: (Double, Double), across interval: ClosedRange<Double>, shape: Shape, style: String, title: String
    ) {
        let (px, py) = (x.position(point.0), y.position(point.1))
        let bar = SVG.line(
            x.position(interval.lowerBound), py, x.position(interval.upperBound), py, "interval \(style)")
        layers.append(SVG.element("g", [], SVG.title(title) + bar + shape.drawn(px, py, style)))
    }

    /// A vertical line across the picture, with words at its top.
    mutating func add(markerAt value: Double, words: String, style: String) {
        let px = x.position(value)
        let isRight = px > width * 0.7
        layers.append(
            SVG.line(px, y.from, px, y.to, "marker \(style)")
                + SVG.text(px + (isRight ? -5 : 5), y.to + 11, words, "note", anchor: isRight ? "end" : "start"))
    }

    /// The whole picture.
    func svg() -> String {
        var marks = ""
        for value in xTicks ?? x.ticks() {
            let px = x.position(value)
            marks +=
                SVG.line(px, y.from, px, y.to, "grid")
                + SVG.text(px, y.from + 17, xLabel(value), "tick", anchor: "middle")
        }
        for value in y.ticks(about: 5) {
            let py = y.position(value)
            marks +=
                SVG.line(x.from, py, x.to, py, "grid")
                + SVG.text(x.from - 7, py + 4, yLabel(value), "tick", anchor: "end")
        }
        let middle = (y.from + y.to) / 2
        let titles =
            SVG.text((x.from + x.to) / 2, height - 8, xTitle, "axis", anchor: "middle")
            + SVG.element(
                "text",
                [
                    ("x", "14"), ("y", SVG.number(middle)), ("class", "axis"), ("text-anchor", "middle"),
                    ("transform", "rotate(-90 14 \(SVG.number(middle)))"),
                ], SVG.escaped(yTitle))
        let frame = SVG.line(x.from, y.from, x.to, y.from, "frame") + SVG.line(x.from, y.from, x.from, y.to, "frame")
        return SVG.element(
            "svg",
            [
                ("viewBox", "0 0 \(SVG.number(width)) \(SVG.number(height))"), ("role", "img"), ("aria-label", summary),
                ("class", style.isEmpty ? "plot" : "plot \(style)"),
            ], marks + layers.joined() + frame + titles)
    }
}

/// How a single value is marked: shapes differ as well as colours.
enum Shape {
    case dot
    case disc
    case square
    case diamond

    func drawn(_ x: Double, _ y: Double, _ style: String) -> String {
        switch self {
        case .dot, .disc:
            let radius = self == .dot ? "2.6" : "4"
            return SVG.element(
                "circle", [("cx", SVG.number(x)), ("cy", SVG.number(y)), ("r", radius), ("class", style)])
        case .square: return SVG.rectangle(x - 5.5, y - 5.5, 11, 11, style)
        case .diamond:
            let points = [(x, y - 8), (x + 7, y), (x, y + 8), (x - 7, y)]
            return SVG.element("path", [("d", SVG.path(points.map { (x: $0.0, y: $0.1) }) + "Z"), ("class", style)])
        }
    }
}
