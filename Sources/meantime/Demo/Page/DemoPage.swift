import Retry

/// One self-contained HTML page of what a demo found: no scripts, no network, light and dark.
struct DemoPage {
    let input: DemoFindings
    /// Where the demo wrote, as its user named it.
    var directory = "demo-out"

    func html() -> String {
        let routes = input.routes.compactMap { route in
            input.plan.route(named: route.name).map { section(route, $0) }
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>Meantime demo, seed \(input.plan.seed)</title><style>
            \(PageStyle.css)
            </style></head><body><main>
            \(headline())
            \(table())
            \(routes.joined(separator: "\n"))
            \(reproduce())
            </main></body></html>

            """
    }

    private func headline() -> String {
        let (before, after) = (input.before, input.after)
        let seconds = DemoText.fixed(Double(input.plan.durationUs) / 1e6, 0)
        let change = DemoText.fixed((1 - input.costRatio) * 100, 0)
        let title =
            !input.isChanged
            ? DemoText.nothingChanged
            : input.costRatio < 1
                ? "The same faults cost \(change) % less under the tuned rules"
                : "The tuned rules did not cost less on these faults"
        let created = Timestamp.format(input.createdUs / 1_000_000 * 1_000_000)
        let share = input.shownPercentile
        let tiles = [
            tile("cost of a request", DemoText.time(before.costUs), DemoText.time(after.costUs)),
            tile("good answers", DemoText.percent(before.success), DemoText.percent(after.success)),
            tile(
                "p\(DemoText.fixed(share * 100, 0)) until a good answer", DemoText.time(before.percentileUs(share)),
                DemoText.time(after.percentileUs(share))),
            tile(
                "attempts per request", DemoText.fixed(before.attemptsPerRequest, 3),
                DemoText.fixed(after.attemptsPerRequest, 3)),
        ]
        return """
            <p class="soft">Meantime demo · seed \(input.plan.seed) · \(created)</p>
            <h1>\(title)</h1>
            <p>Three small services failed in the ways services fail, twice for \(seconds) seconds, with the same faults
            and the same \(before.requests) requests. The first time the proxy ran Envoy's default rule.
            Then <code>meantime tune</code> read what the proxy had logged\(whatTuneDid())
            All numbers are measured at the clients unless they are called predicted.</p>
            \(input.warning.map { "<p class=\"warning\">\(SVG.escaped($0))</p>" } ?? "")
            \(input.isChanged ? "<div class=\"tiles\">\(tiles.joined())</div>" : reasons())
            """
    }

    private func whatTuneDid() -> String {
        input.isChanged
            ? ", wrote new rules, and the running proxy took them."
            : " and left every rule as it was, so that the two runs differ by chance alone. Run it longer."
    }

    /// Why no rule changed, route by route.
    private func reasons() -> String {
        let items = input.routes.map { route in
            "<li><b>\(SVG.escaped(route.name))</b>: \(SVG.escaped(route.reason)).</li>"
        }
        return "<ul>\(items.joined())</ul>"
    }

    private func tile(_ name: String, _ was: String, _ now: String) -> String {
        "<div class=\"tile\"><span class=\"soft\">\(name)</span><b><span class=\"was\">\(was)</span> → "
            + "<span class=\"now\">\(now)</span></b></div>"
    }

    private func table() -> String {
        var rows = ""
        for route in input.routes {
            rows += row(route.name, "Envoy's default", route.before, "", "")
            rows += row(
                "", DemoText.second(route.isChanged), route.after, DemoText.price(route.predicted),
                route.verdict.rawValue)
        }
        rows += row("all", "Envoy's default", input.before, "", "", style: "all")
        let verdict = input.predicted.verdict(of: input.after)
        rows += row(
            "", DemoText.second(input.isChanged), input.after, DemoText.price(input.predicted), verdict.rawValue,
            style: "all")
        let heads = [
            "route", "rule", "good answers", "p50", "p99", "p99.9", "attempts", "cost", "predicted cost, 95 %",
            "measured is",
        ]
        return """
            <p class="hint soft">The table is wider than this screen: scroll it sideways.</p>
            <div class="scroll results"><table><thead><tr>\(heads.map { "<th>\($0)</th>" }.joined())</tr></thead><tbody>
            \(rows)</tbody></table></div>
            <p class="soft">Percentiles are of the time until a good answer, over all requests: <i>never</i> means
            that fewer
            requests than that ever got one. Attempts are per request. Cost is what each
            route's objective says: latency up to the deadline, plus
            \(DemoText.time(Double(input.routes.first?.objective.failureCostUs ?? 0))) for a failed request, plus
            \(DemoText.time(Double(input.routes.first?.objective.attemptCostUs ?? 0))) for every extra attempt.</p>
            """
    }

    private func row(
        _ route: String, _ rule: String, _ measure: RunMeasure, _ predicted: String, _ verdict: String,
        style: String = ""
    ) -> String {
        let cells = [
            SVG.escaped(route), rule, DemoText.percent(measure.success), DemoText.time(measure.percentileUs(0.5)),
            DemoText.time(measure.percentileUs(0.99)), DemoText.time(measure.percentileUs(0.999)),
            DemoText.fixed(measure.attemptsPerRequest, 3), DemoText.time(measure.costUs), predicted, verdict,
        ]
        return "<tr class=\"\(style)\">\(cells.map { "<td>\($0)</td>" }.joined())</tr>\n"
    }

    private func section(_ route: RouteFindings, _ faults: RouteFaults) -> String {
        let plots = RoutePlots(route: route, faults: faults, durationUs: input.plan.durationUs)
        let timelines = plots.timelines()
        let measured =
            "measured \(DemoText.time(route.after.costUs)), \(route.verdict.rawValue) the predicted "
            + DemoText.price(route.predicted)
        return """
            <section id="\(SVG.escaped(route.name))"><h2>\(SVG.escaped(route.name))</h2>
            <p>\(SVG.escaped(faults.trouble.story)) \(faults.hosts.count) hosts,
            \(DemoText.fixed(faults.trouble.rate, 0)) requests a second.</p>
            <div class="pair">
            <div class="rule"><h3>Envoy's default</h3><p>\(SVG.escaped(DemoText.words(route.presentRule)))</p>
            <p class="soft">Cost of a request: \(DemoText.time(route.before.costUs)) measured.</p></div>
            <div class="rule"><h3>\(route.isChanged ? "In force afterwards" : "Unchanged")</h3>
            <p>\(SVG.escaped(DemoText.words(route.chosenRule)))</p>
            <p class="soft">Cost of a request: \(measured).</p>
            <p class="soft">Why: \(SVG.escaped(route.reason)).</p></div></div>
            <div class="pair">
            \(figure("When answers came", plots.latency(), PageKey.beforeAfter,
                "Each curve falls as requests are answered; where it ends flat, the rest failed."))
            \(figure("How long failures last", plots.recovery(), PageKey.recovery(route.recovery.map(\.label)),
                "Read from every attempt after a failure, whoever made it. Band: 95 %, bootstrap over outages."))
            </div>
            \(figure("The whole run", timelines.whole, PageKey.timeline, "Shaded: the host was down.", style: "wide"))
            \(figure("Its longest outage, close up", timelines.closeUp, PageKey.timeline,
                "The same outage met by both rules.", style: "wide"))
            <div class="pair">
            \(figure("Every rule that was priced", plots.candidates(), PageKey.candidates,
                "Prices come from the first run's log alone; bars are 95 % intervals. Left is less load."))
            \(figure("The cheapest rule for each number of retries", plots.cheapest(), "",
                "On the outages of this log. The chosen rule is the cheapest where outages may last longer as well; of "
                    + "those that cost hardly more, the one with the fewest retries."))
            </div>
            </section>
            """
    }

    private func figure(_ title: String, _ svg: String, _ key: String, _ caption: String, style: String = "") -> String
    {
        "<figure class=\"\(style)\"><h3>\(title)</h3><figcaption>\(key)</figcaption>"
            + "<div class=\"scroll\">\(svg)</div><figcaption>\(caption)</figcaption></figure>"
    }

    private func reproduce() -> String {
        let seconds = DemoText.fixed(Double(input.plan.durationUs) / 1e6, 0)
        let (out, file) = (Self.shellWord(directory), Self.shellWord("\(directory)/meantime.yaml"))
        return """
            <section><h2>Do it again</h2>
            <p>Faults and requests follow from the seed alone; times differ by what your machine adds. The demo took
            \(DemoText.fixed(Double(input.tookUs) / 1e6, 0)) s. Its store, rules and configuration lie
            beside this page. From the directory in which the demo was started:</p>
            <pre>meantime demo --seed \(input.plan.seed) --seconds \(seconds) --out \(out)
            meantime report recovery --config \(file)
            meantime tune --config \(file) --dry-run
            meantime rules show --config \(file)</pre></section>
            """
    }

    /// A path as a shell takes it, on a page.
    static func shellWord(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            UnicodeScalar(byte).properties.isAlphabetic && byte < 128 || (45...57).contains(byte) || byte == 95
        }
        let quoted = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        return SVG.escaped(isPlain ? path : "'\(quoted)'")
    }
}
