import Glibc
import Retry

/// The pictures of one route.
struct RoutePlots {
    let route: RouteFindings
    let faults: RouteFaults
    let durationUs: Int64

    /// Share of requests without a good answer yet, by time: the whole of latency and failure in one curve.
    func latency() -> String {
        let deadlineUs = Double(route.objective.deadlineUs)
        let floor = 0.5 / Double(max(2, max(route.before.requests, route.after.requests)))
        var plot = Plot(
            summary: "Share of requests to \(route.name) without a good answer after a time, before and after",
            x: Scale(.logarithmic, 1e3...max(2e3, deadlineUs)), xTitle: "time since the request was due",
            xLabel: Self.tick, y: Scale(.logarithmic, floor...1), yTitle: "requests still unanswered",
            yLabel: { DemoText.percent($0, $0 >= 0.00995 ? 0 : $0 >= 0.000995 ? 1 : 2) })
        let times = (0...280).map { 1e3 * Self.power(deadlineUs / 1e3, Double($0) / 280) }
        for (measure, style, name) in [(route.before, "before", "Envoy's default"), (route.after, "after", "tuned")] {
            let points = times.map { ($0, max(floor, measure.unanswered(atUs: Int64($0)))) }
            let words = "\(name): \(DemoText.percent(1 - measure.success)) never got a good answer"
            plot.add(line: points, style: style, steps: true, title: words)
        }
        return plot.svg()
    }

    /// How long failures last: same host and another host, each with its band.
    func recovery() -> String {
        let all = route.recovery.flatMap(\.points)
        let longest = Double(all.map(\.timeUs).max() ?? 1_000_000)
        var plot = Plot(
            summary: "Share of failures of \(route.name) that are not over after a wait, with 95 % band",
            x: Scale(.logarithmic, 1e3...max(1e5, longest)), xTitle: "wait after a failed attempt", xLabel: Self.tick,
            y: Scale(.linear, 0...1), yTitle: "failures not over yet", yLabel: { DemoText.percent($0, 0) })
        for (index, curve) in route.recovery.enumerated() {
            let style = index == 0 ? "first" : "second"
            let points = curve.points.filter { $0.timeUs >= 1000 }
            plot.add(
                band: points.map { (Double($0.timeUs), $0.low, $0.high) }, style: style,
                title: "\(curve.label): 95 % band, bootstrap over outages")
            plot.add(
                line: points.map { (Double($0.timeUs), $0.share) }, style: style, steps: true, title: curve.label)
        }
        return plot.svg()
    }

    /// Every rule that was priced: what it costs and what load it adds.
    func candidates() -> String {
        let prices = route.candidates.map(\.price) + [route.predicted]
        let costs = prices.flatMap { [$0.costUs, $0.interval.lowerBound, $0.interval.upperBound] }.filter { $0 > 0 }
        let low = (costs.min() ?? 1) / 1.15
        let high = (costs.max() ?? 10) * 1.15
        let most = route.candidates.map(\.extraAttempts).max() ?? 0
        var plot = Plot(
            summary: "Cost and extra attempts of every rule priced for \(route.name)",
            x: Scale(.linear, 0...max(0.01, most * 1.05)), xTitle: "extra attempts per request (mean)",
            xLabel: { DemoText.fixed($0, 2) }, y: Scale(.logarithmic, low...high), yTitle: "cost of a request",
            yLabel: Self.tick)
        if route.objective.maxExtraAttempts < max(0.01, most * 1.05) {
            plot.add(markerAt: route.objective.maxExtraAttempts, words: "cap", style: "cap")
        }
        for one in route.candidates { add(one, to: &plot, .dot, "candidate", "") }
        add(route.presentPriced, to: &plot, .square, "before", "Envoy's default. ")
        add(route.chosenPriced, to: &plot, .diamond, "after", "Chosen. ")
        return plot.svg()
    }

    /// The cheapest rule of each number of retries, in words, with its price.
    func cheapest() -> String {
        let all = route.candidates + [route.chosenPriced]
        let counts = Set(all.map { $0.rule.retry?.maxRetries ?? 0 }).sorted()
        let rows = counts.compactMap { count -> String? in
            let ofCount = all.filter { ($0.rule.retry?.maxRetries ?? 0) == count }
            guard let best = ofCount.min(by: { $0.price.costUs < $1.price.costUs }) else { return nil }
            let isChosen = best.rule == route.chosenRule
            let cells = [
                "\(count)\(isChosen ? " (chosen)" : "")", SVG.escaped(DemoText.waits(best.rule)),
                DemoText.price(best.price), DemoText.fixed(best.extraAttempts, 3),
            ]
            return "<tr class=\"\(isChosen ? "all" : "")\">\(cells.map { "<td>\($0)</td>" }.joined())</tr>"
        }
        let heads = ["retries", "waits", "predicted cost, 95 %", "extra attempts"].map { "<th>\($0)</th>" }.joined()
        return "<table class=\"words\"><thead><tr>\(heads)</tr></thead><tbody>\(rows.joined())</tbody></table>"
    }

    private func add(_ one: Candidate, to plot: inout Plot, _ shape: Shape, _ style: String, _ prefix: String) {
        plot.add(
            point: (one.extraAttempts, one.price.costUs), interval: one.price.interval, shape: shape, style: style,
            title: "\(prefix)\(DemoText.words(one.rule)) Cost \(DemoText.price(one.price)), "
                + "\(DemoText.fixed(one.extraAttempts, 3)) extra attempts")
    }

    /// The whole run, then the worst moment of it.
    func timelines() -> (whole: String, closeUp: String) {
        let strips = [("Before", route.attemptsBefore), ("After", route.attemptsAfter)]
        let whole = Timeline(strips: strips, route: faults, windowUs: 0...durationUs, rowHeight: 16, isDetailed: false)
        let window = Timeline.closeUp(of: faults, durationUs: durationUs)
        let closeUp = Timeline(strips: strips, route: faults, windowUs: window, rowHeight: 30, isDetailed: true)
        return (whole.svg(), closeUp.svg())
    }

    private static func tick(_ us: Double) -> String {
        us >= 999_999 ? shortest(us / 1e6) + " s" : us >= 999 ? shortest(us / 1e3) + " ms" : shortest(us) + " us"
    }

    private static func shortest(_ value: Double) -> String {
        value == value.rounded() || abs(value) >= 20 ? DemoText.fixed(value, 0) : DemoText.fixed(value, 1)
    }

    private static func power(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }
}
