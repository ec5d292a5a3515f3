import Glibc
import Retry
import Testing

@testable import meantime

/// A page of a rehearsed demo whose tuned rule was written by hand.
@Suite struct DemoPageTests {
    static let findings: DemoFindings = {
        let plan = FaultPlan(seed: 1, durationUs: 36_000_000)
        let objectives = plan.routes.map { _ in Objective() }
        let tuned = Rule(
            timeoutUs: 2_000_000,
            retry: RetryPolicy(
                maxRetries: 3, on: [.outcome(.connectFailure), .outcome(.reset), .outcome(.errorStatus)],
                backoff: .waits([0, 150_000, 500_000], jitter: 0.1)),
            budget: BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000))
        let before = DemoRehearsal.play(
            plan, rules: plan.routes.map { _ in DefaultRules.envoy }, objectives: objectives, epochUs: 0, version: 1)
        let after = DemoRehearsal.play(
            plan, rules: plan.routes.map { _ in tuned }, objectives: objectives, epochUs: 0, version: 2)
        let routes = plan.routes.enumerated().map { index, faults in
            let name = faults.trouble.name
            func measure(_ run: (records: [RequestRecord], attempts: [Attempt])) -> RunMeasure {
                RunMeasure(
                    records: run.records.filter { $0.route == index },
                    attempts: run.attempts.count { $0.route == name },
                    objective: objectives[index])
            }
            func marks(_ run: (records: [RequestRecord], attempts: [Attempt])) -> [AttemptMark] {
                run.attempts.filter { $0.route == name }.map {
                    AttemptMark(
                        offsetUs: $0.startUs, durationUs: $0.durationUs, host: Int($0.host.suffix(1)) ?? 0,
                        attempt: $0.attempt, outcome: $0.outcome)
                }
            }
            let priced = (0..<60).map { index in
                let extra = 0.02 + Double(index % 20) * 0.006
                let cost = 60_000 + 500_000 * exp(-extra * 30) + Double(index / 20) * 40_000
                return Candidate(
                    rule: tuned, price: Price(costUs: cost, interval: cost * 0.7...cost * 1.4), extraAttempts: extra)
            }
            return RouteFindings(
                name: name, objective: objectives[index], before: measure(before), after: measure(after),
                presentPriced: Candidate(
                    rule: DefaultRules.envoy,
                    price: Price(
                        costUs: measure(before).costUs,
                        interval: measure(before).costUs * 0.6...measure(before).costUs * 1.5),
                    extraAttempts: 0.04),
                chosenPriced: Candidate(
                    rule: tuned,
                    price: Price(
                        costUs: measure(after).costUs,
                        interval: measure(after).costUs * 0.6...measure(after).costUs * 1.5),
                    extraAttempts: 0.07),
                reason: "changed: costs 80 % less, confirmed on outages it was not chosen on", candidates: priced,
                recovery: ["the same host", "another host"].enumerated().map { order, label in
                    RecoveryPicture(
                        label: label,
                        points: (0..<40).map { step in
                            let timeUs = 1000 * pow(1.2, Double(step))
                            let share = exp(-timeUs / (order == 0 ? 250_000 : 60_000))
                            return RecoveryPicture.Point(
                                timeUs: Int64(timeUs), share: share, low: share * 0.8, high: min(1, share * 1.2 + 0.02))
                        })
                }, attemptsBefore: marks(before), attemptsAfter: marks(after))
        }
        return DemoFindings(plan: plan, createdUs: 1_790_000_000_000_000, tookUs: 84_000_000, routes: routes)
    }()

    static let html = DemoPage(input: findings).html()

    @Test("the page holds every picture for every route, each with something drawn in it")
    func everyPictureIsThere() throws {
        let titles = [
            "When answers came", "How long failures last", "The whole run", "Its longest outage, close up",
            "Every rule that was priced",
        ]
        for title in titles {
            let pictures = Self.html.split(separator: "<figure").filter { $0.contains("<h3>\(title)</h3>") }
            #expect(pictures.count == Self.findings.routes.count, "\(title)")
            for picture in pictures {
                let drawing = try #require(picture.split(separator: "class=\"scroll\">").last)
                #expect(drawing.hasPrefix("<svg"))
                #expect(drawing.contains("<path d=\"M"), "nothing drawn under '\(title)'")
                #expect(drawing.contains("class=\"axis\""), "no axis title under '\(title)'")
            }
        }
        for route in Self.findings.routes { #expect(Self.html.contains("<section id=\"\(route.name)\">")) }
    }

    @Test("the page needs no network and runs no script")
    func pageIsSelfContained() {
        for word in ["http://", "https://", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"] {
            #expect(!Self.html.contains(word), "the page holds \(word)")
        }
    }

    @Test("every element that is opened is closed, in order")
    func pageIsWellFormed() {
        var open: [Substring] = []
        for piece in Self.html.split(separator: "<").dropFirst(Self.html.hasPrefix("<") ? 0 : 1) {
            let name = piece.prefix { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "!" }
            let tag = piece.prefix { $0 != ">" }
            if name.hasPrefix("!") || name == "meta" || tag.hasSuffix("/") { continue }
            if name.hasPrefix("/") {
                #expect(open.popLast() == name.dropFirst())
            } else {
                open.append(name)
            }
        }
        #expect(open.isEmpty)
    }

    @Test("no coordinate is missing or infinite")
    func coordinatesAreNumbers() {
        // What is not finite is written as a dash.
        #expect(!Self.html.contains("–"))
    }

    @Test("a plot without a single value still has its axes")
    func emptyPlots() {
        let plan = FaultPlan(seed: 1, durationUs: 0)
        let nothing = RunMeasure(records: [], attempts: 0, objective: Objective())
        let unpriced = Candidate(
            rule: Rule(), price: Price(costUs: 0, interval: 0...0), extraAttempts: 0)
        let route = RouteFindings(
            name: plan.routes[0].trouble.name, objective: Objective(), before: nothing, after: nothing,
            presentPriced: unpriced, chosenPriced: unpriced, reason: "kept", candidates: [], recovery: [],
            attemptsBefore: [], attemptsAfter: [])
        let plots = RoutePlots(route: route, faults: plan.routes[0], durationUs: 1_000_000)
        for svg in [plots.latency(), plots.recovery(), plots.candidates(), plots.timelines().whole] {
            #expect(svg.contains("class=\"axis\"") && !svg.contains("–"))
        }
    }

    @Test("a demo that changed nothing claims nothing")
    func nothingChanged() {
        let routes = Self.findings.routes.map { route in
            RouteFindings(
                name: route.name, objective: route.objective, before: route.before, after: route.after,
                presentPriced: route.presentPriced, chosenPriced: route.presentPriced,
                reason: "kept: 2 outages of 8", candidates: [], recovery: route.recovery, attemptsBefore: [],
                attemptsAfter: [])
        }
        let findings = DemoFindings(plan: Self.findings.plan, createdUs: 0, tookUs: 1, routes: routes)
        let page = DemoPage(input: findings, directory: "my out").html()
        for text in [page, DemoTable.text(findings, style: .none)] {
            #expect(text.contains("Nothing was changed: too little evidence"))
            #expect(text.contains("kept: 2 outages of 8") && text.contains("unchanged"))
            #expect(!text.contains("tuned rules") && !text.contains("% less") && !text.contains("Cost 0."))
        }
        #expect(!page.contains("class=\"tiles\"") && page.contains("--config 'my out/meantime.yaml'"))
    }

    @Test("a percentile that neither run reached gives way to one that was")
    func reachedPercentile() {
        func measure(_ failed: Int) -> RunMeasure {
            let records = (0..<100).map {
                RequestRecord(route: 0, offsetUs: 0, latencyUs: 1000, status: $0 < failed ? 503 : 200, lateUs: 0)
            }
            return RunMeasure(records: records, attempts: 100, objective: Objective())
        }
        for (failed, shown) in [(0, 0.99), (5, 0.9), (40, 0.5)] {
            let route = Self.findings.routes[0]
            let one = RouteFindings(
                name: route.name, objective: route.objective, before: measure(failed), after: measure(failed),
                presentPriced: route.presentPriced, chosenPriced: route.chosenPriced, reason: "", candidates: [],
                recovery: [], attemptsBefore: [], attemptsAfter: [])
            let findings = DemoFindings(plan: Self.findings.plan, createdUs: 0, tookUs: 1, routes: [one])
            #expect(findings.shownPercentile == shown)
        }
    }

    @Test("words that look like markup stay words")
    func textIsEscaped() {
        #expect(SVG.escaped("a<b & \"c\">") == "a&lt;b &amp; &quot;c&quot;&gt;")
        #expect(SVG.element("g", [("class", "x\"y")], "") == "<g class=\"x&quot;y\"></g>")
    }
}

