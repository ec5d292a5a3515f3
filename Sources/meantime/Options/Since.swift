import ArgumentParser
import Retry

/// From when on: a span back from now (`24h`, `7d`, `1d12h`) or an instant (RFC 3339).
enum Since: Equatable, Sendable {
    case ago(us: Int64)
    case at(us: Int64)

    /// The UNIX microsecond it means at `nowUs`.
    func fromUs(nowUs: Int64) -> Int64 {
        switch self {
        case .ago(let us): nowUs - us
        case .at(let us): us
        }
    }

    /// - Throws: what to write instead, in the parser's own kind of error.
    static func parse(_ text: String) throws -> Since {
        if let us = Timestamp.parse(text) { return .at(us: us) }
        if let us = spanUs(text), us > 0 { return .ago(us: us) }
        throw ValidationError("write a span such as 24h or 7d, or a time such as 2026-11-22T02:00:00Z")
    }

    /// Durations as everywhere, and days before them.
    private static func spanUs(_ text: String) -> Int64? {
        guard let mark = text.firstIndex(of: "d") else { return DurationText.parse(text) }
        guard text[..<mark].utf8.allSatisfy({ (48...57).contains($0) }), let days = Int64(text[..<mark]) else {
            return nil
        }
        let rest = text[text.index(after: mark)...]
        guard let restUs = rest.isEmpty ? 0 : DurationText.parse(rest) else { return nil }
        let (us, isTooLong) = days.multipliedReportingOverflow(by: 86_400_000_000)
        let (sum, isTooLongToo) = us.addingReportingOverflow(restUs)
        return isTooLong || isTooLongToo ? nil : sum
    }
}
