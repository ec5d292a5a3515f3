/// Durations as people write them (`1h30m`, `250ms`, `1.5s`, `40us`) to integer microseconds and back.
///
/// The grammar is Go's `time.ParseDuration` without signs and without nanoseconds; a bare `0` is zero.
public enum DurationText {
    /// Microseconds of a text, or `nil` when it is not a duration of whole microseconds within ± 292,000 years.
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
        if us < 0 { return "-" + format(0 &- us) }
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
        "us": 1, "µs": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
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
        var scale = unit
        for digit in parts[1] {
            guard let number = Int64(String(digit)) else { return nil }
            if scale % 10 != 0 {
                if number != 0 { return nil }
                continue
            }
            scale /= 10
            (value, overflow) = value.addingReportingOverflow(number * scale)
            if overflow { return nil }
        }
        return value
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
