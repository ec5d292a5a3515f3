import Glibc
public import Retry

/// A day of a busy mesh, made up: a workload for stores and scans that everybody can make again from its seed.
///
/// 1,000 routes with Zipf popularity, 4 hosts each; requests arrive as a Poisson process over 24 hours, to the
/// microsecond. Latencies are log-normal, medians and spreads differ by route. Failures are blips (0.5 %) and outages
/// of single hosts and whole routes with heavy-tailed lengths, 2 % of attempts in all. A failed request is retried up
/// to three times on another host, with full jitter; every try has a limit of one second.
///
/// Yields rows in order of their starts, then attempt numbers; memory does not grow with their number. Routes and
/// outages depend on the seed alone, the number of attempts only on how busy the mesh is.
public struct MeshDay: Sequence, IteratorProtocol, Sendable {
    /// When the day begins: 2026-09-21 00:00 UTC, UNIX microseconds.
    public static let beginUs: Int64 = 1_789_948_800_000_000
    /// 24 hours in microseconds.
    public static let dayUs: Int64 = 86_400_000_000
    /// What every attempt may take, microseconds.
    public static let perTryLimitUs: Int64 = 1_000_000
    /// How many attempts a mesh-day has unless asked otherwise.
    public static let usualAttempts = 20_000_000
    /// How many attempts to take at a time: a segment's worth.
    public static let batchCount = 1 << 17
    /// The names behind `MeshRow.method`.
    public static let methodNames = ["GET", "POST", "PUT"]

    private static let routes = 1000
    private static let hostsPerRoute = 4
    private static let targetFailures = 0.02
    /// The rule: full jitter below these waits, and no retry that would begin later than this after the request.
    private static let waitsUs: [Int64] = [25_000, 50_000, 100_000]
    private static let deadlineUs: Int64 = 10_000_000
    private static let newRulesUs: Int64 = beginUs + 2 * 3_600_000_000

    /// The names behind `MeshRow.route`, the most popular first.
    public let routeNames: [String]
    /// The names behind `MeshRow.host`.
    public let hostNames: [String]
    /// How many rows there will be.
    public let attempts: Int
    /// The share of attempts that the plan of outages lets expect to fail.
    public var expectedFailures: Double { plan.expectedFailures }
    /// What the rows so far told, in bits.
    public private(set) var entropy = MeshEntropy()

    private let plan: OutagePlan
    private let traffic: [MeshRoute]
    private let popularity: Popularity
    private let answers = MeshAnswers()
    private let gapUs: Double
    private let startBits: Double
    private let waitBits: [Double]
    private var dice: SplitMix64
    private var normal = NormalDraw()
    private var nextOutage: [Int32]
    private var retries = RetryHeap()
    private var clockUs = 0.0
    private var arrivalUs: Int64 = 0
    private var requests: UInt64 = 0
    private var emitted = 0

    /// A day of so many attempts.
    public init(attempts: Int = MeshDay.usualAttempts, seed: UInt64) {
        self.attempts = attempts
        let traffic = (0..<Self.routes).map { index in
            var dice = SplitMix64(seed: seed, "route", UInt64(index))
            return MeshRoute(using: &dice)
        }
        popularity = Popularity(routes: Self.routes)
        plan = OutagePlan(
            routes: traffic, hostsPerRoute: Self.hostsPerRoute, shares: popularity.shares,
            failures: Self.targetFailures, seed: seed)
        self.traffic = traffic
        routeNames = (0..<Self.routes).map { "service-\($0 + 1)" }
        hostNames = (0..<Self.routes * Self.hostsPerRoute).map { index in
            let (route, host) = index.quotientAndRemainder(dividingBy: Self.hostsPerRoute)
            return "10.\(route / 250).\(route % 250).\(host + 1):8080"
        }
        nextOutage = [Int32](repeating: 0, count: plan.units.count)
        gapUs = Double(Self.dayUs) * plan.attemptsPerRequest / Double(Swift.max(1, attempts))
        startBits = log2(gapUs) + log2(M_E)
        waitBits = Self.waitsUs.map { log2(Double($0 + 1)) }
        dice = SplitMix64(seed: seed, "traffic")
        advance()
    }

    /// The next attempt, `nil` after the last.
    public mutating func next() -> MeshRow? {
        guard emitted < attempts else { return nil }
        emitted += 1
        if let retry = retries.first, retry.startUs < arrivalUs {
            retries.removeFirst()
            return play(retry)
        }
        let first = arrive()
        advance()
        return play(first)
    }

