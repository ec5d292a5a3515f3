import Retry

/// All that pricing needs to know of one route's log: the requests as they began, which evidence unit each belongs to,
/// when its hosts were up, and how long answers take. Times are microseconds.
struct RouteFacts {
    /// The first attempt of a request whose course depends on the rule: it failed, was cut off, or was slow.
    struct First {
        var startUs: Int64
        var durationUs: Int64
        var retryAfterUs: Int64
        /// How many requests of the log this row stands for (more than one when rows were thinned).
        var weight: Double
        /// P(its slowness is its own): cut off and sent again, it is as slow again, whichever host serves it.
        var ownShare: Double
        // A play goes over rows by the hundred million: they are kept short.
        private let hostNumber: Int32
        private let unitNumber: Int32
        private let statusNumber: Int32
        var outcome: Outcome
        var isGRPC: Bool
        var isIdempotent: Bool
        /// Whether the response had begun when the attempt broke: the client had a part of it, nothing could be
        /// retried.
        var hasStarted: Bool
        /// Whether, cut off and sent again, it takes as long as second attempts of slow requests were seen to take.
        var isSeenAgain: Bool

        var host: Int { Int(hostNumber) }
        var unit: Int { Int(unitNumber) }
        var status: Int { Int(statusNumber) }

        init(
            startUs: Int64, durationUs: Int64, host: Int, outcome: Outcome, status: Int, isGRPC: Bool,
            retryAfterUs: Int64, isIdempotent: Bool, unit: Int, hasStarted: Bool = false, ownShare: Double = 0,
            isSeenAgain: Bool = false, weight: Double
        ) {
            self.startUs = startUs
            self.durationUs = durationUs
            self.retryAfterUs = retryAfterUs
            self.weight = weight
            self.ownShare = ownShare
            hostNumber = Int32(host)
            unitNumber = Int32(unit)
            statusNumber = Int32(status)
            self.outcome = outcome
            self.isGRPC = isGRPC
            self.isIdempotent = isIdempotent
            self.hasStarted = hasStarted
            self.isSeenAgain = isSeenAgain
        }
    }

    /// A first attempt that was answered so fast that its request is the same under every rule that leaves it on its
    /// host.
    struct Answered {
        var startUs: Int64
        var durationUs: Int64
        var host: Int32
        var unit: Int32
        var isIdempotent: Bool
    }

    /// Requests that began within one millisecond.
    struct Arrival: Equatable {
        var startUs: Int64
        var count: Int64
    }

    let objective: Objective
    let hostCount: Int
    /// Failed or cut-off first attempts, in time order.
    private(set) var failed: [First]
    /// Slow first successes, in time order: those longer than `slowFromUs`.
    private(set) var slow: [First]
    /// First successes up to this long are answered the same under every candidate.
    let slowFromUs: Int64
    /// Cost of the requests that are the same under every candidate, by unit, microseconds.
    let fixedCostUs: [Double]
    /// Of these, how many succeed within the deadline, by unit.
    let fixedSuccesses: [Double]
    /// All requests, by unit.
    let requests: [Double]
    /// What the log itself shows, by unit: cost in microseconds, extra attempts and successes of the requests as they
    /// were.
    let recorded: UnitTotals
    /// When requests began, for the budget: those of one millisecond together, in order of time.
    let arrivals: [Arrival]
    /// P(an attempt on a host at an instant is answered, sooner or later).
    let answerProbability: (_ host: Int, _ atUs: Int64) -> Double
    /// What answers `answerProbability`, if it can say so of four instants at once.
    var availability: Availability.Reader?
    /// P(a host is up at an instant); absent: as `answerProbability`.
    var upProbability: ((_ host: Int, _ atUs: Int64) -> Double)?
    /// Time to an answer, by host.
    let latency: [LatencyTable]
    /// Time to an answer of second attempts of slow requests, where enough were seen.
    var secondLatency: LatencyTable?
    /// The ends of its 95 % interval: the fastest first.
    var secondLatencyEnds: [LatencyTable] = []
    /// How long each unit's outage lasted, microseconds; 0 for quiet time.
    var outageUs: [Double] = []
    /// The median duration of a failure that is not a timeout.
    let failureUs: Int64
    /// The requests behind `fixedCostUs`, in order of time, where a rule is asked about that sends some of them
    /// elsewhere.
    var answered: [Answered] = []

    /// The rate limiter that refuses attempts, where one is known: then every request is here, none thinned.
    var rateLimit: RateLimit?

