import Glibc
import Retry

/// How long outages last, past the longest of a log: two laws of their upper quarter, and how sure of each one may be.
///
/// Pareto's law of what exceeds the other three quarters (Hill 1975), and the log-normal law of all lengths: the tails
/// between which what was published on outages lies. A few dozen outages seldom decide, so both are drawn from, each as
/// often as its likelihood on the upper quarter says; and their parameters from their posteriors under flat priors of
/// the logarithms. methods: bootstrap over outages
struct OutageLengths {
    /// P(the tail is Pareto's), where both laws were as likely beforehand.
    let paretoShare: Double

    private let logs: [Double]
    private let mean: Double
    private let spread: Double
    /// Places of the longest quarter.
    private let tail: [Int]
    /// The logarithm of the longest of the others.
    private let threshold: Double
    private let meanExcess: Double

    /// How many outages.
    var count: Int { logs.count }

    /// No outage is drawn more than this many times as long as the one in whose place it stands.
    static let mostFactor = 30.0

    /// - Parameter lengths: in any unit, positive.
    /// - Precondition: at least four of them.
    init(_ lengths: [Double]) {
        precondition(lengths.count >= 4 && lengths.allSatisfy { $0 > 0 }, "lengths of at least four outages")
        let logs = lengths.map { log($0) }
        let count = Double(logs.count)
        let mean = logs.reduce(0, +) / count
        let square = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let spread = max(1e-6, (square / (count - 1)).squareRoot())
        let order = logs.indices.sorted { logs[$0] < logs[$1] }
        let tail = Array(order.suffix(max(3, order.count / 4)))
        let threshold = logs[order[order.count - tail.count - 1]]
        let excesses = tail.map { max(1e-6, logs[$0] - threshold) }
        let meanExcess = excesses.reduce(0, +) / Double(tail.count)
        let beyond = NormalLaw.tail((threshold - mean) / spread)
        let normal = tail.reduce(0.0) { sum, place in
            sum + log(max(1e-300, NormalLaw.density((logs[place] - mean) / spread) / spread / max(1e-300, beyond)))
        }
        let pareto = excesses.reduce(0.0) { $0 - $1 / meanExcess - log(meanExcess) }
        paretoShare = 1 / (1 + exp(min(700, normal - pareto)))
        (self.logs, self.tail, self.mean, self.spread) = (logs, tail, mean, spread)
        (self.threshold, self.meanExcess) = (threshold, meanExcess)
    }

    /// How many times as long each might have lasted: one draw of the law, then of the lengths of the longest quarter.
    func drawFactors(_ generator: inout SplitMix64) -> [Double] {
        var factors = Array(repeating: 1.0, count: logs.count)
        if generator.unit() < paretoShare {
            // The posterior of the index is a gamma law: a sum of exponential times.
            let times = tail.reduce(0.0) { sum, _ in sum + generator.exponential() }
            let excess = meanExcess * Double(tail.count) / max(1e-9, times)
            for place in tail { factors[place] = exp(threshold + excess * generator.exponential() - logs[place]) }
        } else {
            let count = Double(logs.count)
            let drawnSpread = spread * exp(generator.normal() / (2 * (count - 1)).squareRoot())
            let drawnMean = mean + drawnSpread * generator.normal() / count.squareRoot()
            let beyond = NormalLaw.tail((threshold - drawnMean) / drawnSpread)
            for place in tail {
                let z = -NormalLaw.quantile(max(1e-300, beyond * (1 - generator.unit())))
                factors[place] = exp(drawnMean + drawnSpread * z - logs[place])
            }
        }
        return factors.map { min($0, Self.mostFactor) }
    }
}

extension SplitMix64 {
    /// Standard normal (Box & Muller 1958).
    mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * Double.pi * unit()) }

    /// Exponential with mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }
}
