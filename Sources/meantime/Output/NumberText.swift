import Retry

/// Numbers for people's eyes; scripts get the raw values.
enum NumberText {
    /// A fixed number of decimals; with `trim`, without the zeros at their end.
    static func fixed(_ value: Double, places: Int, trim: Bool = false) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = Int64((abs(value) * scale).rounded())
        let (whole, fraction) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
        var text = "\(whole)"
        if places > 0 {
            let digits = String(fraction)
            text += "." + String(repeating: "0", count: places - digits.count) + digits
            while trim, text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return value < 0 && scaled != 0 ? "-" + text : text
    }

    /// Thousands set apart: `383,828`.
    static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var groups: [Substring] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    /// Microseconds to three figures: `1.23s`, `405ms`, `-12.4ms`, `5h10m`, `79.6d`.
    static func duration(us: Double) -> String {
        guard us.isFinite else { return "∞" }
        let size = abs(us)
        switch size {
        case ..<0.5: return "0ms"
        case ..<999.5: return fixed(us, places: 0) + "us"
        case ..<999_500: return short(us / 1000) + "ms"
        case ..<59_950_000: return short(us / 1e6) + "s"
        case (100 * 3_600_000_000)...: return short(us / 86_400_000_000) + "d"
        default:
            let unit: Int64 = size < 3_600_000_000 ? 1_000_000 : 60_000_000
            let rounded = Int64((size / Double(unit)).rounded()) * unit
            return (us < 0 ? "-" : "") + DurationText.format(rounded)
        }
    }

    /// Seconds to three figures.
    static func duration(seconds: Double) -> String { duration(us: seconds * 1e6) }

    /// Three figures where that is enough: `0.0123`, `4.57`, `1,235`.
    static func figures(_ value: Double) -> String {
        let size = abs(value)
        if !value.isFinite { return "\(value)" }
        if size >= 999.5 { return grouped(Int(max(-1e15, min(1e15, value.rounded())))) }
        return fixed(value, places: size >= 99.95 ? 1 : size >= 0.1 ? 3 : 6, trim: true)
    }

    private static func short(_ value: Double) -> String {
        let size = abs(value)
        return fixed(value, places: size < 9.995 ? 2 : size < 99.95 ? 1 : 0, trim: true)
    }
}
