import Glibc
public import Retry

/// The rate limiter behind a route, found by what it refused: a token bucket for all its hosts together, or one at each
/// host. methods: rate limit
///
/// With a bucket's rate and burst it is known what each further attempt takes away from later ones, which no law of
/// failures tells. Every attempt but those that found no connection is taken to reach the limiter when it starts.
public struct RateLimit: Equatable, Sendable {
    /// Tokens a second.
    public let perSecond: Double
    /// The most tokens that a bucket holds.
    public let burst: Double
    /// Whether each host has a bucket of its own.
    public let isByHost: Bool
    /// Attempts that the buckets would have treated otherwise than they were, as a share of the refusals.
    public let unexplainedShare: Double

    /// Fewer refusals than this tell nothing.
    public static let leastRefusals = 30
    /// Of more than this share unexplained, something else refuses: a limiter that others load too, or none at all.
    public static let mostUnexplained = 0.1

    init(perSecond: Double, burst: Double, isByHost: Bool = false, unexplainedShare: Double = 0) {
        self.perSecond = perSecond
        self.burst = burst
        self.isByHost = isByHost
        self.unexplainedShare = unexplainedShare
    }

    /// What it reads of the attempts.
    public static let columns: ColumnSet = [.startUs, .host, .outcome]

    /// The limiter of a route's log; `nil` where no token bucket explains the refusals.
    public init?(_ columns: AttemptColumns) {
        let refusals = columns.outcome.count { $0 == .rateLimited }
        guard refusals >= Self.leastRefusals else { return nil }
        let hosts = max(1, columns.hostNames.count)
        var best: RateLimit?
        for isByHost in hosts > 1 ? [false, true] : [false] {
            let streams = LimiterStreams(columns, isByHost: isByHost)
            guard let found = streams.likeliest() else { continue }
            let share = Double(found.errors) / Double(refusals)
            guard share <= Self.mostUnexplained, share < best?.unexplainedShare ?? .infinity else { continue }
            best = RateLimit(
                perSecond: found.perSecond, burst: found.burst, isByHost: isByHost, unexplainedShare: share)
        }
        guard let best else { return nil }
        self = best
    }

    /// In words, for people.
    var assumption: String {
        let place = isByHost ? "a limit at each host" : "a limit"
        let explained = Int(((1 - unexplainedShare) * 100).rounded(.down))
        return "refusals follow \(place) of \(Self.rounded(perSecond)) attempts a second with bursts of "
            + "\(Self.rounded(burst)) (\(explained) % of them): what retries take from it is in the price"
    }

    /// Three significant digits, two decimals at most, without Foundation.
    private static func rounded(_ value: Double) -> String {
        let scale: Double = value >= 100 ? 1 : value >= 10 ? 10 : 100
        let hundredths = Int64((value * scale).rounded() * (100 / scale))
        let (whole, rest) = (hundredths / 100, hundredths % 100)
        if rest == 0 { return "\(whole)" }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Its buckets, one or one a host.
    func buckets(hosts: Int) -> [TokenBucket] {
        Array(repeating: TokenBucket(perSecond: perSecond, burst: burst), count: isByHost ? max(1, hosts) : 1)
    }

    /// Whether an attempt gets as far as to the limiter.
    static func isReached(by outcome: Outcome) -> Bool { outcome != .connectFailure }
}

/// Who was served by each bucket and who was refused, in order of time.
struct LimiterStreams {
    /// What one bucket saw.
    struct Stream {
        var startUs: [Int64] = []
        var wasRefused: [Bool] = []
        /// How many were served before each refusal, and when it came.
        var refusals: [(served: Int, atUs: Int64)] = []
        var served = 0
    }

    /// A bucket, how many attempts it would have treated otherwise, and by how many tokens in all.
    struct Fit {
        var perSecond: Double
        var burst: Double
        var errors = 0
        var missed = 0.0

        /// What is made small: an error counts even where next to nothing is missed, as for a bucket of one token that
        /// is always full.
        var loss: Double { missed + 0.01 * Double(errors) }
    }

