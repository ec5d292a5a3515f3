import Retry

extension Rule {
    /// A rule in a few words, for the table of what was chosen.
    var brief: String {
        var parts: [String] = []
        if let retry, retry.maxRetries > 0 {
            let waits: String
            switch retry.backoff {
            case .waits(let list, _):
                waits = list.prefix(retry.maxRetries).map(DurationText.format).joined(separator: "/")
            case .exponential(let baseUs, let maxUs, _, _):
                waits = "\(DurationText.format(baseUs))…\(DurationText.format(maxUs))"
            }
            parts.append("\(retry.maxRetries) × \(waits)\(retry.host == .other ? " elsewhere" : "")")
            if retry.retryAfter == .ignore && retry.on.contains(.outcome(.rateLimited)) {
                parts.append("Retry-After ignored")
            }
            if retry.on.contains(.outcome(.timeout)) { parts.append("also of timeouts") }
        } else {
            parts.append("no retry")
        }
        if let perTryTimeoutUs { parts.append("try ≤ \(DurationText.format(perTryTimeoutUs))") }
        if let budget { parts.append("budget over \(DurationText.format(budget.windowUs))") }
        if hedge != nil { parts.append("hedged") }
        return parts.joined(separator: ", ")
    }
}
