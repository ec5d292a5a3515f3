import Glibc

/// One picture: every world a line, every rule a dot, how many times the oracle's cost to the right.
struct Chart {
    let contests: [Contest]

    private let left = 150.0
    private let width = 560.0
    private let top = 64.0
    private let step = 26.0
    private let least = 0.9
    private let most = 100.0

    private static let families: [(name: String, colour: String, members: Set<String>)] = [
        ("none", "#000000", ["none"]),
        ("Envoy, Istio, Linkerd", "#0072b2", ["Envoy", "Istio", "Linkerd"]),
        ("gRPC, AWS", "#e69f00", ["gRPC", "AWS old", "AWS 2026"]),
        ("Resilience4j, Polly", "#009e73", ["Resilience4j", "Polly"]),
        ("p99, p99.9, Finagle", "#cc79a7", ["p99", "p99.9", "Finagle"]),
    ]

    var svg: String {
        let bottom = top + step * Double(contests.count)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 \(Int(bottom + 44))\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"760\" height=\"\(Int(bottom + 44))\" fill=\"white\"/>",
            text(left, 18, "What a request costs, as a multiple of what the oracle's rule costs", size: 15),
        ]
        lines += legend
        for mark in [1.0, 2, 5, 10, 20, 50, 100] {
            let colour = mark == 1 ? "#555" : "#ddd"
            lines.append(line(x(mark), top - 8, x(mark), bottom, colour, 1))
            lines.append(text(x(mark), bottom + 16, mark == 100 ? "≥ 100" : Text.fixed(mark, 0), anchor: "middle"))
        }
        lines.append(text(left + width / 2, bottom + 36, "cost on fresh traffic / oracle's", anchor: "middle"))
        for (place, contest) in contests.enumerated() {
            lines += row(contest, y: top + step * (Double(place) + 0.4))
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private var legend: [String] {
        var lines: [String] = []
        var atX = left
        for family in Self.families {
            lines.append(dot(atX, 36, 3.5, family.colour, opacity: 0.7))
            lines.append(text(atX + 8, 40, family.name))
            atX += 26 + 6.9 * Double(family.name.count)
        }
        lines.append(diamond(left, 52))
        lines.append(text(left + 10, 56, "tuned: mean over logs, bar from the best log to the worst"))
        return lines
    }

    private func row(_ contest: Contest, y: Double) -> [String] {
        let oracle = contest.oracle.findings.cost
        var lines = [
            text(left - 10, y + 4, contest.world.name, anchor: "end"), line(left, y, left + width, y, "#f0f0f0", 1),
        ]
        for entry in contest.defaults {
            let colour = Self.families.first { $0.members.contains(entry.name) }?.colour ?? "#555"
            lines.append(dot(x(entry.findings.cost / oracle), y, 3.5, colour, opacity: 0.7))
        }
        let ratios = contest.tuned.map { $0.findings.cost / oracle }
        if let low = ratios.min(), let high = ratios.max() {
            lines.append(line(x(low), y, x(high), y, "#d00000", 3))
            lines.append(diamond(x(contest.regret), y))
        }
        return lines
    }

    private func x(_ ratio: Double) -> Double {
        left + width * log(min(most, max(least, ratio)) / least) / log(most / least)
    }

    private func text(
        _ x: Double, _ y: Double, _ content: String, anchor: String = "start", size: Int = 12
    ) -> String {
        let escaped = content.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
        return "<text x=\"\(Text.fixed(x, 1))\" y=\"\(Text.fixed(y, 1))\" text-anchor=\"\(anchor)\" "
            + "font-size=\"\(size)\">\(escaped)</text>"
    }

    private func dot(_ x: Double, _ y: Double, _ radius: Double, _ colour: String, opacity: Double) -> String {
        "<circle cx=\"\(Text.fixed(x, 1))\" cy=\"\(Text.fixed(y, 1))\" r=\"\(radius)\" fill=\"\(colour)\" "
            + "opacity=\"\(opacity)\"/>"
    }

    private func diamond(_ x: Double, _ y: Double) -> String {
        let points = [(0.0, -6.0), (6, 0), (0, 6), (-6, 0)].map {
            "\(Text.fixed(x + $0.0, 1)),\(Text.fixed(y + $0.1, 1))"
        }
        return "<polygon points=\"\(points.joined(separator: " "))\" fill=\"#d00000\" stroke=\"white\"/>"
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, _ width: Int) -> String
    {
        "<line x1=\"\(Text.fixed(x1, 1))\" y1=\"\(Text.fixed(y1, 1))\" x2=\"\(Text.fixed(x2, 1))\" "
            + "y2=\"\(Text.fixed(y2, 1))\" stroke=\"\(colour)\" stroke-width=\"\(width)\"/>"
    }
}