@Suite struct DemoScaleTests {
    @Test("values land where their axis puts them, and outside ones on its edge")
    func positions() {
        var linear = Scale(.linear, 0...10)
        (linear.from, linear.to) = (100, 200)
        #expect(linear.position(0) == 100 && linear.position(5) == 150 && linear.position(99) == 200)
        var logarithmic = Scale(.logarithmic, 1...100)
        (logarithmic.from, logarithmic.to) = (0, 10)
        #expect(logarithmic.position(10) == 5 && logarithmic.position(0) == 0)
    }

    @Test("ticks are round and inside the axis")
    func ticks() {
        #expect(Scale(.linear, 0...10).ticks(about: 5) == [0, 2, 4, 6, 8, 10])
        #expect(
            Scale(.linear, 0...0.2).ticks(about: 4).map { DemoText.fixed($0, 2) } == [
                "0.00", "0.05", "0.10", "0.15", "0.20",
            ])
        #expect(
            Scale(.logarithmic, 1e3...1e6).ticks().map { DemoText.fixed($0, 0) } == [
                "1000", "10000", "100000", "1000000",
            ])
        // 30 ... 600 is 1.3 decades: ones, twos and fives.
        #expect(Scale(.logarithmic, 30...600).ticks().map { DemoText.fixed($0, 0) } == ["50", "100", "200", "500"])
    }
}