    /// A row with its names.
    public func attempt(_ row: MeshRow) -> Attempt {
        Attempt(
            startUs: row.startUs, durationUs: row.durationUs, route: routeNames[Int(row.route)],
            host: hostNames[Int(row.host)], request: row.request, attempt: Int(row.attempt), waitUs: row.waitUs,
            outcome: row.outcome, status: Int(row.status), isGRPC: row.isGRPC, timeoutUs: Self.perTryLimitUs,
            retryAfterUs: row.retryAfterUs, method: Self.methodNames[Int(row.method)],
            ruleVersion: Int(row.ruleVersion))
    }

    /// Up to `count` of the next attempts, with names; fewer at the end, none after it.
    public mutating func attempts(_ count: Int) -> [Attempt] {
        var batch: [Attempt] = []
        batch.reserveCapacity(Swift.min(count, attempts - emitted))
        while batch.count < count, let row = next() { batch.append(attempt(row)) }
        return batch
    }

    // MARK: Rules

    static func isIdempotent(_ method: Int32) -> Bool { methodNames[Int(method)] != "POST" }

    /// Whether the host cannot have executed what it failed. In this world a limit is kept before the work begins, also
    /// where it is told by status 8 of gRPC, which in general does not say so.
    static func isRefusal(_ outcome: Outcome) -> Bool { outcome == .connectFailure || outcome == .rateLimited }

    // MARK: Requests

    private mutating func advance() {
        clockUs -= gapUs * log(1 - dice.unit())
        arrivalUs = Self.beginUs + Int64(clockUs)
    }

    private mutating func arrive() -> RetryHeap.Pending {
        requests += 1
        let index = popularity.draw(using: &dice)
        let route = traffic[index]
        entropy.start += startBits
        entropy.route += popularity.bits[index]
        var method = route.methods.first
        if route.secondShare > 0 {
            let isSecond = dice.unit() < route.secondShare
            if isSecond { method = route.methods.second }
            entropy.method -= log2(isSecond ? route.secondShare : 1 - route.secondShare)
        }
        return RetryHeap.Pending(
            startUs: arrivalUs, requestStartUs: arrivalUs, request: requests, waitUs: 0, route: Int32(index),
            formerHost: -1, attempt: 1, method: method)
    }

    private mutating func play(_ tried: RetryHeap.Pending) -> MeshRow {
        let index = Int(tried.route)
        let host = chooseHost(of: index, except: tried.formerHost)
        let outage = outage(of: index, at: tried.startUs) ?? outage(of: Self.routes + Int(host), at: tried.startUs)
        let end = answers.end(
            traffic[index], kind: outage?.kind, using: &dice, normal: &normal, entropy: &entropy)
        let row = MeshRow(
            startUs: tried.startUs, durationUs: end.durationUs, route: tried.route, host: host,
            request: tried.request, attempt: tried.attempt, waitUs: tried.waitUs, outcome: end.outcome,
            status: end.status, isGRPC: traffic[index].isGRPC, retryAfterUs: end.retryAfterUs, method: tried.method,
            ruleVersion: tried.requestStartUs < Self.newRulesUs ? 41 : 42)
        if end.outcome != .success { retry(tried, after: row) }
        return row
    }

    private mutating func chooseHost(of route: Int, except former: Int32) -> Int32 {
        let first = Int32(route * Self.hostsPerRoute)
        if former < 0 {
            entropy.host += log2(Double(Self.hostsPerRoute))
            return first + Int32(truncatingIfNeeded: dice.next() >> 62)
        }
        let others = Self.hostsPerRoute - 1
        entropy.host += log2(Double(others))
        let step = 1 + Int32(dice.unit() * Double(others))
        return first + (former - first + step) % Int32(Self.hostsPerRoute)
    }

    /// The outage that a unit is in; moments never go back.
    private mutating func outage(of unit: Int, at startUs: Int64) -> OutagePlan.Outage? {
        let us = Double(startUs - Self.beginUs)
        while true {
            let next = Int(nextOutage[unit])
            guard next < plan.units[unit].count, plan.units[unit][next].fromUs <= us else { return nil }
            if us < plan.units[unit][next].toUs { return plan.units[unit][next] }
            nextOutage[unit] += 1
        }
    }

    private mutating func retry(_ tried: RetryHeap.Pending, after row: MeshRow) {
        let number = Int(tried.attempt) - 1
        guard number < Self.waitsUs.count, Self.isIdempotent(tried.method) || Self.isRefusal(row.outcome) else {
            return
        }
        let jitterUs = Int64(dice.unit() * Double(Self.waitsUs[number] + 1))
        let waitUs = row.retryAfterUs + jitterUs
        let startUs = row.startUs + row.durationUs + waitUs
        guard startUs - tried.requestStartUs < Self.deadlineUs else { return }
        entropy.wait += waitBits[number]
        retries.insert(
            RetryHeap.Pending(
                startUs: startUs, requestStartUs: tried.requestStartUs, request: tried.request, waitUs: waitUs,
                route: tried.route, formerHost: row.host, attempt: tried.attempt + 1, method: tried.method))
    }
}