    private let streams: [Stream]

    init(_ columns: AttemptColumns, isByHost: Bool) {
        var streams = [Stream](repeating: Stream(), count: isByHost ? columns.hostNames.count : 1)
        for row in 0..<columns.count where RateLimit.isReached(by: columns.outcome[row]) {
            let place = isByHost ? Int(columns.host[row]) : 0
            let wasRefused = columns.outcome[row] == .rateLimited
            streams[place].startUs.append(columns.startUs[row])
            streams[place].wasRefused.append(wasRefused)
            if wasRefused {
                streams[place].refusals.append((streams[place].served, columns.startUs[row]))
            } else {
                streams[place].served += 1
            }
        }
        self.streams = streams
    }

    /// The bucket that was least off. None serves more between two refusals than flows in meanwhile, and
    /// one token; nor does it refuse when a whole token has flowed in since it last served. Between these two bounds
    /// rates are tried, by ever smaller steps.
    func likeliest() -> Fit? {
        guard let least = leastPerSecond else { return nil }
        let most = mostPerSecond
        // Where no bucket near them explains anything, none does.
        let tried = [least, 1.01 * least, 1.04 * least, 0.98 * most, most]
        let hopeful = tried.contains { Double(fit(perSecond: $0).errors) < 0.8 * Double(refused) }
        guard hopeful else { return nil }
        var best = fit(perSecond: least)
        var from = 0.97 * least
        var span = max(1.2, min(Self.widestSpan, 1.03 * most / from))
        var steps = max(Self.steps, Int(log(span) / Self.pitch))
        for _ in 0..<Self.searches {
            let factor = pow(span, 1 / Double(steps))
            for step in 0...steps {
                let found = fit(perSecond: from * pow(factor, Double(step)))
                if found.loss < best.loss { best = found }
            }
            (from, span, steps) = (best.perSecond / factor, factor * factor, Self.steps)
        }
        return descended(from: best)
    }

    /// The best rate for each burst near by, and of those the best: along the valley in which a higher rate makes up
    /// for a smaller burst. First far around, then closely.
    private func descended(from start: Fit) -> Fit {
        var best = start
        for (reach, share) in [(4.0, 0.04), (0.5, 0.01)] {
            let center = best
            let found = Self.goldenSection(from: max(1, center.burst - reach), to: center.burst + reach) { burst in
                Self.goldenSection(
                    from: center.perSecond * (1 - share), to: center.perSecond * (1 + share)
                ) { perSecond in
                    fit(perSecond: perSecond, burst: burst)
                }
            }
            if found.loss < best.loss { best = found }
        }
        return best
    }

    /// The best of a valley between two ends (Kiefer 1953).
    private static func goldenSection(from low: Double, to high: Double, _ fit: (Double) -> Fit) -> Fit {
        let share = 0.618_033_988_749_894_9
        var (low, high) = (low, high)
        var (left, right) = (high - share * (high - low), low + share * (high - low))
        var (leftFit, rightFit) = (fit(left), fit(right))
        var best = leftFit.loss <= rightFit.loss ? leftFit : rightFit
        for _ in 0..<sections where best.loss > 0 {
            if leftFit.loss <= rightFit.loss {
                (high, right, rightFit) = (right, left, leftFit)
                left = high - share * (high - low)
                leftFit = fit(left)
                if leftFit.loss < best.loss { best = leftFit }
            } else {
                (low, left, leftFit) = (left, right, rightFit)
                right = low + share * (high - low)
                rightFit = fit(right)
                if rightFit.loss < best.loss { best = rightFit }
            }
        }
        return best
    }

    private static let searches = 4
    /// The first steps from rate to rate, on the logarithm, and from the lowest to the highest.
    private static let pitch = 0.0075
    /// See `pitch`.
    private static let widestSpan = 20.0
    private static let steps = 24
    private static let sections = 20
    /// Stretches with fewer served attempts say little, and network delays would say it.
    private static let leastServed = 10

