import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct GroupShiftTests {
    typealias Unit = GroupShift.Unit

    @Test func `four units by hand: two of six deals are as far apart`() {
        // Hits 1, 1 | 0, 0 of ten each. Of the 6 ways to deal two and two, two part them so.
        let units = [
            Unit(group: 0, hits: 1, trials: 10), Unit(group: 0, hits: 1, trials: 10),
            Unit(group: 1, hits: 0, trials: 10), Unit(group: 1, hits: 0, trials: 10),
        ]
        var generator = SeededGenerator(seed: 1)
        let shift = GroupShift(units, groups: 2, replicates: 20_000, using: &generator)
        #expect(shift.share(0) == 0.1)
        #expect(shift.share(1) == 0)
        #expect(abs(shift.pValue - 1.0 / 3) < 0.015)
        #expect(!shift.isShift)
        #expect(GroupShift([], groups: 2, using: &generator).pValue == 1)
        #expect(GroupShift([], groups: 2, using: &generator).share(1) == nil)
    }

    /// All deals of five units, one by one.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the share of deals equals counting them all`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let units = (0..<7).map {
            Unit(group: $0 < 3 ? 0 : 1, hits: Double(Int.random(in: 0...4, using: &generator)), trials: 5)
        }
        func distance(_ chosen: Int) -> Double {
            let hits = units.reduce(0) { $0 + $1.hits }
            var sum = 0.0
            for group in 0...1 {
                let mine = units.indices.filter { (chosen >> $0 & 1) == 1 - group }
                let trials = Double(mine.count) * 5
                let excess = mine.reduce(0) { $0 + units[$1].hits } - trials * hits / 35
                sum += excess * excess / trials
            }
            return sum
        }
        let deals = (0..<128).filter { $0.nonzeroBitCount == 3 }
        let seen = distance(0b111)
        let exact = Double(deals.count { distance($0) >= seen - 1e-9 }) / Double(deals.count)
        let found = GroupShift(units, groups: 2, replicates: 20_000, using: &generator).pValue
        #expect(abs(found - exact) < 0.02, "\(generator)")
    }

    @Test func `without a shift one log in a hundred or so shows one, however the units are sized`() {
        var shifts = 0
        for seed in 1...200 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed &* 31)
            let units = (0..<60).map { index in
                // One unit in five is an outage of up to a thousand failures.
                let isOutage = generator.unit() < 0.2
                let trials = isOutage ? 1_000 * generator.unit() : 500
                return Unit(group: index < 30 ? 0 : 1, hits: isOutage ? trials : 0, trials: trials)
            }
            if GroupShift(units, groups: 2, replicates: 199, using: &generator).isShift { shifts += 1 }
        }
        // Binomial (200, 0.01): more than 8 happen once in 5,000 tries.
        #expect(shifts <= 8)
    }

    /// A day a second long would not do: the parts of the day are real.
    private func log(
        days: Int, _ generator: inout SeededGenerator, failing: (_ day: Int, _ hour: Int) -> Double
    ) -> AttemptColumns {
        var list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)] = []
        for minute in 0..<days * 1_440 {
            let chance = failing(minute / 1_440, minute / 60 % 24)
            list.append(
                (
                    Int64(minute) * 60_000_000, generator.unit() < chance ? 50_000 : 10_000, "a",
                    generator.unit() < chance ? .errorStatus : .success
                ))
        }
        return attempts(list)
    }

    @Test func `a last day that fails more, and slower, is told from the days before`() {
        var generator = SeededGenerator(seed: 3)
        let columns = log(days: 5, &generator) { day, _ in day == 4 ? 0.05 : 0.01 }
        let outages = Outages(columns: columns, states: HostStateSmoother().smooth(columns))
        let atUs: Int64 = 4 * 86_400_000_000
        let failures = GroupShift(.failures, in: columns, outages: outages, atUs: atUs, using: &generator)
        #expect(failures.isShift)
        #expect((failures.share(1) ?? 0) > 2 * (failures.share(0) ?? 1))
        #expect(GroupShift(.slow(thanUs: 20_000), in: columns, outages: outages, atUs: atUs, using: &generator).isShift)
        let same = log(days: 5, &generator) { _, _ in 0.02 }
        let quiet = Outages(columns: same, states: HostStateSmoother().smooth(same))
        #expect(!GroupShift(.failures, in: same, outages: quiet, atUs: atUs, using: &generator).isShift)
    }

    @Test func `busy hours that fail more are found in five days and not looked for in two`() throws {
        var generator = SeededGenerator(seed: 4)
        func columns(_ days: Int) -> AttemptColumns {
            log(days: days, &generator) { _, hour in (9..<12).contains(hour) ? 0.08 : 0.01 }
        }
        let five = columns(5)
        let outages = Outages(columns: five, states: HostStateSmoother().smooth(five))
        let shift = try #require(GroupShift.timeOfDay(.failures, in: five, outages: outages, using: &generator))
        #expect(shift.isShift)
        #expect(shift.trials.count == 8)
        #expect((0..<8).max { (shift.share($0) ?? 0) < (shift.share($1) ?? 0) } == 3)
        let two = columns(2)
        let brief = Outages(columns: two, states: HostStateSmoother().smooth(two))
        #expect(GroupShift.timeOfDay(.failures, in: two, outages: brief, using: &generator) == nil)
    }

    @Test func `twice the attempts of every unit leave the verdict`() {
        var one = SeededGenerator(seed: 8)
        var two = SeededGenerator(seed: 8)
        let units = (0..<40).map { Unit(group: $0 % 3, hits: Double($0 % 7), trials: 50) }
        let doubled = units.map { Unit(group: $0.group, hits: 2 * $0.hits, trials: 2 * $0.trials) }
        #expect(
            GroupShift(units, groups: 3, using: &one).pValue == GroupShift(doubled, groups: 3, using: &two).pValue)
    }
}
