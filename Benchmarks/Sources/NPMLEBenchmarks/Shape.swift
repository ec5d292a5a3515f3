import Glibc
import Retry

/// Shapes of interval-censored data, from a few broad cells to thousands of exact times.
enum Shape: String, CaseIterable {
    /// Two inspections of a Weibull time: what the literature's simulations use.
    case inspected
    /// One inspection: early or late.
    case currentStatus = "current-status"
    /// Failures over eight decades between probes that lie far apart, as a log of attempts shows them.
    case probed
    /// The same between dense probes.
    case denselyProbed = "densely-probed"
    /// Widths over eight decades.
    case anyWidth = "any-width"
    /// Exact or right-censored: Kaplan and Meier's.
    case exact
    /// Half of them almost exact, half anything.
    case halves
    /// Each meets only its neighbours: flat in half of all directions.
    case neighbours

    func intervals(_ count: Int, seed: UInt64) -> [CensoredInterval] {
        var chance = SplitMix64(seed: seed)
        return (0..<count).map { one($0) { Double.random(in: 0..<1, using: &chance) } }
    }

    private func one(_ index: Int, _ unit: () -> Double) -> CensoredInterval {
        switch self {
        case .inspected:
            let time = 1e6 * pow(-log(1 - unit()), 1 / 0.7)
            let first = 3e6 * unit()
            let second = first + 3e6 * unit()
            if time <= first { return Self.between(0, first) }
            return time <= second ? Self.between(first, second) : Self.between(second, .infinity)
        case .currentStatus:
            let time = 1e6 * pow(-log(1 - unit()), 1 / 0.7)
            let at = 4e6 * unit()
            return time <= at ? Self.between(0, at) : Self.between(at, .infinity)
        case .probed, .denselyProbed:
            let apart = self == .probed ? 3.0 : 0.05
            let time = 1e3 * exp(18 * unit())
            let left = time / exp(apart * unit())
            return Self.between(left, unit() < 0.05 ? .infinity : time * exp(apart * unit()))
        case .anyWidth:
            let width = exp(18 * unit())
            let left = max(0, 1e9 * unit() - width * unit())
            return Self.between(left, left + width)
        case .exact:
            let time = Int64(1e9 * -log(1 - unit())) + 1
            return unit() < 0.3
                ? CensoredInterval(leftUs: time, rightUs: .max) : CensoredInterval(leftUs: time - 1, rightUs: time)
        case .halves:
            let time = 1e9 * unit()
            return index % 2 == 0
                ? Self.between(time, time + 3) : Self.between(time * unit(), time + (1e9 - time) * unit())
        case .neighbours: return CensoredInterval(leftUs: Int64(index) * 2, rightUs: Int64(index) * 2 + 3)
        }
    }

    private static func between(_ left: Double, _ right: Double) -> CensoredInterval {
        CensoredInterval(leftUs: Int64(left), rightUs: right.isFinite ? Int64(right) + 1 : .max)
    }
}
