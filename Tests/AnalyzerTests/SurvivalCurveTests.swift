import Retry
import Glibc
import Testing

@testable import Analyzer

/// Values of R on published data (notebooks-data/survival_classics). Durations are in days, weeks or months; the
/// estimators take any whole unit.
@Suite struct SurvivalCurveTests {
    private func curve(_ file: String, time: Int, event: (String) -> Bool, column: Int, where keep: ([String]) -> Bool)
        throws -> SurvivalCurve
    {
        let rows = try Classics.rows(file).filter(keep)
        return SurvivalCurve(
            durationsUs: rows.compactMap { Int64($0[time]) }, isEvent: rows.map { event($0[column]) })
    }

    /// The numbers of `0.857 se(greenwood)=0.076`.
    private func valueAndError(_ text: String) -> (Double, Double?) {
        let parts = text.split(separator: "se")
        let error = parts.count > 1 ? parts[1].split(separator: "=").last : nil
        return (Double(parts[0].trimmed) ?? .nan, error.flatMap { Double($0.trimmed) })
    }

    @Test func `Kaplan-Meier with Greenwood on Gehan's leukaemia`() throws {
        let lines = try Classics.reference("gehan_6mp", "km")
        #expect(lines.count == 19)
        for line in lines {
            let one = try curve("gehan_6mp.csv", time: 1, event: { $0 == "1" }, column: 2) { $0[0] == line.group }
            let (value, error) = valueAndError(line.value)
            let at = Int64(line.quantity.dropFirst(2)) ?? -1
            #expect(agrees(one.survival(atUs: at), value, 1e-9), "\(line)")
            if let error, error.isFinite {
                #expect(agrees(one.standardError(atUs: at) ?? .nan, error, 1e-9), "\(line)")
            } else {
                #expect(one.standardError(atUs: at) == nil)
            }
        }
    }

    @Test func `Kaplan-Meier, Nelson-Aalen and restricted means on lung cancer`() throws {
        let one = try curve("lung.csv", time: 0, event: { $0 == "2" }, column: 1) { _ in true }
        for line in try Classics.reference("lung", "km") where line.quantity.hasPrefix("t=") {
            let (value, error) = valueAndError(line.value)
            let at = Int64(line.quantity.dropFirst(2)) ?? -1
            #expect(agrees(one.survival(atUs: at), value, 1e-9))
            #expect(agrees(one.standardError(atUs: at) ?? .nan, error ?? .nan, 1e-9))
        }
        #expect(one.quantile(0.5) == 310)
        let interval = one.quantileInterval(0.5, transform: .log)
        #expect(interval.lowerUs == 285)
        #expect(interval.upperUs == 363)
        #expect(one.events.reduce(0, +) == 165)
        #expect(agrees(one.cumulativeHazard(atUs: 365), 0.888_324_574_4, 1e-9))
        for line in try Classics.reference("lung", "rmst") {
            let (value, error) = valueAndError(line.value)
            let found = one.restrictedMean(untilUs: Int64(line.quantity.dropFirst(4)) ?? -1)
            #expect(agrees(found.meanUs, value, 1e-9))
            #expect(agrees(found.standardErrorUs, error ?? .nan, 1e-9))
        }
    }

    @Test func `medians of the veterans`() throws {
        let first = try curve("veteran.csv", time: 2, event: { $0 == "1" }, column: 3) { $0[0] == "1" }
        let second = try curve("veteran.csv", time: 2, event: { $0 == "1" }, column: 3) { $0[0] == "2" }
        #expect(first.quantile(0.5) == 103)
        // The curve is exactly 1/2 from 52 to 53: R prints the middle, the least such time is 52.
        #expect(second.quantile(0.5) == 52)
        #expect(second.survival(atUs: 53) < 0.5)
    }

    static let million = 1_000_000.0

    static func intervals(_ file: String, where keep: ([String]) -> Bool) throws -> [CensoredInterval] {
        try Classics.rows(file).filter(keep).map { row in
            let left = Int64(((Double(row[0]) ?? 0) * million).rounded())
            let right = row[1].isEmpty ? Int64.max : Int64(((Double(row[1]) ?? 0) * million).rounded())
            return CensoredInterval(leftUs: left == right ? left - 1 : left, rightUs: right)
        }
    }

    /// Groups of the current-status turbines: failed by then, or not yet.
    static func turbine() throws -> (intervals: [CensoredInterval], weights: [Double]) {
        var intervals: [CensoredInterval] = []
        var weights: [Double] = []
        for row in try Classics.rows("turbine.csv") {
            let numbers = row.compactMap { Double($0) }
            let atUs = Int64(numbers[0] * million)
            intervals += [.init(leftUs: 0, rightUs: atUs), .init(leftUs: atUs, rightUs: .max)]
            weights += [numbers[2], numbers[1] - numbers[2]]
        }
        return (intervals, weights)
    }

    private func check(_ law: IntervalNPMLE, _ lines: [(group: String, quantity: String, value: String)]) {
        for line in lines {
            let value = Double(line.value) ?? .nan
            if line.quantity == "loglik" {
                // npsurv's maximum is approached from below; ours may lie above it, never lower.
                #expect(law.logLikelihood > value - 1e-7)
                #expect(agrees(law.logLikelihood, value, 1e-7))
                continue
            }
            let ends = line.quantity.dropFirst().dropLast().split(separator: ";").compactMap { Double($0) }
            let cell = law.cells.first {
                Double($0.leftUs) == ends[0] * Self.million
                    && (ends[1].isInfinite ? $0.rightUs == .max : Double($0.rightUs) == ends[1] * Self.million)
            }
            #expect(agrees(cell?.mass ?? .nan, value, 2e-6), "\(line)")
        }
        #expect(law.gap <= 1e-7)
        #expect(agrees(law.cells.reduce(0) { $0 + $1.mass }, 1, 1e-9))
    }

    @Test(arguments: [("breast_cosmesis", "RT"), ("breast_cosmesis", "RCT"), ("mice", "ce"), ("mice", "ge")])
    func `Turnbull's estimate equals npsurv's`(set: String, group: String) throws {
        let law = IntervalNPMLE(try Self.intervals(set + ".csv") { $0[2] == group })
        let lines = try Classics.reference(set, "npmle_npsurv").filter { $0.group == group }
        #expect(lines.count >= 6)
        check(law, lines)
    }

    @Test func `Turnbull's estimate on current-status data by weights`() throws {
        let (intervals, weights) = try Self.turbine()
        check(IntervalNPMLE(intervals, weights: weights), try Classics.reference("turbine", "npmle_npsurv"))
    }

    @Test func `Turnbull's estimate on exact, interval- and right-censored data together`() throws {
        let law = IntervalNPMLE(try Self.intervals("diabetes_nephropathy.csv") { _ in true })
        let lines = try Classics.reference("diabetes_nephropathy", "npmle_npsurv")
        #expect(lines.count == 6)
        for line in lines {
            let value = Double(line.value) ?? .nan
            if line.quantity == "loglik" {
                #expect(agrees(law.logLikelihood, value, 1e-7))
                continue
            }
            // "S(10) counting only mass wholly before t"
            let at = Double(line.quantity.dropFirst(2).prefix { $0 != ")" }) ?? .nan
            let before = law.bounds(atUs: Int64(at * Self.million) - 1).lowerBound
            let until = law.bounds(atUs: Int64(at * Self.million)).lowerBound
            #expect(agrees(1 - before, value, 2e-6) || agrees(1 - until, value, 2e-6), "\(line)")
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring { drop { $0 == " " }.prefix { $0 != " " } }
}
