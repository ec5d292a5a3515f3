public import Retry

/// Whether a share differs between groups of evidence: before and after an instant, or between parts of the day.
///
/// The units of evidence are dealt anew to the groups, so that an outage counts as one observation however many
/// attempts it struck. methods: shift
public struct GroupShift: Equatable, Sendable {
    /// A unit of evidence.
    public struct Unit: Equatable, Sendable {
        /// 0 ..< groups.
        public var group: Int
        /// What is counted (failures, slow attempts), and out of how many.
        public var hits: Double
        /// See `hits`.
        public var trials: Double

        /// A unit.
        public init(group: Int, hits: Double, trials: Double) {
            self.group = group
            self.hits = hits
            self.trials = trials
        }
    }

    /// Hits and trials of each group.
    public private(set) var hits: [Double]
    /// See `hits`.
    public private(set) var trials: [Double]
    /// Units with hits: what the verdict rests on.
    public private(set) var unitsWithHits = 0
    /// P(shares as far apart as these | no difference), by dealing; at least 1/(replicates + 1).
    public private(set) var pValue = 1.0

    /// The share of hits in a group; `nil` without trials.
    public func share(_ group: Int) -> Double? { trials[group] > 0 ? hits[group] / trials[group] : nil }

    /// Fewer units with hits than this tell nothing apart, whatever their size.
    public static let leastUnits = 6

    /// Whether there is evidence enough and it speaks of a difference.
    public var isShift: Bool { unitsWithHits >= Self.leastUnits && pValue <= 0.01 }

    /// Compares groups.
    ///
    /// - Precondition: every unit's group is below `groups`. Cost: O(units × replicates).
    public init(
        _ units: [Unit], groups: Int, replicates: Int = 999, using generator: inout some RandomNumberGenerator
    ) {
        precondition(units.allSatisfy { (0..<groups).contains($0.group) }, "a unit's group lies in 0 ..< \(groups)")
        hits = [Double](repeating: 0, count: groups)
        trials = hits
        for unit in units {
            hits[unit.group] += unit.hits
            trials[unit.group] += unit.trials
            if unit.hits > 0 { unitsWithHits += 1 }
        }
        let all = units.reduce(0) { $0 + $1.trials }
        guard all > 0, unitsWithHits > 0 else { return }
        let share = units.reduce(0) { $0 + $1.hits } / all
        let seen = Self.distance(units, share: share, dealt: units.map(\.group), groups: groups)
        var dealt = units.map(\.group)
        var farther = 0
        for _ in 0..<replicates {
            dealt.shuffle(using: &generator)
            if Self.distance(units, share: share, dealt: dealt, groups: groups) >= seen * (1 - 1e-9) { farther += 1 }
        }
        pValue = Double(farther + 1) / Double(replicates + 1)
    }

    /// Σ (hits − trials × share)² / trials over the groups.
    private static func distance(_ units: [Unit], share: Double, dealt: [Int], groups: Int) -> Double {
        var excess = [Double](repeating: 0, count: groups)
        var trials = excess
        for (index, unit) in units.enumerated() {
            excess[dealt[index]] += unit.hits - unit.trials * share
            trials[dealt[index]] += unit.trials
        }
        return zip(excess, trials).reduce(0) { $1.1 > 0 ? $0 + $1.0 * $1.0 / $1.1 : $0 }
    }
}

extension GroupShift {
    /// What is counted.
    public enum Measure: Equatable, Sendable {
        /// Failed attempts.
        case failures
        /// Successes that took longer than this, and timeouts.
        case slow(thanUs: Int64)
    }

    /// Whether what a log says before `instantUs` (group 0) still holds after it (group 1).
    public init(
        _ measure: Measure, in columns: AttemptColumns, outages: Outages, atUs instantUs: Int64,
        using generator: inout some RandomNumberGenerator
    ) {
        let units = Self.units(measure, columns, outages) { $0 < instantUs ? 0 : 1 }
        self.init(units, groups: 2, using: &generator)
    }

    /// Whether a share depends on the time of day, in eight parts of three hours from midnight UTC; `nil` for a log
    /// that is shorter than three days: one day's outages say nothing about the hour.
    public static func timeOfDay(
        _ measure: Measure, in columns: AttemptColumns, outages: Outages,
        using generator: inout some RandomNumberGenerator
    ) -> GroupShift? {
        let day: Int64 = 86_400_000_000
        guard let first = columns.startUs.first, let last = columns.startUs.last, last - first >= 3 * day else {
            return nil
        }
        let units = units(measure, columns, outages) { Int((($0 % day) + day) % day / (day / 8)) }
        return GroupShift(units, groups: 8, using: &generator)
    }

    private static func units(
        _ measure: Measure, _ columns: AttemptColumns, _ outages: Outages, group: (Int64) -> Int
    ) -> [Unit] {
        var units = outages.units.map { Unit(group: group($0.beginUs), hits: 0, trials: 0) }
        for row in 0..<columns.count where columns.outcome[row] != .cancelled {
            let outcome = columns.outcome[row]
            let unit = outages.unit(of: row)
            switch measure {
            case .failures:
                units[unit].trials += 1
                if outcome.isFailure { units[unit].hits += 1 }
            case .slow(let limitUs):
                guard outcome == .success || outcome == .timeout else { continue }
                units[unit].trials += 1
                if outcome == .timeout || columns.durationUs[row] > limitUs { units[unit].hits += 1 }
            }
        }
        return units
    }
}