    private var refused: Int { streams.reduce(0) { $0 + $1.refusals.count } }

    /// The highest rate that a stretch between two refusals bears out; `nil` where none holds enough.
    private var leastPerSecond: Double? {
        var highest: Double?
        for stream in streams {
            var reach = 1
            while reach < stream.refusals.count {
                for (one, other) in zip(stream.refusals, stream.refusals.dropFirst(reach)) {
                    let served = other.served - one.served
                    guard served >= Self.leastServed, other.atUs > one.atUs else { continue }
                    highest = max(highest ?? 0, Double(served - 1) / (Double(other.atUs - one.atUs) * 1e-6))
                }
                reach *= 2
            }
        }
        return highest
    }

    /// The rate at which the longest time from an attempt that was served to the next refusal brings one token.
    private var mostPerSecond: Double {
        var longestUs: Int64 = 1
        for stream in streams {
            var servedUs = Int64.max
            for (startUs, wasRefused) in zip(stream.startUs, stream.wasRefused) {
                if !wasRefused {
                    servedUs = startUs
                } else if servedUs < .max {
                    longestUs = max(longestUs, startUs - servedUs)
                }
            }
        }
        return 1e6 / Double(longestUs)
    }

    /// The burst that the longest run of served attempts took beyond what flowed in.
    private func fit(perSecond: Double) -> Fit { fit(perSecond: perSecond, burst: leastBurst(perSecond: perSecond)) }

    /// The maximum of served − inflow over all stretches (the maximum subarray, one pass).
    private func leastBurst(perSecond: Double) -> Double {
        var most = 1.0
        for stream in streams {
            var (excess, lastUs) = (0.0, stream.startUs.first ?? 0)
            for (startUs, wasRefused) in zip(stream.startUs, stream.wasRefused) {
                excess = max(0, excess - Double(startUs - lastUs) * 1e-6 * perSecond)
                lastUs = startUs
                if !wasRefused { excess += 1 }
                most = max(most, excess)
            }
        }
        return most
    }

    private func fit(perSecond: Double, burst: Double) -> Fit {
        var fit = Fit(perSecond: perSecond, burst: burst)
        for stream in streams {
            var bucket = TokenBucket(perSecond: perSecond, burst: burst)
            stream.startUs.withUnsafeBufferPointer { startUs in
                stream.wasRefused.withUnsafeBufferPointer { wasRefused in
                    for index in startUs.indices {
                        let missed = bucket.follow(atUs: startUs[index], wasRefused: wasRefused[index])
                        if missed > 0 { fit.errors += 1 }
                        fit.missed += missed
                    }
                }
            }
        }
        return fit
    }
}

extension RateLimit {
    /// The log's units joined, in order of time, where no bucket was full at any instant of the later one: what a full
    /// bucket meets does not depend on what came before (regeneration, Crane & Lemoine 1977). methods: rate limit
    ///
    /// - Parameter unitOf: the evidence unit of each of the log's units so far.
    func regenerative(_ unitOf: [Int], _ outages: Outages, _ columns: AttemptColumns) -> [Int] {
        var isFresh = Array(repeating: false, count: unitOf.count)
        var buckets = buckets(hosts: columns.hostNames.count)
        for row in 0..<columns.count where Self.isReached(by: columns.outcome[row]) {
            let place = isByHost ? Int(columns.host[row]) : 0
            for bucket in buckets.indices { buckets[bucket].advance(toUs: columns.startUs[row]) }
            if !isFresh[outages.unit(of: row)], buckets.allSatisfy({ $0.tokens >= $0.burst }) {
                isFresh[outages.unit(of: row)] = true
            }
            _ = buckets[place].follow(
                atUs: columns.startUs[row], wasRefused: columns.outcome[row] == .rateLimited)
        }
        var joined: [Int] = []
        for place in unitOf.indices {
            let isNext = place > 0 && (unitOf[place] == unitOf[place - 1] || !isFresh[place])
            joined.append(isNext ? joined[place - 1] : (joined.last ?? -1) + 1)
        }
        return joined
    }
}
