/// Numbers as the tables show them.
enum Text {
    /// With so many decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        if !value.isFinite { return value.isNaN ? "–" : "∞" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let whole = Int64((abs(value) * scale).rounded())
        let digits = String(whole)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = value < 0 && whole > 0 ? "-" : ""
        return decimals == 0 ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }

    /// A ratio: two decimals while they matter.
    static func ratio(_ value: Double) -> String {
        fixed(value, value < 1.995 ? 3 : value < 9.95 ? 2 : value < 99.5 ? 1 : 0)
    }

    /// Seconds as milliseconds.
    static func ms(_ seconds: Double) -> String { fixed(seconds * 1000, seconds < 0.0995 ? 2 : 0) }

    static func percent(_ share: Double, _ decimals: Int = 2) -> String { fixed(share * 100, decimals) + " %" }

    /// A row of a Markdown table.
    static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

    static func head(_ cells: [String]) -> [String] {
        [row(cells), "|" + String(repeating: "---|", count: cells.count)]
    }
}
