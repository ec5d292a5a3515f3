extension RuleSet {
    /// What Meantime's own files begin with; a person's file need not.
    static let firstLine = "# Written by Meantime, whole: the last line is '...'."
    /// YAML's end of a document.
    static let lastLine = "..."

    /// The rule file: routes by name, keys always in the same order, so that a diff shows only what changed.
    public func yaml() -> String {
        var lines = [Self.firstLine, "version: \(version)", "created: \(Timestamp.format(createdUs))"]
        lines.append(routes.isEmpty ? "routes: {}" : "routes:")
        for name in routes.keys.sorted() {
            guard let entry = routes[name] else { continue }
            let body = Self.lines(of: entry.rule) + (entry.evidence.map { [Self.line(of: $0)] } ?? [])
            lines.append("  \(Self.quoted(name)):" + (body.isEmpty ? " {}" : ""))
            lines += body.map { "    " + $0 }
        }
        lines.append(Self.lastLine)
        return lines.joined(separator: "\n") + "\n"
    }

    static func lines(of rule: Rule) -> [String] {
        var lines: [String] = []
        if let us = rule.timeoutUs { lines.append("timeout: \(DurationText.format(us))") }
        if let us = rule.perTryTimeoutUs { lines.append("per_try_timeout: \(DurationText.format(us))") }
        if let retry = rule.retry {
            lines.append("retry:")
            lines.append("  max_retries: \(retry.maxRetries)")
            lines.append("  on: [\(retry.on.map(\.name).joined(separator: ", "))]")
            lines.append("  host: \(retry.host.rawValue)")
            // Files of rules that heed stay as they were before there was a choice.
            if retry.retryAfter != .heed { lines.append("  retry_after: \(retry.retryAfter.rawValue)") }
            lines.append("  backoff: \(flow(of: retry.backoff))")
        }
        if let budget = rule.budget {
            let (ratio, least) = (decimal(budget.ratio), decimal(budget.minPerSecond))
            let window = DurationText.format(budget.windowUs)
            lines.append("budget: {ratio: \(ratio), min_per_second: \(least), window: \(window)}")
        }
        if let hedge = rule.hedge {
            lines.append("hedge: {delay: \(DurationText.format(hedge.delayUs)), max: \(hedge.max)}")
        }
        if let us = rule.ejectionUs { lines.append("ejection: \(DurationText.format(us))") }
        return lines
    }

    private static func flow(of backoff: Backoff) -> String {
        switch backoff {
        case .waits(let list, let jitter):
            return "{waits: [\(list.map(DurationText.format).joined(separator: ", "))], jitter: \(decimal(jitter))}"
        case .exponential(let baseUs, let maxUs, let multiplier, let jitter):
            let bounds = "base: \(DurationText.format(baseUs)), max: \(DurationText.format(maxUs))"
            return "{\(bounds), multiplier: \(decimal(multiplier)), jitter: \(jitter.rawValue)}"
        }
    }

    private static func line(of evidence: Evidence) -> String {
        var parts = [
            "attempts: \(evidence.attempts)", "failures: \(evidence.failures)", "outages: \(evidence.outages)",
        ]
        if let window = evidence.windowUs {
            parts.append(
                "window: [\"\(Timestamp.format(window.lowerBound))\", \"\(Timestamp.format(window.upperBound))\"]")
        }
        if let cost = evidence.cost {
            let interval = "[\(decimal(cost.interval.lowerBound)), \(decimal(cost.interval.upperBound))]"
            parts.append(
                "cost: {before: \(decimal(cost.before)), after: \(decimal(cost.after)), interval: \(interval)}")
        }
        parts.append("reason: \(quotedAlways(evidence.reason))")
        return "evidence: {\(parts.joined(separator: ", "))}"
    }

    /// A number as YAML, without the `.0` of a whole one.
    private static func decimal(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    /// A key, in quotes unless it is a plain word that YAML cannot take for anything else.
    private static func quoted(_ name: String) -> String {
        let isPlain =
            name.first.map { $0.isASCII && $0.isLetter } ?? false
            && name.utf8.allSatisfy { byte in
                UnicodeScalar(byte).properties.isAlphabetic && byte < 128 || (48...57).contains(byte) || byte == 45
                    || byte == 95 || byte == 46 || byte == 47
            }
        let taken: Set = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        return isPlain && !taken.contains(name.lowercased()) ? name : quotedAlways(name)
    }

    private static func quotedAlways(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\t": escaped += "\\t"
            case _ where !isPrintable(scalar):
                let hex = String(scalar.value, radix: 16)
                escaped += "\\U" + String(repeating: "0", count: 8 - hex.count) + hex
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return "\"\(escaped)\""
    }

    /// Whether YAML 1.1 takes the character as it stands: no control, no break that would be folded, no byte order
    /// mark.
    private static func isPrintable(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x1_0000...0x10_FFFF: true
        default: false
        }
    }
}
