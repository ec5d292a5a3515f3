import ArgumentParser

/// How far back attempts are kept.
struct KeepSpan: Equatable, Sendable {
    /// Microseconds.
    var us: Int64

    private static let hourUs: Int64 = 3_600_000_000
    private static let mostDays: Int64 = 36_500

    /// - Throws: what to write instead, in the parser's own kind of error.
    static func parse(_ text: String) throws -> KeepSpan {
        let isZero = text.contains("0") && text.allSatisfy { "0dhms".contains($0) }
        guard let us = isZero ? 0 : span(text) else {
            throw ValidationError("write a span such as 30d or 12h")
        }
        guard (hourUs...mostDays * 24 * hourUs).contains(us) else {
            throw ValidationError("keep at least 1h and at most \(mostDays)d")
        }
        return KeepSpan(us: us)
    }

    private static func span(_ text: String) -> Int64? {
        if case .ago(let us)? = try? Since.parse(text) { us } else { nil }
    }
}
