import Retry

/// The `Retry-After` field (RFC 9110 §10.2.3): seconds, or an HTTP date.
enum RetryAfter {
    /// Servers that ask for more than an hour get an hour: a typo there must not overflow anything here.
    static let longestUs: Int64 = 3_600_000_000

    /// Microseconds from `wallUs` (UNIX) on; 0 when the value says nothing usable or lies in the past.
    static func parse(_ value: String, wallUs: Int64) -> Int64 {
        let text = value.trimmingSpaces
        if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
            guard let seconds = Int64(text), seconds <= longestUs / 1_000_000 else { return longestUs }
            return seconds * 1_000_000
        }
        guard let us = unixUs(httpDate: text) else { return 0 }
        return min(max(0, us - wallUs), longestUs)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that senders may generate.
    private static func unixUs(httpDate text: Substring) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].utf8.count == 2, words[3].utf8.count == 4,
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp.parse("\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension StringProtocol {
    /// Without the spaces and tabs around it: HTTP's optional white space.
    var trimmingSpaces: SubSequence {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}