    /// The same without the requests of quiet time.
    var duringOutages: RouteFacts {
        var facts = self
        facts.failed = failed.filter { outageUs[$0.unit] > 0 }
        facts.slow = slow.filter { outageUs[$0.unit] > 0 }
        facts.answered = answered.filter { outageUs[Int($0.unit)] > 0 }
        return facts
    }

    /// Whether a server said when to come back.
    var isRetryAfterSeen: Bool { failed.contains { $0.retryAfterUs > 0 } }

    var units: Int { requests.count }
    var requestCount: Double { requests.reduce(0, +) }
}

extension RouteFacts.First {
    /// What was fast is as fast on every host that is up.
    init(_ answered: RouteFacts.Answered) {
        self.init(
            startUs: answered.startUs, durationUs: answered.durationUs, host: Int(answered.host), outcome: .success,
            status: 0, isGRPC: false, retryAfterUs: 0, isIdempotent: answered.isIdempotent, unit: Int(answered.unit),
            ownShare: 1, weight: 1)
    }
}

/// Sums by evidence unit.
struct UnitTotals: Equatable {
    /// Cost of the unit's requests, microseconds.
    var costUs: [Double]
    /// Attempts beyond the first.
    var extra: [Double]
    /// Requests answered within the deadline.
    var successes: [Double]

    init(units: Int) {
        costUs = Array(repeating: 0, count: units)
        extra = costUs
        successes = costUs
    }

    /// These and what one has more than another.
    func adding(_ one: UnitTotals, without other: UnitTotals) -> UnitTotals {
        var sum = self
        for unit in costUs.indices {
            sum.costUs[unit] = max(0, costUs[unit] + one.costUs[unit] - other.costUs[unit])
            sum.extra[unit] = max(0, extra[unit] + one.extra[unit] - other.extra[unit])
            sum.successes[unit] = max(0, successes[unit] + one.successes[unit] - other.successes[unit])
        }
        return sum
    }
}

/// P(answer within x) and the mean of what is answered within x, tabulated at eight points an octave and linear
/// between, so that looking up costs no search.
struct LatencyTable {
    /// P(answer ≤ x), and E[answer; answer ≤ x] in microseconds (a partial mean: not divided by the share).
    struct Point {
        var share: Double
        var partialMeanUs: Double
    }

    /// At the lower bound of each bin of the grid.
    private(set) var points: [Point] = []
    /// The bins from the first to the last in which the share rises.
    private(set) var risingBins = 0..<0

    /// Tabulates a distribution function of microseconds.
    init(probability: (Int64) -> Double) {
        points.reserveCapacity(LogGrid.count)
        var last = 0.0
        var lastUs = 0.0
        var mean = 0.0
        for index in 0..<LogGrid.count {
            let edgeUs = LogGrid.lowerBoundUs(index)
            let share = max(last, min(1, probability(edgeUs)))
            mean += (share - last) * (Double(edgeUs) + lastUs) / 2
            points.append(Point(share: share, partialMeanUs: mean))
            if share > last {
                risingBins = (risingBins.isEmpty ? max(0, index - 1) : risingBins.lowerBound)..<max(1, index)
            }
            last = share
            lastUs = Double(edgeUs)
        }
    }

    /// Tabulates a latency law as far as the log reaches. What lies past it is not counted on, unless another law says
    /// how it goes on there.
    init(_ law: LatencyLaw, past tail: LatencyLaw? = nil) {
        let lastUs = Double(law.lastObservedUs)
        let lastSurvival = tail?.survival(lastUs) ?? 0
        self.init { us in
            let seen = law.observedProbability(withinUs: Double(us))
            guard let tail, Double(us) > lastUs, lastSurvival > 0 else { return seen }
            return 1 - (1 - seen) * tail.survival(Double(us)) / lastSurvival
        }
    }

    /// What is answered within `us`.
    func within(_ us: Int64) -> Point {
        if us <= 0 { return Point(share: 0, partialMeanUs: 0) }
        let index = LogGrid.index(ofUs: us)
        guard index + 1 < points.count else { return points[points.count - 1] }
        return Self.between(points[index], points[index + 1], index: index, us)
    }

    /// Linear between two neighbours of which the first stands at bin `index`.
    @inline(__always)
    static func between(_ before: Point, _ after: Point, index: Int, _ us: Int64) -> Point {
        let (low, high) = (LogGrid.lowerBoundUs(index), LogGrid.lowerBoundUs(index + 1))
        let position = Double(us - low) / Double(max(1, high - low))
        let share = before.share + position * (after.share - before.share)
        let mean = before.partialMeanUs + (share - before.share) * (Double(us) + Double(low)) / 2
        return Point(share: share, partialMeanUs: mean)
    }
}
