import Glibc
import Retry

/// The rate limiter behind a route, found by what it refused: a token bucket for all its hosts together, or one at each
/// host. methods: rate limit
///
/// With a bucket's rate and burst it is known what each further attempt takes away from later ones, which no law of
/// failures tells. Every attempt but those that found no connection is taken to reach the limiter when it starts.
struct RateLimit: Equatable, Sendable {
    /// Tokens a second.
    let perSecond: Double
    /// The most tokens that a bucket holds.
    let burst: Double
    /// Whether each host has a bucket of its own.
    let isByHost: Bool
    /// Attempts that the buckets would have treated otherwise than they were by more than clocks and networks explain,
    /// as a share of the refusals.
    let unexplainedShare: Double

    /// Fewer refusals than this tell nothing.
    static let leastRefusals = 30
    /// Of more than this share unexplained, something else refuses: a limiter that others load too, or none at all.
    static let mostUnexplained = 0.1

    init(perSecond: Double, burst: Double, isByHost: Bool = false, unexplainedShare: Double = 0) {
        self.perSecond = perSecond
        self.burst = burst
        self.isByHost = isByHost
        self.unexplainedShare = unexplainedShare
    }

    /// The limiter of a route's log; `nil` where no token bucket explains the refusals.
    init?(_ columns: AttemptColumns) {
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

    /// What is said of a log's refusals.
    static func assumptions(_ limit: RateLimit?, _ columns: AttemptColumns) -> [String] {
        if let limit { return [limit.assumption] }
        let refusals = columns.outcome.count { $0 == .rateLimited }
        return refusals >= leastRefusals ? [unknown] : []
    }

    /// In words, where attempts were refused by no limiter that is known.
    static let unknown =
        "attempts were refused for load by no limit that is known: what their retries take from other requests is not in "
        + "the price, and may be all that they gain"

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

        mutating func add(atUs: Int64, isRefused: Bool) {
            startUs.append(atUs)
            wasRefused.append(isRefused)
            if isRefused { refusals.append((served, atUs)) } else { served += 1 }
        }

        /// The stretch of so many attempts with most refusals, on a grid of a quarter of it.
        func excerpt(of count: Int) -> Stream {
            guard startUs.count > count else { return self }
            func refused(from begin: Int) -> Int { wasRefused[begin..<begin + count].count { $0 } }
            let begins = stride(from: 0, through: startUs.count - count, by: max(1, count / 4))
            let begin = begins.max { refused(from: $0) < refused(from: $1) } ?? 0
            var stream = Stream()
            for index in begin..<begin + count { stream.add(atUs: startUs[index], isRefused: wasRefused[index]) }
            return stream
        }
    }

    /// A bucket, by how many tokens it was off in all, and how many attempts it would have treated otherwise by more
    /// than clocks and networks explain.
    struct Fit {
        var perSecond: Double
        var burst: Double
        var missed = 0.0
        var errors = 0

        /// What is made small: an error counts even where next to nothing is missed, as for a bucket of one token that
        /// is always full.
        var loss: Double { missed + 0.1 * Double(errors) }
    }

    private let streams: [Stream]
    /// What the log counts time in, microseconds.
    private let grainUs: Int64

    init(_ columns: AttemptColumns, isByHost: Bool) {
        var streams = [Stream](repeating: Stream(), count: isByHost ? columns.hostNames.count : 1)
        for row in 0..<columns.count where RateLimit.isReached(by: columns.outcome[row]) {
            let place = isByHost ? Int(columns.host[row]) : 0
            streams[place].add(atUs: columns.startUs[row], isRefused: columns.outcome[row] == .rateLimited)
        }
        self.streams = streams
        grainUs = Self.grainUs(columns.startUs)
    }

    /// The coarsest unit that all starts are multiples of.
    private static func grainUs(_ startUs: [Int64]) -> Int64 {
        let grains: [Int64] = [1_000_000, 100_000, 10_000, 1000, 100, 10]
        return grains.first { grain in startUs.allSatisfy { $0 % grain == 0 } } ?? 1
    }

    /// The bucket that was least off, of the stretch with most refusals where the log is long; `nil` where none
    /// explains anything, or one a quarter faster explains as much.
    func likeliest() -> Fit? {
        let excerpt = excerpt
        guard let found = excerpt.leastOff() else { return nil }
        // A bucket that was never empty for long shows no rate.
        let faster = excerpt.fit(perSecond: 1.25 * found.perSecond)
        if Double(faster.errors) <= RateLimit.mostUnexplained * Double(excerpt.refused) { return nil }
        let known = fit(perSecond: found.perSecond, burst: found.burst)
        if streams.map(\.startUs.count) == excerpt.streams.map(\.startUs.count) { return known }
        // The burst may show elsewhere: in an overload only at its beginning.
        let most = max(found.burst, leastBurst(perSecond: found.perSecond)) + 4
        let other = Self.goldenSection(from: 1, to: most) { fit(perSecond: found.perSecond, burst: $0) }
        return other.loss < known.loss ? other : known
    }

