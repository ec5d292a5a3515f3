/// The laws that a route's faults are drawn from. Times are microseconds.
///
/// Three kinds of trouble that services have: a dependency that is away for moments (all hosts of the route fail
/// together, mostly for less than a fifth of a second, now and then for more than one), hosts that are restarted one
/// by one, and a host that is sometimes slow. How often they come is turned up so that half a minute shows what a
/// service shows in days; how long they last is not.
struct RouteTrouble: Equatable, Sendable {
    /// The route's name and the first segment of its path.
    let name: String
    /// What goes wrong, in words.
    let story: String
    /// The method its clients use.
    let method: String
    /// How many hosts it has.
    let hosts: Int
    /// Requests a second.
    let rate: Double
    /// Median time of an ordinary answer.
    let latencyMedianUs: Double
    /// Spread of its logarithm.
    let latencySigma: Double
    /// Share of requests that fail on a host that is up.
    let blipShare: Double
    /// Outages of all hosts together.
    let shared: OutageLaw?
    /// Outages of single hosts, one after another.
    let own: OutageLaw?
    /// The host that stalls.
    let straggler: StallLaw?

    static let all = [checkout, search, catalog]

    static let checkout = RouteTrouble(
        name: "checkout",
        story:
            "Its database fails over: all hosts answer 503 together, mostly for 60 to 200 ms, sometimes for a second.",
        method: "POST", hosts: 2, rate: 90, latencyMedianUs: 12_000, latencySigma: 0.4, blipShare: 0.006,
        shared: OutageLaw(
            kind: .unavailable, meanUpUs: 1_500_000, tailIndex: 1.3, shortestUs: 60_000, longestUs: 1_200_000),
        own: nil, straggler: nil)

    static let search = RouteTrouble(
        name: "search",
        story:
            "One of two hosts stalls for a twentieth of the time; both break connections for moments when they reload.",
        method: "GET", hosts: 2, rate: 60, latencyMedianUs: 18_000, latencySigma: 0.5, blipShare: 0.008,
        shared: nil,
        own: OutageLaw(kind: .resets, meanUpUs: 1_200_000, tailIndex: 1.4, shortestUs: 50_000, longestUs: 700_000),
        straggler: StallLaw(
            host: 1,
            law: IntervalLaw(meanUpUs: 2_000_000, tailIndex: 1.2, shortestUs: 50_000, longestUs: 400_000),
            leastAddedUs: 300_000, mostAddedUs: 900_000))

    static let catalog = RouteTrouble(
        name: "catalog",
        story: "Its three hosts are restarted one by one: each refuses connections, for up to 2.5 s.",
        method: "GET", hosts: 3, rate: 80, latencyMedianUs: 10_000, latencySigma: 0.4, blipShare: 0.005,
        shared: nil,
        own: OutageLaw(kind: .gone, meanUpUs: 1_600_000, tailIndex: 1.1, shortestUs: 200_000, longestUs: 2_500_000),
        straggler: nil)
}

/// How often something comes and how long it lasts.
struct IntervalLaw: Equatable, Sendable {
    /// Mean of the exponential time between two.
    let meanUpUs: Double
    /// Pareto tail index of their length: the smaller, the heavier the tail.
    let tailIndex: Double
    let shortestUs: Double
    let longestUs: Double
}

/// How outages show, how often they come and how long they last.
struct OutageLaw: Equatable, Sendable {
    let kind: Outage.Kind
    let law: IntervalLaw

    init(kind: Outage.Kind, meanUpUs: Double, tailIndex: Double, shortestUs: Double, longestUs: Double) {
        self.kind = kind
        law = IntervalLaw(meanUpUs: meanUpUs, tailIndex: tailIndex, shortestUs: shortestUs, longestUs: longestUs)
    }
}

/// A host that stalls: for a moment now and then, every request that reaches it is answered late.
///
/// Stalls are bound to the time and not to requests, so that both runs of a demo meet the same ones whichever host the
/// proxy gives a request to.
struct StallLaw: Equatable, Sendable {
    let host: Int
    /// When and how long.
    let law: IntervalLaw
    /// What is added to the ordinary time during a stall, uniform between the two for each stall.
    let leastAddedUs: Double
    let mostAddedUs: Double
}
