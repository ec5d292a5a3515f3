import Glibc
import Retry

/// How much longer or shorter outages are on one day than on another, as far as a log of several days tells.
///
/// One-way random effects on the logarithms of the lengths: between-day variance σ² = (MS between − MS within) / n₀
/// with n₀ = (N − Σ n²/N) / (k − 1), by the method of moments (Searle, Casella & McCulloch 1992), taken together with a
/// spread that is assumed where a log shows one day. methods: bootstrap over outages
struct OutageDays {
    /// Standard deviation of the logarithm of a day's factor where one day was seen.
    static let assumedSpread = 0.25
    /// How many days the assumption is worth.
    private static let assumedDays = 2.0
    /// How many degrees of freedom it is worth that days do not differ.
    private static let assumedFreedom = 5.0
    /// 24 hours from the log's first request on are a day.
    static let dayUs: Int64 = 86_400_000_000

    /// The day of each outage; days without any have no number.
    let days: [Int]
    /// How many days have outages.
    let count: Int
    /// Standard deviation of the logarithm of a day's factor.
    let spread: Double

    /// - Parameters:
    ///   - days: of each outage, any numbers.
    ///   - lengths: of each outage in any unit, positive.
    init(_ days: [Int64], lengths: [Double]) {
        var places: [Int64: Int] = [:]
        self.days = days.map { day in
            let place = places[day] ?? places.count
            places[day] = place
            return place
        }
        count = places.count
        spread = Self.spread(lengths.map { log($0) }, self.days, count)
    }

    private static func spread(_ logs: [Double], _ days: [Int], _ count: Int) -> Double {
        guard count > 1, logs.count > count else { return assumedSpread }
        var (sizes, sums) = (Array(repeating: 0.0, count: count), Array(repeating: 0.0, count: count))
        for (day, value) in zip(days, logs) {
            sizes[day] += 1
            sums[day] += value
        }
        let all = Double(logs.count)
        let mean = sums.reduce(0, +) / all
        let within = zip(days, logs).reduce(0.0) { sum, one in
            let distance = one.1 - sums[one.0] / sizes[one.0]
            return sum + distance * distance
        }
        let between = zip(sums, sizes).reduce(0.0) { sum, day in
            let distance = day.0 / day.1 - mean
            return sum + day.1 * distance * distance
        }
        let meanSize = (all - sizes.reduce(0) { $0 + $1 * $1 } / all) / Double(count - 1)
        let (freedom, freedomWithin) = (Double(count - 1), all - Double(count))
        let variance = max(0, between / freedom - within / freedomWithin) / meanSize
        // What is worth little is said by few days, by days whose means are left to chance, and where few outages share
        // a day: then the variance within is not known, and taken to be nearer that of all.
        let known = (within + assumedFreedom * (within + between) / (all - 1)) / (freedomWithin + assumedFreedom)
        let assumed = assumedSpread * assumedSpread
        let told = assumed / (assumed + known / meanSize)
        let worth = told * told / (1 / freedom + 1 / freedomWithin)
        return ((assumedDays * assumed + worth * variance) / (assumedDays + worth)).squareRoot()
    }

    /// The factor of each outage: its day's. Their mean does not depend on the spread: a log whose days differ is no
    /// reason to expect longer outages.
    func drawFactors(_ generator: inout SplitMix64) -> [Double] {
        let shift = (Self.assumedSpread * Self.assumedSpread - spread * spread) / 2
        let factors = (0..<count).map { _ in exp(spread * generator.normal() + shift) }
        return days.map { factors[$0] }
    }
}