    /// The stretch of each stream with most refusals, of so many attempts in all as are enough for a fit.
    private var excerpt: LimiterStreams {
        let most = Self.mostFitted / max(1, streams.count)
        guard streams.contains(where: { $0.startUs.count > most }) else { return self }
        return LimiterStreams(streams: streams.map { $0.excerpt(of: most) }, grainUs: grainUs)
    }

    private init(streams: [Stream], grainUs: Int64) {
        self.streams = streams
        self.grainUs = grainUs
    }

    /// The bucket that was least off. None serves more between two refusals than flows in meanwhile, and
    /// one token; nor does it refuse when a whole token has flowed in since it last served. Between these two bounds
    /// rates are tried, by ever smaller steps.
    private func leastOff() -> Fit? {
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

    /// Attempts from which a bucket is told.
    private static let mostFitted = 60_000
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
        // A quarter of a token, or what flows in while a coarse clock stands still, but not a good part of the bucket.
        let allowed = max(0.25, min(perSecond * Double(grainUs) * 1e-6, burst / 8))
        for stream in streams {
            var bucket = TokenBucket(perSecond: perSecond, burst: burst)
            stream.startUs.withUnsafeBufferPointer { startUs in
                stream.wasRefused.withUnsafeBufferPointer { wasRefused in
                    for index in startUs.indices {
                        let missed = bucket.follow(atUs: startUs[index], wasRefused: wasRefused[index])
                        fit.missed += missed
                        // A full bucket refuses nobody, however small it is.
                        if missed > allowed || wasRefused[index] && missed >= burst - 1 && missed > 0 {
                            fit.errors += 1
                        }
                    }
                }
            }
        }
        return fit
    }
}

extension RateLimit {
    /// How long a bucket remembers at most, seconds: 1/τ = δ²/2σ² + π²σ²/2b², the spectral gap of a Brownian motion
    /// with drift δ = c − λ and variance σ² = λ a second between two walls b apart (Linetsky 2005), at the load λ at
    /// which the gap is least, τ = 1/c(√(1 + π²/b²) − 1). methods: rate limit
    var memorySeconds: Double {
        let ratio = Double.pi * Double.pi / (burst * burst)
        // 1/(√(1 + x) − 1) without the difference of near numbers: of a large bucket nothing else is left.
        return ((1 + ratio).squareRoot() + 1) / ratio / perSecond
    }

    /// Blocks last ten times as long as a bucket remembers: their means then hang together by a tenth at most.
    static let blockMemories = 10.0

    /// Quiet units joined, in order of time, to blocks that last long against a bucket's memory (batch means); outages
    /// stand alone, and what was joined before stays so. What is left of quiet time before an outage or the log's end
    /// goes with the block before it, if there is one.
    ///
    /// - Parameter unitOf: the evidence unit of each of the log's units so far.
    func blocks(_ unitOf: [Int], _ outages: Outages) -> [Int] {
        // A log is never longer than that.
        let leastUs = Int64(min(1e18, Self.blockMemories * memorySeconds * 1e6))
        var joined: [Int] = []
        /// Where the block that is being filled begins, and the one before it that it may go with.
        var (begin, before): (Int?, Int?) = (nil, nil)
        func number(after last: Int?) -> Int { (last ?? -1) + 1 }
        /// Ends the quiet time before `place`: a block that is too short goes with the one before.
        func close(_ place: Int) {
            guard let first = begin, let before, place > first else { return }
            let lastedUs = outages.units[place - 1].endUs - outages.units[first].beginUs
            if lastedUs < leastUs { for index in first..<place { joined[index] = before } }
        }
        for place in unitOf.indices {
            let unit = outages.units[place]
            if place > 0, unitOf[place] == unitOf[place - 1] {
                joined.append(joined[place - 1])
            } else if unit.isOutage {
                close(place)
                (begin, before) = (nil, nil)
                joined.append(number(after: joined.last))
            } else if let first = begin, unit.beginUs - outages.units[first].beginUs < leastUs {
                joined.append(joined[first])
            } else {
                before = begin.map { joined[$0] }
                begin = place
                joined.append(number(after: joined.last))
            }
        }
        close(unitOf.count)
        return joined
    }
}
