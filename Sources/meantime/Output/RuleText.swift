import Retry

/// A rule in one line for people: `3 retries after 0ms 40ms 350ms ± 10 %, other host; each try 180ms; in all 800ms`.
enum RuleText {
    /// What is said of a route that has evidence and no rule.
    static let none = "no rule of its own (left as it is)"

    static func summary(_ rule: Rule) -> String {
        if rule == Rule() { return none }
        var parts: [String] = []
        if let retry = rule.retry, retry.maxRetries > 0 {
            let count = retry.maxRetries == 1 ? "1 retry" : "\(retry.maxRetries) retries"
            parts.append("\(count) \(waits(retry)), \(retry.host.rawValue) host\(disregard(retry))")
            parts.append("on " + retry.on.map(\.name).joined(separator: " "))
        } else {
            parts.append("no retries")
        }
        if let us = rule.perTryTimeoutUs { parts.append("each try \(duration(us))") }
        if let us = rule.timeoutUs { parts.append("in all \(duration(us))") }
        if let budget = rule.budget { parts.append("budget \(percent(budget.ratio))") }
        if let hedge = rule.hedge {
            let count = hedge.max > 1 ? "up to \(hedge.max) hedges, each" : "hedge"
            parts.append("\(count) after \(duration(hedge.delayUs))")
        }
        if let us = rule.ejectionUs { parts.append("ejection \(duration(us))") }
        return parts.joined(separator: "; ")
    }

    /// A rule file's text with a remark at every route that has evidence only.
    static func remarked(yaml: String) -> String {
        var lines: [Substring] = []
        for line in yaml.split(separator: "\n", omittingEmptySubsequences: false) {
            let isFirstOfRoute = lines.last.map { $0.hasPrefix("  ") && !$0.hasPrefix("   ") } ?? false
            if isFirstOfRoute, line.hasPrefix("    evidence:") { lines.append("    # \(none)") }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    /// What is said after a rule's waits of one that does not wait for as long as servers ask.
    static func disregard(_ retry: RetryPolicy) -> String {
        retry.retryAfter == .ignore ? ", Retry-After ignored" : ""
    }

    static func waits(_ retry: RetryPolicy) -> String {
        switch retry.backoff {
        case .waits(let list, let jitter):
            let shown = list.prefix(retry.maxRetries).map(duration).joined(separator: " ")
            return "after \(shown)" + (jitter > 0 ? " ± \(percent(jitter))" : "")
        case .exponential(let baseUs, let maxUs, let multiplier, let jitter):
            let growth = multiplier == multiplier.rounded() ? "\(Int(multiplier))" : "\(multiplier)"
            let range = "\(duration(baseUs)) × \(growth)ⁿ up to \(duration(maxUs))"
            return "after " + (jitter == .full ? "0 to " : "") + range
        }
    }

    private static func duration(_ us: Int64) -> String { NumberText.duration(us: Double(us)) }

    static func percent(_ share: Double) -> String { NumberText.fixed(share * 100, places: 1, trim: true) + " %" }
}
