import Retry

/// The outages of a route's hosts and every attempt that met them, one strip of host rows for each run.
struct Timeline {
    /// The two runs, in the order in which they are drawn.
    let strips: [(label: String, attempts: [AttemptMark])]
    let route: RouteFaults
    /// The part of the run that is shown.
    let windowUs: ClosedRange<Int64>
    let rowHeight: Double
    /// Whether every retry says what it was when pointed at; without, the picture is a tenth of the size.
    let isDetailed: Bool
    var width = 1160.0

    private static let left = 116.0
    private static let right = 16.0
    private static let stripGap = 16.0

    /// The window around the longest outage that still shows single attempts.
    static func closeUp(of route: RouteFaults, durationUs: Int64) -> ClosedRange<Int64> {
        let longest = route.hosts.flatMap(\.outages).max { $0.durationUs < $1.durationUs }
        guard let longest else { return 0...min(durationUs, 2_000_000) }
        return max(0, longest.fromUs - 300_000)...min(durationUs, longest.toUs + 900_000)
    }

    func svg() -> String {
        let rows = Double(route.hosts.count)
        let stripHeight = rows * rowHeight
        let height = 8 + Double(strips.count) * (stripHeight + Self.stripGap) + 30
        var x = Scale(.linear, Double(windowUs.lowerBound) / 1e6...Double(windowUs.upperBound) / 1e6)
        x.from = Self.left
        x.to = width - Self.right
        var drawn = ""
        for (index, strip) in strips.enumerated() {
            let top = 8 + Double(index) * (stripHeight + Self.stripGap)
            drawn += draw(strip, top: top, x: x)
        }
        let bottom = 8 + Double(strips.count) * (stripHeight + Self.stripGap) - Self.stripGap
        for value in x.ticks(about: 12) {
            let px = x.position(value)
            drawn += SVG.line(px, bottom, px, bottom + 5, "frame")
            drawn += SVG.text(px, bottom + 19, shortest(value), "tick", anchor: "middle")
        }
        drawn += SVG.text((x.from + x.to) / 2, height - 4, "time since the run began (s)", "axis", anchor: "middle")
        return SVG.element(
            "svg",
            [
                ("viewBox", "0 0 \(SVG.number(width)) \(SVG.number(height))"), ("role", "img"), ("class", "timeline"),
                ("aria-label", "Outages of \(route.trouble.name) and the attempts that met them, before and after"),
            ], drawn)
    }

    private func draw(_ strip: (label: String, attempts: [AttemptMark]), top: Double, x: Scale) -> String {
        let height = Double(route.hosts.count) * rowHeight
        var drawn = SVG.rectangle(x.from, top, x.to - x.from, height, "strip")
        drawn += SVG.text(8, top + height / 2 + 4, strip.label, "strong")
        for (host, faults) in route.hosts.enumerated() {
            let rowTop = top + Double(host) * rowHeight
            drawn += SVG.text(x.from - 6, rowTop + rowHeight / 2 + 3, "host \(host + 1)", "tick", anchor: "end")
            for outage in faults.outages where outage.toUs > windowUs.lowerBound && outage.fromUs < windowUs.upperBound
            {
                let (from, to) = (x.position(Double(outage.fromUs) / 1e6), x.position(Double(outage.toUs) / 1e6))
                let words =
                    "host \(host + 1) \(Self.words(outage.kind)) for \(DemoText.time(Double(outage.durationUs)))"
                drawn += SVG.rectangle(from, rowTop + 0.5, max(1, to - from), rowHeight - 1, "outage", title: words)
            }
        }
        return drawn + marks(strip.attempts, top: top, x: x)
    }

    /// One path a kind of attempt keeps the page small.
    private func marks(_ attempts: [AttemptMark], top: Double, x: Scale) -> String {
        var paths: [String: String] = [:]
        var detailed = ""
        let size = isDetailed ? 3.6 : 2.4
        for one in attempts where windowUs.contains(one.offsetUs) && route.hosts.indices.contains(one.host) {
            let px = x.position(Double(one.offsetUs) / 1e6)
            let py = top + (Double(one.host) + 0.5) * rowHeight
            let isAnswered = one.outcome == .success
            if one.attempt == 1 {
                let mark = isAnswered ? "M\(SVG.number(px)) \(SVG.number(py))h0" : Self.cross(px, py, size)
                paths[isAnswered ? "answered" : "failed", default: ""] += mark
            } else if isDetailed {
                detailed += retry(one, px, py, size)
            } else {
                paths[isAnswered ? "saved" : "wasted", default: ""] += Self.ring(px, py, size)
            }
        }
        return ["answered", "failed", "wasted", "saved"].map { style in
            paths[style].map { SVG.element("path", [("d", $0), ("class", style)]) } ?? ""
        }.joined() + detailed
    }

    private func retry(_ one: AttemptMark, _ px: Double, _ py: Double, _ size: Double) -> String {
        let words =
            "attempt \(one.attempt) on host \(one.host + 1) at \(DemoText.fixed(Double(one.offsetUs) / 1e6, 3)) s: "
            + "\(one.outcome.name) after \(DemoText.time(Double(one.durationUs)))"
        return SVG.element(
            "path", [("d", Self.ring(px, py, size)), ("class", one.outcome == .success ? "saved" : "wasted")],
            SVG.title(words))
    }

    private static func ring(_ x: Double, _ y: Double, _ radius: Double) -> String {
        let (r, twice) = (SVG.number(radius), SVG.number(2 * radius))
        return "M\(SVG.number(x - radius)) \(SVG.number(y))a\(r) \(r) 0 1 0 \(twice) 0a\(r) \(r) 0 1 0 -\(twice) 0z"
    }

    private static func cross(_ x: Double, _ y: Double, _ size: Double) -> String {
        let (left, right) = (SVG.number(x - size), SVG.number(x + size))
        let (upper, lower) = (SVG.number(y - size), SVG.number(y + size))
        return "M\(left) \(upper)L\(right) \(lower)M\(left) \(lower)L\(right) \(upper)"
    }

    private func shortest(_ seconds: Double) -> String {
        let text = DemoText.fixed(seconds, 2)
        return text.hasSuffix(".00") ? String(text.dropLast(3)) : text.hasSuffix("0") ? String(text.dropLast()) : text
    }

    private static func words(_ kind: Outage.Kind) -> String {
        switch kind {
        case .unavailable: "answers 503"
        case .resets: "breaks connections"
        case .gone: "refuses connections"
        }
    }
}
