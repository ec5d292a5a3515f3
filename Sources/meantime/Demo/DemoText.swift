import Retry

/// Numbers and rules in words, for the table and the page.
enum DemoText {
    /// The headline when no route's rule changed.
    static let nothingChanged = "Nothing was changed: too little evidence"

    /// What the second run's rows are called.
    static func second(_ isChanged: Bool) -> String { isChanged ? "tuned" : "unchanged" }

    /// A number with a fixed count of decimals.
    static func fixed(_ value: Double, _ places: Int) -> String {
        value.isFinite && abs(value) < 1e12 ? NumberText.fixed(value, places: places) : "–"
    }

    /// A time with three digits: `0.32 ms`, `4.21 ms`, `312 ms`, `1.25 s`.
    static func time(_ us: Double) -> String {
        let ms = us / 1000
        if abs(ms) >= 999.5 { return fixed(ms / 1000, 2) + " s" }
        return fixed(ms, abs(ms) >= 99.95 ? 0 : abs(ms) >= 9.995 ? 1 : 2) + " ms"
    }

    /// The time of a percentile; one that fewer requests ever reached is `never`.
    static func time(_ us: Int64?) -> String { us.map { time(Double($0)) } ?? "never" }

    /// `99.62 %`.
    static func percent(_ share: Double, _ places: Int = 2) -> String { fixed(share * 100, places) + " %" }

    /// `0.31`.
    static func ratio(_ value: Double) -> String { fixed(value, 2) }

    /// A price with its interval: `61.2 ms [44.0, 81.9]`.
    static func price(_ price: Price) -> String {
        "\(time(price.costUs)) [\(time(price.interval.lowerBound)), \(time(price.interval.upperBound))]"
    }

    /// A rule as one would say it.
    static func words(_ rule: Rule) -> String {
        var parts: [String] = []
        if let retry = rule.retry, retry.maxRetries > 0 {
            let times = retry.maxRetries == 1 ? "once" : "up to \(retry.maxRetries) times"
            let place = retry.host == .other ? "on another host" : "on any host"
            let waits = words(retry.backoff, retries: retry.maxRetries)
            parts.append("Retry \(times), \(place), \(waits)\(RuleText.disregard(retry))")
        } else {
            parts.append("No retries")
        }
        if let us = rule.perTryTimeoutUs { parts.append("give each attempt \(DurationText.format(us))") }
        if let us = rule.timeoutUs { parts.append("give the whole request \(DurationText.format(us))") }
        if let budget = rule.budget {
            parts.append(
                "retries at most \(percent(budget.ratio, 0)) of requests (or \(fixed(budget.minPerSecond, 0)) a second)"
            )
        } else {
            parts.append("no retry budget")
        }
        return parts.joined(separator: "; ") + "."
    }

    /// A rule's waits alone: `0ms, 40ms`.
    static func waits(_ rule: Rule) -> String {
        guard let retry = rule.retry, retry.maxRetries > 0 else { return "no retry" }
        guard case .waits(let waits, _) = retry.backoff, let last = waits.last else {
            return words(retry.backoff, retries: retry.maxRetries)
        }
        return (0..<retry.maxRetries).map { DurationText.format($0 < waits.count ? waits[$0] : last) }
            .joined(separator: ", ")
    }

    private static func words(_ backoff: Backoff, retries: Int) -> String {
        switch backoff {
        case .waits(let waits, let jitter):
            let used = (0..<retries).compactMap { waits.isEmpty ? nil : waits[min($0, waits.count - 1)] }
            let list = used.map { $0 == 0 ? "at once" : "after \(DurationText.format($0))" }.joined(
                separator: ", then ")
            return list + (jitter > 0 ? " (± \(percent(jitter, 0)))" : "")
        case .exponential(let baseUs, let maxUs, _, let jitter):
            let bounds = "\(DurationText.format(baseUs)) (at most \(DurationText.format(maxUs)))"
            return jitter == .full ? "after a random wait below \(bounds)" : "after \(bounds)"
        }
    }
}
