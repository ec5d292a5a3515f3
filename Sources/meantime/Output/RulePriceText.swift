import Analyzer
import Retry

/// Prices of rules as lines of a table.
enum RulePriceText {
    static let titles = ["cost", "95 %", "success", "extra attempts", "refused"]

    static func cells(_ price: RulePrice) -> [String] {
        [
            NumberText.duration(seconds: price.costSeconds), interval(price.interval),
            NumberText.fixed(price.successShare * 100, places: 2) + " %",
            NumberText.fixed(price.extraAttempts, places: 4), RuleText.percent(price.refusedShare),
        ]
    }

    static func interval(_ range: ClosedRange<Double>) -> String {
        "\(NumberText.duration(seconds: range.lowerBound)) … \(NumberText.duration(seconds: range.upperBound))"
    }
}
