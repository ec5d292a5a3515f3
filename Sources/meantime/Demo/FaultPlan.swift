import Retry

/// What goes wrong in a demo run, in full, before it begins: a pure function of the seed.
///
/// Everything is given as an offset from the run's start in microseconds, so that two runs that start at different
/// times meet the same faults. Outages are intervals; what happens to one request on one host is a function of (seed,
/// route, host, request, visit), whatever else the host has served.
struct FaultPlan: Equatable, Sendable {
    /// The seed that everything follows from.
    let seed: UInt64
    /// How long a run lasts.
    let durationUs: Int64
    /// The demo's routes with their hosts.
    let routes: [RouteFaults]

    /// The plan of a seed for a run of this length.
    init(seed: UInt64, durationUs: Int64, troubles: [RouteTrouble] = RouteTrouble.all) {
        self.seed = seed
        self.durationUs = durationUs
        routes = troubles.map { RouteFaults(trouble: $0, seed: seed, durationUs: durationUs) }
    }

    /// The faults of a route, if the demo has it.
    func route(named name: String) -> RouteFaults? { routes.first { $0.trouble.name == name } }
}

/// The faults of one route.
struct RouteFaults: Equatable, Sendable {
    /// The laws they were drawn from.
    let trouble: RouteTrouble
    /// The outages that hit all hosts at once, in order.
    let shared: [Outage]
    /// One for each host.
    let hosts: [HostFaults]

    init(trouble: RouteTrouble, seed: UInt64, durationUs: Int64) {
        self.trouble = trouble
        func intervals(_ law: IntervalLaw, _ name: String) -> [Range<Int64>] {
            Self.intervals(law, seed: seed, name: "\(name) of \(trouble.name)", durationUs: durationUs)
        }
        func outages(_ law: OutageLaw?, _ name: String) -> [Outage] {
            law.map { law in intervals(law.law, name).map { Outage(during: $0, kind: law.kind) } } ?? []
        }
        let drawn = outages(trouble.shared, "shared outages")
        shared = drawn
        // Hosts that fail alone do so one after another, as in a rolling restart: which one is drawn each time.
        var dice = SplitMix64(seed: seed, "hosts of \(trouble.name)")
        let own = outages(trouble.own, "own outages").map { ($0, Int(dice.unit() * Double(trouble.hosts))) }
        let stalls = trouble.straggler.map { law in
            intervals(law.law, "stalls").map {
                Stall(
                    fromUs: $0.lowerBound, toUs: $0.upperBound,
                    addedUs: Int64(law.leastAddedUs + dice.unit() * (law.mostAddedUs - law.leastAddedUs)))
            }
        }
        hosts = (0..<trouble.hosts).map { host in
            let mine = own.filter { $0.1 == host }.map(\.0)
            return HostFaults(
                trouble: trouble, host: host, seed: seed, outages: Self.merged(drawn, mine),
                stalls: host == trouble.straggler?.host ? stalls ?? [] : [])
        }
    }

    /// Alternating renewal: an exponential time without, then a heavy-tailed time with. The first second and the last
    /// one and a half are left calm, so that connections are open and everything is seen to its end.
    private static func intervals(
        _ law: IntervalLaw, seed: UInt64, name: String, durationUs: Int64
    ) -> [Range<Int64>] {
        var dice = SplitMix64(seed: seed, name)
        var found: [Range<Int64>] = []
        var at = 1_000_000.0 + dice.exponential(mean: law.meanUpUs)
        while true {
            let down = dice.pareto(index: law.tailIndex, low: law.shortestUs, high: law.longestUs)
            guard Int64(at + down) <= durationUs - 1_500_000 else { return found }
            found.append(Int64(at)..<Int64(at + down))
            at += down + law.shortestUs + dice.exponential(mean: law.meanUpUs)
        }
    }

    /// In order of their start; where two would overlap, the route's own stands.
    private static func merged(_ shared: [Outage], _ own: [Outage]) -> [Outage] {
        let apart = own.filter { one in !shared.contains { $0.fromUs < one.toUs && one.fromUs < $0.toUs } }
        return (shared + apart).sorted { $0.fromUs < $1.fromUs }
    }
}

/// One interval in which a host cannot answer: `fromUs ..< toUs` after the run's start.
struct Outage: Equatable, Sendable {
    /// How it shows.
    enum Kind: String, Equatable, Sendable {
        /// The host answers 503 at once.
        case unavailable
        /// The host takes the request and breaks the connection.
        case resets
        /// The host is gone: open connections break, new ones are refused.
        case gone
    }

    let fromUs: Int64
    let toUs: Int64
    let kind: Kind

    init(during interval: Range<Int64>, kind: Kind) {
        fromUs = interval.lowerBound
        toUs = interval.upperBound
        self.kind = kind
    }

    var durationUs: Int64 { toUs - fromUs }
}

/// One interval in which a host answers late: `fromUs ..< toUs` after the run's start.
struct Stall: Equatable, Sendable {
    let fromUs: Int64
    let toUs: Int64
    /// By how much.
    let addedUs: Int64
}

/// What one host does, and when.
struct HostFaults: Equatable, Sendable {
    /// What becomes of one request.
    enum Answer: Equatable, Sendable {
        /// This status, `afterUs` later.
        case status(Int, afterUs: Int64)
        /// The connection breaks, `afterUs` later.
        case reset(afterUs: Int64)
    }

    let trouble: RouteTrouble
    let host: Int
    let seed: UInt64
    /// In order, without overlap.
    let outages: [Outage]
    /// In order, without overlap.
    let stalls: [Stall]

    /// The outage at an offset, if the host is down then.
    func outage(atUs offsetUs: Int64) -> Outage? {
        outages.first { $0.fromUs <= offsetUs && offsetUs < $0.toUs }
    }

    /// What becomes of a request that reaches the host at `offsetUs`. `visit` is 0 when this request comes to this
    /// host for the first time: a second try of the same request meets other luck, and the same luck in the second
    /// run.
    func answer(atUs offsetUs: Int64, request: UInt64, visit: Int) -> Answer {
        var dice = SplitMix64(seed: seed, "\(trouble.name)/\(host)", request, UInt64(visit))
        let serviceUs = dice.logNormal(median: trouble.latencyMedianUs, sigma: trouble.latencySigma)
        let isBlip = dice.unit() < trouble.blipShare
        switch outage(atUs: offsetUs)?.kind {
        case .unavailable: return .status(503, afterUs: Int64(serviceUs / 4))
        case .resets, .gone: return .reset(afterUs: Int64(serviceUs / 4))
        case nil: break
        }
        if isBlip { return .status(503, afterUs: Int64(serviceUs)) }
        let stall = stalls.first { $0.fromUs <= offsetUs && offsetUs < $0.toUs }
        return .status(200, afterUs: Int64(serviceUs) + (stall?.addedUs ?? 0))
    }
}
