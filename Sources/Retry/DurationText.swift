/// Durations as people write them (`1h30m`, `250ms`, `1.5s`, `40us`) to integer microseconds and back.
///
/// The grammar is Go's `time.ParseDuration` without signs and without nanoseconds; a bare `0` is zero.
public enum DurationText {
    /// Microseconds of a text, or `nil` when it is not a duration of whole microseconds below 292,000 years.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        if text == "0" { return 0 }
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !(("0"..."9").contains($0) || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard let scale = units[String(unit)], let part = scaled(digits, by: scale) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow { return nil }
            total = sum
        }
        return total
    }

    /// The shortest exact text: `0ms`, `350ms`, `1.5s`, `2m`, `1h30m`, `40us`.
    public static func format(_ us: Int64) -> String {
        if us == 0 { return "0ms" }
        if us < 0 { return us == .min ? "-" + format(.max) : "-" + format(-us) }
        if us % 1000 != 0 && us < 1_000_000 {
            return us < 1000 ? "\(us)us" : decimal(us, unit: 1000, places: 3) + "ms"
        }
        if us < 1_000_000 { return "\(us / 1000)ms" }
        if us < 60_000_000 { return decimal(us, unit: 1_000_000, places: 6) + "s" }
        var text = ""
        let hours = us / 3_600_000_000
        let minutes = us % 3_600_000_000 / 60_000_000
        let rest = us % 60_000_000
        if hours > 0 { text += "\(hours)h" }
        if minutes > 0 { text += "\(minutes)m" }
        if rest > 0 { text += decimal(rest, unit: 1_000_000, places: 6) + "s" }
        return text
    }

    private static let units: [String: Int64] = [
        "us": 1, "\u{B5}s": 1, "\u{3BC}s": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
    ]

    private static func scaled(_ digits: Substring, by unit: Int64) -> Int64? {
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, !digits.isEmpty, digits != ".", let whole = parts[0].isEmpty ? 0 : Int64(parts[0])
        else {
            return nil
        }
        var (value, overflow) = whole.multipliedReportingOverflow(by: unit)
        if overflow { return nil }
        guard parts.count == 2 else { return value }
        guard let fraction = fraction(parts[1], of: unit) else { return nil }
        (value, overflow) = value.addingReportingOverflow(fraction)
        return overflow ? nil : value
    }

    /// 0.digits × unit when that is a whole number. An hour is 2¹⁰ × 3² × 5⁸ us, so no such fraction has more than ten
    /// significant digits.
    private static func fraction(_ digits: Substring, of unit: Int64) -> Int64? {
        var significant = digits
        while significant.last == "0" { significant.removeLast() }
        if significant.isEmpty { return 0 }
        guard significant.count <= 18, let numerator = Int64(significant), numerator > 0 else { return nil }
        var denominator: Int64 = 1
        for _ in significant { denominator *= 10 }
        let product = numerator.multipliedFullWidth(by: unit)
        let (quotient, remainder) = denominator.dividingFullWidth(product)
        return remainder == 0 ? quotient : nil
    }

    private static func decimal(_ us: Int64, unit: Int64, places: Int) -> String {
        let whole = us / unit
        var fraction = String(us % unit)
        if us % unit == 0 { return "\(whole)" }
        fraction = String(repeating: "0", count: places - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }
}
