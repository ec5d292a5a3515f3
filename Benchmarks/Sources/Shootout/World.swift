import Retry

/// Who answers what at a time: a law from which every seed draws another day.
struct World: Sendable {
    let name: String
    /// One clause for the table.
    let about: String
    var objective = Objective()
    /// The length of a day, of the log as of the fresh traffic, and how busy it is (Poisson arrivals).
    var seconds = 1200.0
    var requestsPerSecond = 40.0
    var hosts = 3
    var latency = AnswerLaw()
    /// Outages of all hosts together, and of one host at a time.
    var routeOutages: [OutageLaw] = []
    var hostOutages: [OutageLaw] = []
    /// A host that stops for a while and then goes on with what it was given.
    var pauses: SpellLaw?
    /// P(an attempt fails | its host is up).
    var blip = 0.001
    var service: ServiceLaw?
    var limit: LimitLaw?
    /// Whether its owner lets retries come back sooner than Retry-After asks, as most defaults do unasked.
    var mayIgnoreRetryAfter = false
    /// The standard deviation of the logarithm of a factor that a day applies to all lengths of its outages.
    var drift = 0.0
    /// Services in a row, each calling the next; rules apply at every one, what fails is the last.
    var layers = 1
    /// The rule under which the log is made.
    var present = Present.rule(Baselines.envoy)
    /// How many days of fresh traffic a rule is priced on.
    var freshDays = 20

    enum Present: Sendable {
        case rule(Contestant)
        /// What the oracle found: there is nothing to gain.
        case oracle
    }

    /// Whether what rules do changes what becomes of other requests.
    var hasFeedback: Bool { service != nil || limit != nil || layers > 1 }
}

/// Times until an answer, microseconds.
struct AnswerLaw: Sendable {
    var medianUs = 5000.0
    /// The standard deviation of the logarithm.
    var spread = 0.5
    /// Share of attempts that take `slowFactor` as long, whatever the request is.
    var slowShare = 0.0
    var slowFactor = 1.0
    /// Share of requests of which every attempt takes `bigFactor` as long.
    var bigShare = 0.0
    var bigFactor = 1.0
    /// Spread of a factor that all attempts of a request share.
    var requestSpread = 0.0
}

/// Spells that come at exponential gaps.
struct SpellLaw: Sendable {
    enum Length: Sendable {
        case logNormal(medianSeconds: Double, spread: Double)
        /// Pareto, cut at `mostSeconds`.
        case pareto(leastSeconds: Double, index: Double, mostSeconds: Double)
    }

    /// The mean time from the end of one to the next.
    var everySeconds: Double
    var length: Length

    /// All spells of a day, in order of time, apart.
    func draw(untilUs endUs: Double, factor: Double, _ dice: inout Dice) -> [Range<Int64>] {
        var spells: [Range<Int64>] = []
        var atUs = dice.exponential() * everySeconds * 1e6
        while atUs < endUs {
            let lengthUs = factor * 1e6 * seconds(&dice)
            spells.append(Int64(atUs)..<Int64(atUs + lengthUs) + 1)
            atUs += lengthUs + dice.exponential() * everySeconds * 1e6
        }
        return spells
    }

    private func seconds(_ dice: inout Dice) -> Double {
        switch length {
        case .logNormal(let median, let spread): dice.logNormal(median: median, spread: spread)
        case .pareto(let least, let index, let most): dice.pareto(least: least, index: index, most: most)
        }
    }
}

/// Spells in which attempts fail.
struct OutageLaw: Sendable {
    var spells: SpellLaw
    /// Share of the outages in which nothing is answered at all.
    var hangShare = 0.0

    init(every seconds: Double, _ length: SpellLaw.Length, hangShare: Double = 0) {
        spells = SpellLaw(everySeconds: seconds, length: length)
        self.hangShare = hangShare
    }
}

/// Workers that serve one attempt after the other, also those that nobody waits for any more.
struct ServiceLaw: Sendable {
    var workers: Int
    /// When everything takes `slowFactor` as long.
    var slowdowns: SpellLaw
    var slowFactor: Double
    /// An attempt that would wait longer in line is turned away.
    var longestQueueUs: Int64 = .max
}

/// A token bucket that refuses with 429 and says when to come back.
struct LimitLaw: Sendable {
    var perSecond: Double
    var burst: Double
    var retryAfterUs: Int64
}
