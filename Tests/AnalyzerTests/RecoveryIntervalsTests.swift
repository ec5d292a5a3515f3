import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct RecoveryIntervalsTests {
    /// The definition, literally: O(n²).
    private func slow(_ columns: AttemptColumns, _ row: Int, isCandidate: (Int32) -> Bool) -> CensoredInterval {
        let endUs = columns.startUs[row] + columns.durationUs[row]
        let later = (0..<columns.count).filter {
            columns.startUs[$0] >= endUs && columns.outcome[$0] != .cancelled && isCandidate(columns.host[$0])
                && $0 > row
        }
        let success = later.first { columns.outcome[$0] == .success }
        let failures = later.filter { columns.outcome[$0] != .success && (success == nil || $0 < success ?? 0) }
        let leftUs = failures.last.map { columns.startUs[$0] - endUs } ?? 0
        guard let success else { return CensoredInterval(leftUs: leftUs, rightUs: .max) }
        let rightUs = max(1, columns.startUs[success] - endUs)
        return CensoredInterval(leftUs: min(leftUs, rightUs - 1), rightUs: rightUs)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `intervals equal the definition searched literally`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let hosts = Int.random(in: 1...4, using: &generator)
        let list = (0..<200).map { _ in
            (
                startUs: Int64.random(in: 0...2_000, using: &generator),
                durationUs: Int64.random(in: 0...200, using: &generator),
                host: "h\(Int.random(in: 0..<hosts, using: &generator))",
                outcome: Outcome.allCases[Int.random(in: 0..<7, using: &generator)]
            )
        }
        let columns = attempts(list)
        let found = RecoveryIntervals(columns: columns)
        #expect(found.failures.map(\.row) == (0..<200).filter { columns.outcome[$0].isFailure })
        for failure in found.failures {
            let host = columns.host[failure.row]
            #expect(failure.outcome == columns.outcome[failure.row])
            #expect(failure.sameHost == slow(columns, failure.row) { $0 == host }, "\(generator), row \(failure.row)")
            if columns.hostNames.count > 1 {
                #expect(
                    failure.otherHost == slow(columns, failure.row) { $0 != host }, "\(generator), row \(failure.row)")
            } else {
                #expect(failure.otherHost == nil)
            }
        }
    }

    @Test func `recovery by hand: failed until 30, next seen up at 45`() {
        let columns = attempts([
            (0, 5, "a", .errorStatus), (10, 5, "b", .success), (30, 5, "a", .reset), (40, 5, "a", .cancelled),
            (45, 5, "a", .success), (60, 5, "a", .timeout),
        ])
        let found = RecoveryIntervals(columns: columns).failures
        #expect(found[0].sameHost == CensoredInterval(leftUs: 25, rightUs: 40))
        #expect(found[0].otherHost == CensoredInterval(leftUs: 0, rightUs: 5))
        #expect(found[1].sameHost == CensoredInterval(leftUs: 0, rightUs: 10))
        #expect(found[1].otherHost == CensoredInterval(leftUs: 0, rightUs: .max))
        #expect(found[2].sameHost == CensoredInterval(leftUs: 0, rightUs: .max))
    }

    @Test func `the band resamples units: a thousand failures of one outage are one observation`() {
        var generator = SeededGenerator(seed: 1)
        let quick = (0..<1_000).map { _ in CensoredInterval(leftUs: 500_000, rightUs: 600_000) }
        let others = (0..<9).map { _ in CensoredInterval(leftUs: 5_000, rightUs: 6_000) }
        let curve = RecoveryCurve(
            quick + others, unit: [Int](repeating: 0, count: 1_000) + Array(1...9),
            request: .init(atUs: [100_000]), using: &generator)
        #expect(curve.units == 10)
        #expect(agrees(curve.points[0].estimate, 9.0 / 1_009, 1e-6))
        // The one outage is left out of a third of the replicates.
        #expect(curve.points[0].high == 1)
        let alone = RecoveryCurve(
            quick, unit: [Int](repeating: 0, count: 1_000), request: .init(atUs: [100_000]), using: &generator)
        #expect(alone.points[0].low == 0 && alone.points[0].high == 1)
    }

    @Test func `where all replicates agree, the units that know of the instant bound the share`() {
        var generator = SeededGenerator(seed: 3)
        // Every failure was over by the next probe, 100 to 480 ms later: before that nobody knows.
        let data = (0..<20).map { CensoredInterval(leftUs: 0, rightUs: 100_000 + Int64($0) * 20_000) }
        let curve = RecoveryCurve(
            data, unit: Array(0..<20), request: .init(atUs: [50_000, 100_000, 200_000, 480_000]), using: &generator)
        #expect(curve.points.map(\.high) == [1, 1, 1, 1])
        #expect(curve.points[0].low == 0)
        // Wilson's lower end of n out of n is n / (n + 3.84): one, six and all twenty know.
        for (point, known) in zip(curve.points.dropFirst(), [1.0, 6, 20]) {
            #expect(agrees(point.estimate, 1, 1e-9) && agrees(point.low, known / (known + 3.841_459), 1e-6))
        }
    }

    @Test func `the same seed gives the same band, and no failures an empty curve`() {
        var one = SeededGenerator(seed: 5)
        var two = SeededGenerator(seed: 5)
        let data = (0..<40).map { CensoredInterval(leftUs: Int64($0) * 1_000, rightUs: Int64($0) * 1_000 + 3_000) }
        let first = RecoveryCurve(data, unit: Array(0..<40), using: &one)
        #expect(first.points == RecoveryCurve(data, unit: Array(0..<40), using: &two).points)
        #expect(first.points.allSatisfy { $0.low <= $0.estimate && $0.estimate <= $0.high })
        #expect(zip(first.points, first.points.dropFirst()).allSatisfy { $0.estimate <= $1.estimate })
        #expect(RecoveryCurve([], unit: [], using: &one).failures == 0)
    }

    @Test func `moving ends to the grid only widens, by at most a bin`() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<2_000 {
            let leftUs = Int64.random(in: 0...1_000_000, using: &generator)
            let one = CensoredInterval(
                leftUs: leftUs, rightUs: leftUs + Int64.random(in: 1...1_000_000, using: &generator))
            let wide = RecoveryCurve.onGrid(one)
            #expect(wide.leftUs <= one.leftUs && one.rightUs <= wide.rightUs)
            #expect(Double(wide.leftUs) >= Double(one.leftUs) * 8 / 9 - 1)
            #expect(Double(wide.rightUs) <= Double(one.rightUs) * 9 / 8 + 1)
        }
    }
}
