/// The mean time to an event from stretches of watched time, some of which were cut before the event: time watched per
/// event. methods: mean times
public struct MeanTime: Equatable, Sendable {
    /// A stretch of watched time.
    public struct Spell: Equatable, Sendable {
        /// How long it was watched, microseconds.
        public var watchedUs: Double
        /// Whether it ended in the event; otherwise the watch ended first.
        public var isEnded: Bool

        /// A stretch.
        public init(watchedUs: Double, isEnded: Bool) {
            self.watchedUs = watchedUs
            self.isEnded = isEnded
        }
    }

    /// Events seen.
    public let events: Int
    /// Time watched, microseconds.
    public let watchedUs: Double
    /// Time watched per event; `nil` without events.
    public let estimateUs: Double?
    /// The interval; without events only its lower end is known.
    public let lowUs: Double
    /// See `lowUs`.
    public let highUs: Double?

    /// The mean and its interval: Poisson's, exact, for as many events as the scatter of the stretches is worth, but
    /// never more than there were.
    public init(_ spells: [Spell], level: Double = 0.95) {
        let seen = spells.count(where: \.isEnded)
        let watched = spells.reduce(0) { $0 + $1.watchedUs }
        events = seen
        watchedUs = watched
        let outside = (1 - level) / 2
        guard seen > 0, watched > 0 else {
            estimateUs = nil
            lowUs = watched / GammaLaw.quantile(1 - outside, shape: 1)
            highUs = nil
            return
        }
        let rate = Double(seen) / watched
        estimateUs = 1 / rate
        let worth = Self.worth(spells, rate: rate, events: seen)
        lowUs = worth / rate / GammaLaw.quantile(1 - outside, shape: worth + 1)
        highUs = worth / rate / GammaLaw.quantile(outside, shape: worth)
    }

    /// How many events of a Poisson process would leave the rate as uncertain as the scatter of d − rate × time does.
    private static func worth(_ spells: [Spell], rate: Double, events: Int) -> Double {
        guard spells.count > 1 else { return Double(events) }
        let squares = spells.reduce(0) { sum, spell in
            let surplus = (spell.isEnded ? 1 : 0) - rate * spell.watchedUs
            return sum + surplus * surplus
        }
        let scatter = squares * Double(spells.count) / Double(spells.count - 1)
        return scatter > 0 ? min(Double(events), Double(events * events) / scatter) : Double(events)
    }
}
