import Retry

/// All that a demo found, in the form in which it is printed and drawn. Times are microseconds.
struct DemoFindings: Sendable {
    /// The faults and the traffic.
    let plan: FaultPlan
    /// When it ended, UNIX microseconds.
    let createdUs: Int64
    /// The whole time it took.
    let tookUs: Int64
    /// In the plan's order.
    let routes: [RouteFindings]

    /// All routes with Envoy's default rules.
    var before: RunMeasure { RunMeasure(sum: routes.map(\.before)) }
    /// All routes with the tuned rules.
    var after: RunMeasure { RunMeasure(sum: routes.map(\.after)) }
    /// Measured cost after, as a share of the cost before.
    var costRatio: Double { before.costUs > 0 ? after.costUs / before.costUs : 1 }
    /// Attempts a request after, as a share of those before.
    var attemptsRatio: Double { before.attempts > 0 ? after.attemptsPerRequest / before.attemptsPerRequest : 1 }

    /// Whether any route has another rule in the second run.
    var isChanged: Bool { routes.contains(where: \.isChanged) }
    /// The percentile worth showing first: the highest of these that one of the runs reached.
    var shownPercentile: Double {
        [0.99, 0.9].first { before.percentileUs($0) != nil || after.percentileUs($0) != nil } ?? 0.5
    }

    /// What all routes together were foretold to cost.
    var predicted: Price {
        let requests = Double(max(1, after.requests))
        return Price(sum: routes.map { ($0.predicted, Double($0.after.requests) / requests) })
    }

    /// Why the numbers should not be trusted, if they should not; `nil` on a machine that kept up.
    var warning: String? {
        let late = before.late + after.late
        let share = Double(late) / Double(max(1, before.requests + after.requests))
        guard share > 0.01 else { return nil }
        return "This machine was too busy: \(DemoText.percent(share, 0)) of the requests were sent more than "
            + "\(DemoText.time(Double(RunMeasure.patienceUs))) late. Run it again when less else "
            + "is running."
    }

    /// What the demo promises and this run did not keep; empty when all is kept.
    var brokenPromises: [String] {
        var broken: [String] = []
        if costRatio > 0.5 { broken.append("cost is \(DemoText.ratio(costRatio)) of Envoy's default, promised 0.50") }
        if attemptsRatio > 1.2 {
            broken.append("attempts are \(DemoText.ratio(attemptsRatio)) of Envoy's, promised 1.20")
        }
        if predicted.verdict(of: after) == .outside { broken.append("the cost lies outside the predicted interval") }
        for route in routes where route.verdict == .outside {
            broken.append("\(route.name): its cost lies outside the predicted interval")
        }
        return broken
    }
}

/// What the demo found of one route.
struct RouteFindings: Sendable {
    /// Whether what came is what was foretold.
    enum Verdict: String, Sendable {
        case inside
        case outside
    }

    /// Its name.
    let name: String
    /// The cost's parts.
    let objective: Objective
    /// The clients' side with Envoy's default.
    let before: RunMeasure
    /// The clients' side with the tuned rule.
    let after: RunMeasure
    /// Envoy's default, priced on the first run's log.
    let presentPriced: Candidate
    /// The rule in force in the second run, priced on the first run's log.
    let chosenPriced: Candidate
    /// Why it was chosen, in one sentence or some.
    let reason: String
    /// Every rule that was priced.
    let candidates: [Candidate]
    /// Time from a failed attempt until the route (`other`: on another host) would answer again.
    let recovery: [RecoveryPicture]
    /// The attempts of both runs.
    let attemptsBefore: [AttemptMark]
    let attemptsAfter: [AttemptMark]

    var presentRule: Rule { presentPriced.rule }
    var chosenRule: Rule { chosenPriced.rule }
    /// Whether the second run had another rule than the first.
    var isChanged: Bool { presentRule != chosenRule }
    /// What the chosen rule was foretold to cost.
    var predicted: Price { chosenPriced.price }

    /// Whether the measured cost lies in the foretold interval.
    var verdict: Verdict { predicted.verdict(of: after) }
}

/// A foretold mean cost of a request with its 95 % interval.
struct Price: Equatable, Sendable {
    let costUs: Double
    let interval: ClosedRange<Double>

    init(costUs: Double, interval: ClosedRange<Double>) {
        self.costUs = costUs
        self.interval = interval
    }

    /// The price of several routes together, each with its share of the requests. Their faults are independent, so the
    /// distances to the ends of their intervals add up in quadrature.
    init(sum parts: [(price: Price, share: Double)]) {
        costUs = parts.reduce(0) { $0 + $1.price.costUs * $1.share }
        func distance(_ end: (Price) -> Double) -> Double {
            parts.reduce(0) {
                let part = (end($1.price) - $1.price.costUs) * $1.share
                return $0 + part * part
            }.squareRoot()
        }
        let (below, above) = (
            distance { min($0.costUs, $0.interval.lowerBound) },
            distance {
                max($0.costUs, $0.interval.upperBound)
            }
        )
        interval = costUs - below...costUs + above
    }

    /// Whether what came is what was foretold.
    func verdict(of measure: RunMeasure) -> RouteFindings.Verdict {
        interval.contains(measure.costUs) ? .inside : .outside
    }
}

/// A priced rule.
struct Candidate: Equatable, Sendable {
    let rule: Rule
    let price: Price
    /// Mean extra attempts a request.
    let extraAttempts: Double
}

/// A published recovery curve: share of failures that are not over yet, by time since the failed attempt's end.
struct RecoveryPicture: Equatable, Sendable {
    struct Point: Equatable, Sendable {
        let timeUs: Int64
        let share: Double
        let low: Double
        let high: Double
    }

    /// Which one: `same host`, `another host`.
    let label: String
    let points: [Point]
}

/// One attempt on the timeline.
struct AttemptMark: Equatable, Sendable {
    /// When it was sent, after the run's start.
    let offsetUs: Int64
    let durationUs: Int64
    /// Index of its host.
    let host: Int
    /// 1 is the first.
    let attempt: Int
    let outcome: Outcome
}
