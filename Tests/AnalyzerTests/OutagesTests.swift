import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct OutagesTests {
    private func log(
        seconds: Int, hosts: [String], isDown: (Int, String) -> Bool
    ) -> AttemptColumns {
        var list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)] = []
        for second in 0..<seconds {
            for (index, host) in hosts.enumerated() {
                let startUs = Int64(second) * 1_000_000 + Int64(index) * 1_000
                list.append((startUs, 500, host, isDown(second, host) ? .errorStatus : .success))
            }
        }
        return attempts(list)
    }

    private func outages(_ columns: AttemptColumns) -> Outages {
        Outages(columns: columns, states: HostStateSmoother().smooth(columns))
    }

    @Test func `an outage lies between the probes that saw the changes`() {
        let found = outages(log(seconds: 2_000, hosts: ["a"]) { second, _ in (700..<720).contains(second) })
        #expect(found.hostOutages.count == 1)
        let one = found.hostOutages[0]
        #expect(one.firstDownUs == 700_000_000)
        #expect(one.lastDownUs == 719_000_000)
        #expect(one.lastUpBeforeUs == 699_000_000)
        #expect(one.firstUpAfterUs == 720_000_000)
        #expect((699_000_001...700_000_000).contains(one.beginUs))
        #expect((719_000_001...720_000_000).contains(one.endUs))
        #expect(one.duration == CensoredInterval(leftUs: 18_999_999, rightUs: 21_000_000))
        #expect(found.units.filter(\.isOutage).map(\.failures) == [20])
        // Up for 699 s before, at least, and 1,279 s after: both lower bounds.
        #expect(found.timesBetween.allSatisfy { $0.isRightCensored })
        #expect(found.timesBetween.count == 2)
    }

    @Test func `outages of two hosts at once are one unit, apart they are two`() {
        let together = outages(
            log(seconds: 3_000, hosts: ["a", "b"]) { second, host in
                host == "a" ? (500..<520).contains(second) : (510..<530).contains(second)
            })
        #expect(together.hostOutages.count == 2)
        #expect(together.outages.count == 1)
        let apart = outages(
            log(seconds: 3_000, hosts: ["a", "b"]) { second, host in
                host == "a" ? (500..<520).contains(second) : (1_510..<1_530).contains(second)
            })
        #expect(apart.outages.count == 2)
    }

    @Test func `an outage that the log's ends cut is only bounded from below`() {
        let found = outages(
            log(seconds: 2_000, hosts: ["a"]) { second, _ in
                second < 15 || second >= 1_980 || (900..<910).contains(second)
            })
        #expect(found.hostOutages.count == 3)
        #expect(found.hostOutages[0].duration == CensoredInterval(leftUs: 14_000_000, rightUs: .max))
        #expect(found.hostOutages[2].duration.isRightCensored)
        #expect(found.units.filter(\.isOutage).map(\.isCut) == [true, false, true])
        // From 14 s (last down) or 15 s (first up) to 899 s (last up) or 900 s (first down).
        #expect(found.timesBetween.first == CensoredInterval(leftUs: 883_999_999, rightUs: 886_000_000))
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func `every row has one unit, units ascend, and their counts are the log's`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let columns = SimulatedHost(probes: 3_000, gapSeconds: 2, hosts: 3).columns(&generator)
        let found = outages(columns)
        #expect(found.unit.count == columns.count)
        #expect(zip(found.unit, found.unit.dropFirst()).allSatisfy { $1 == $0 || $1 == $0 + 1 })
        #expect(found.units.allSatisfy { $0.rows > 0 })
        #expect(found.units.reduce(0) { $0 + $1.rows } == columns.count)
        #expect(found.units.reduce(0) { $0 + $1.failures } == columns.outcome.count { $0.isFailure })
        for row in 0..<columns.count {
            let unit = found.units[found.unit(of: row)]
            #expect(unit.beginUs <= columns.startUs[row] && columns.startUs[row] < unit.endUs)
        }
        #expect(found.units.count { !$0.isOutage } <= 256 + found.outages.count + 1)
        // A failure is a blip or lies in an outage unit.
        for row in 0..<columns.count where columns.outcome[row].isFailure && !found.isBlip[row] {
            #expect(found.units[found.unit(of: row)].isOutage)
        }
    }

    @Test func `a long unwatched time between two failures splits an outage`() {
        var list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)] = []
        for day in 0..<2 {
            for second in 0..<2_000 {
                // Down for the last ten seconds of day 0 and the first ten of day 1.
                let isDown = day == 0 ? second >= 1_990 || (500..<510).contains(second) : second < 10
                let startUs = Int64(day) * 86_400_000_000 + Int64(second) * 1_000_000
                list.append((startUs, 500, "a", isDown ? .errorStatus : .success))
            }
        }
        #expect(outages(attempts(list)).hostOutages.count == 3)
    }
}
