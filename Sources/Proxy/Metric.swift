/// One sample for `/metrics`, as Prometheus understands it.
public struct Metric: Equatable, Sendable {
    /// What the number is.
    public enum Kind: String, Equatable, Sendable {
        /// It only grows while the process lives.
        case counter
        /// It goes up and down.
        case gauge
        /// Part of a histogram: `…_bucket`, `…_sum` or `…_count`.
        case histogram
    }

    /// The family's name, such as `meantime_attempts_total`.
    public var name: String
    /// One sentence for people, the same for all samples of the family.
    public var help: String
    /// What the number is.
    public var kind: Kind
    /// What follows the family's name in this sample's: `_bucket` and the like, else empty.
    public var suffix: String
    /// Label names and values, in the order in which they are written.
    public var labels: [Label]
    /// The number.
    public var value: Double

    /// One label.
    public struct Label: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its value; any text.
        public var value: String

        /// A label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A sample.
    public init(
        _ name: String, _ kind: Kind, help: String, suffix: String = "", labels: [Label] = [], value: Double
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.suffix = suffix
        self.labels = labels
        self.value = value
    }
}

/// Writes samples in the Prometheus text format, version 0.0.4.
enum MetricsText {
    /// Families in the order of their first sample; the samples of a family stand together, as the format demands.
    static func write(_ metrics: [Metric]) -> String {
        var order: [String] = []
        var families: [String: [Metric]] = [:]
        for metric in metrics {
            if families[metric.name] == nil { order.append(metric.name) }
            families[metric.name, default: []].append(metric)
        }
        var text = ""
        for name in order {
            guard let samples = families[name], let first = samples.first else { continue }
            text += "# HELP \(name) \(escaped(first.help, quotes: false))\n# TYPE \(name) \(first.kind.rawValue)\n"
            for sample in samples { text += line(sample) }
        }
        return text
    }

    private static func line(_ sample: Metric) -> String {
        var text = sample.name + sample.suffix
        if !sample.labels.isEmpty {
            let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += "{\(labels.joined(separator: ","))}"
        }
        return text + " \(number(sample.value))\n"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value.isNaN ? "NaN" : "\(value)"
    }
}
