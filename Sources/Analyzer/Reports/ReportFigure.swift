/// A picture that a report hands over beside its table; whoever draws it (a page, a terminal) need not know the report.
///
/// Either lines and marks on two axes, or lanes of spans over one.
public struct ReportFigure: Equatable, Sendable {
    /// What one direction means.
    public struct Axis: Equatable, Sendable {
        /// What is measured.
        public var title: String
        /// In what.
        public var kind: ReportTable.Kind
        /// Whether equal steps are equal ratios.
        public var isLogarithmic: Bool
        /// The values shown.
        public var range: ClosedRange<Double>

        /// An axis.
        public init(
            _ title: String, _ kind: ReportTable.Kind, isLogarithmic: Bool = false, _ range: ClosedRange<Double>
        ) {
            self.title = title
            self.kind = kind
            self.isLogarithmic = isLogarithmic
            self.range = range
        }
    }

    /// A point of a line with its band; without one, low = y = high.
    public struct Point: Equatable, Sendable {
        /// Where on the x axis.
        public var x: Double
        /// The estimate.
        public var y: Double
        /// The band.
        public var low: Double
        /// See `low`.
        public var high: Double

        /// A point.
        public init(x: Double, y: Double, low: Double, high: Double) {
            self.x = x
            self.y = y
            self.low = low
            self.high = high
        }
    }

    /// A curve.
    public struct Line: Equatable, Sendable {
        /// What it is of.
        public var label: String
        /// Its points by x.
        public var points: [Point]
        /// Whether each value holds until the next point.
        public var isStepped: Bool

        /// A curve.
        public init(_ label: String, _ points: [Point], isStepped: Bool = false) {
            self.label = label
            self.points = points
            self.isStepped = isStepped
        }
    }

    /// A single value with an interval along one of the axes.
    public struct Mark: Equatable, Sendable {
        /// What it is.
        public var label: String
        /// Where.
        public var x: Double
        /// Where.
        public var y: Double
        /// Its interval along x.
        public var xInterval: ClosedRange<Double>?
        /// Its interval along y.
        public var yInterval: ClosedRange<Double>?
        /// Which of the series it belongs to.
        public var series: Int

        /// A value.
        public init(
            _ label: String, x: Double, y: Double, xInterval: ClosedRange<Double>? = nil,
            yInterval: ClosedRange<Double>? = nil, series: Int = 0
        ) {
            self.label = label
            self.x = x
            self.y = y
            self.xInterval = xInterval
            self.yInterval = yInterval
            self.series = series
        }
    }

    /// A row of spans along the x axis.
    public struct Lane: Equatable, Sendable {
        /// What the row is of.
        public var label: String
        /// What lies in it.
        public var spans: [Span]

        /// A row.
        public init(_ label: String, _ spans: [Span]) {
            self.label = label
            self.spans = spans
        }
    }

    /// From here to there.
    public struct Span: Equatable, Sendable {
        /// What it is.
        public var label: String
        /// Its begin on the x axis.
        public var from: Double
        /// Its end.
        public var to: Double
        /// Which of the series it belongs to.
        public var series: Int

        /// A span.
        public init(_ label: String, from: Double, to: Double, series: Int = 0) {
            self.label = label
            self.from = from
            self.to = to
            self.series = series
        }
    }

    /// The route it is of.
    public var route: String
    /// What it shows.
    public var title: String
    /// How to read it.
    public var caption: String
    /// What each series of marks or spans is, where there is more than one.
    public var series: [String] = []
    /// The x axis.
    public var x: Axis
    /// The y axis; `nil`: lanes.
    public var y: Axis?
    /// Curves.
    public var lines: [Line] = []
    /// Single values.
    public var marks: [Mark] = []
    /// Rows.
    public var lanes: [Lane] = []

    /// A picture without content.
    public init(route: String, title: String, caption: String, x: Axis, y: Axis? = nil) {
        self.route = route
        self.title = title
        self.caption = caption
        self.x = x
        self.y = y
    }
}
