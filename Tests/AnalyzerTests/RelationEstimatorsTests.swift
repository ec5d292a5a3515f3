import Retry
import Glibc
import TestSupport
import Testing

@testable import Analyzer

/// What must hold whatever the data; and each estimator again, slow and literal.
@Suite struct RelationEstimatorsTests {
    private func sample(_ generator: inout SeededGenerator, _ count: Int, upTo: Int64 = 60)
        -> (times: [Int64], isEvent: [Bool])
    {
        let times = (0..<count).map { _ in Int64.random(in: 1...upTo, using: &generator) }
        return (times, times.map { _ in generator.unit() < 0.6 })
    }

    /// Kaplan-Meier by counting, O(n²).
    private func slowSurvival(_ times: [Int64], _ isEvent: [Bool], at: Int64) -> (s: Double, greenwood: Double) {
        var s = 1.0
        var sum = 0.0
        for t in Set(times).sorted() where t <= at {
            let n = Double(times.count { $0 >= t })
            let d = Double(times.indices.count { times[$0] == t && isEvent[$0] })
            s *= 1 - d / n
            if n > d { sum += d / (n * (n - d)) }
        }
        return (s, sum)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func `Kaplan-Meier equals counting`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let (times, isEvent) = sample(&generator, 80)
        let curve = SurvivalCurve(durationsUs: times, isEvent: isEvent)
        for at in 0...61 as ClosedRange<Int64> {
            let slow = slowSurvival(times, isEvent, at: at)
            #expect(agrees(curve.survival(atUs: at), slow.s, 1e-12), "\(generator) at \(at)")
            if slow.s > 1e-12 {
                let error = curve.standardError(atUs: at) ?? .nan
                #expect(agrees(error, slow.s * slow.greenwood.squareRoot(), 1e-12))
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `one cause makes Aalen-Johansen one minus Kaplan-Meier with Greenwood's variance`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let (times, isEvent) = sample(&generator, 60)
        let curve = SurvivalCurve(durationsUs: times, isEvent: isEvent)
        let one = CumulativeIncidence(durationsUs: times, cause: isEvent.map { $0 ? 0 : -1 }, causes: 1)
        for at in stride(from: Int64(1), to: 55, by: 3) {
            #expect(agrees(one.incidence(cause: 0, atUs: at), 1 - curve.survival(atUs: at), 1e-12))
            #expect(agrees(one.standardError(cause: 0, atUs: at), curve.standardError(atUs: at) ?? .nan, 1e-9))
        }
    }

    @Test(arguments: [7, 8] as [UInt64])
    func `running sums of the incidence's variance equal the double sum`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let times = (0..<70).map { _ in Int64.random(in: 1...40, using: &generator) }
        let causes = times.map { _ in Int.random(in: -1...2, using: &generator) }
        let found = CumulativeIncidence(durationsUs: times, cause: causes, causes: 3)
        for cause in 0..<3 {
            for step in found.timesUs.indices.dropLast(2) {
                let level = found.incidence[cause][step]
                var sum = 0.0
                for j in 0...step {
                    let t = found.timesUs[j]
                    let n = Double(times.count { $0 >= t })
                    let all = Double(times.indices.count { times[$0] == t && causes[$0] >= 0 })
                    let own = Double(times.indices.count { times[$0] == t && causes[$0] == cause })
                    let before = j == 0 ? 1 : found.survival[j - 1]
                    let rest = level - found.incidence[cause][j]
                    sum += rest * rest * all / (n * (n - all))
                    sum += before * before * own * (n - own) / (n * n * n)
                    sum -= 2 * rest * before * own / (n * n)
                }
                #expect(agrees(found.variance[cause][step], sum, 1e-10), "\(generator)")
            }
            let total = found.incidence.reduce(0) { $0 + ($1.last ?? 0) }
            #expect(agrees(total + (found.survival.last ?? 1), 1, 1e-12))
        }
    }

    @Test func `twice the data leaves the estimate and halves the variance; weights are copies`() {
        var generator = SeededGenerator(seed: 9)
        let (times, isEvent) = sample(&generator, 50)
        let one = SurvivalCurve(durationsUs: times, isEvent: isEvent)
        let two = SurvivalCurve(durationsUs: times + times, isEvent: isEvent + isEvent)
        let weighted = SurvivalCurve(
            durationsUs: times, isEvent: isEvent, weights: [Double](repeating: 2, count: times.count))
        for at in stride(from: Int64(1), to: 50, by: 5) {
            #expect(agrees(one.survival(atUs: at), two.survival(atUs: at), 1e-12))
            #expect(agrees(weighted.survival(atUs: at), two.survival(atUs: at), 1e-12))
            let single = one.standardError(atUs: at) ?? 0
            #expect(agrees(single, 2.0.squareRoot() * (two.standardError(atUs: at) ?? 0), 1e-12))
            #expect(agrees(weighted.standardError(atUs: at) ?? 0, two.standardError(atUs: at) ?? 0, 1e-12))
        }
    }

    private func intervals(_ generator: inout SeededGenerator, _ count: Int, spread: Int64 = 40) -> [CensoredInterval] {
        (0..<count).map { _ in
            let left = Int64.random(in: 0..<spread, using: &generator)
            let right = left + Int64.random(in: 1...12, using: &generator)
            return CensoredInterval(leftUs: left, rightUs: generator.unit() < 0.15 ? .max : right)
        }
    }

    /// Turnbull's self-consistency, all intervals × all cells, until it hardly moves.
    private func slowNPMLE(_ intervals: [CensoredInterval], cells: [CensoredInterval]) -> Double {
        var mass = [Double](repeating: 1 / Double(cells.count), count: cells.count)
        let holds = intervals.map { one in cells.map { one.leftUs <= $0.leftUs && $0.rightUs <= one.rightUs } }
        var value = 0.0
        for _ in 0..<20_000 {
            var next = [Double](repeating: 0, count: cells.count)
            value = 0
            for row in holds {
                let sum = cells.indices.reduce(0) { $0 + (row[$1] ? mass[$1] : 0) }
                value += log(sum)
                for cell in cells.indices where row[cell] { next[cell] += mass[cell] / sum }
            }
            mass = next.map { $0 / Double(intervals.count) }
        }
        return value
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `Turnbull's estimate is never below plain self-consistency and meets its optimality conditions`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let data = intervals(&generator, 30)
        let law = IntervalNPMLE(data)
        let cells = law.cells.map { CensoredInterval(leftUs: $0.leftUs, rightUs: $0.rightUs) }
        let slow = slowNPMLE(data, cells: cells)
        #expect(law.logLikelihood > slow - 1e-7, "\(generator)")
        #expect(agrees(law.logLikelihood, slow, 1e-3))
        for cell in law.cells {
            var gradient = 0.0
            for one in data where one.leftUs <= cell.leftUs && cell.rightUs <= one.rightUs {
                let p = law.cells.reduce(0) {
                    $0 + (one.leftUs <= $1.leftUs && $1.rightUs <= one.rightUs ? $1.mass : 0)
                }
                gradient += 1 / p
            }
            gradient /= 30
            #expect(gradient <= 1 + 1e-8)
            if cell.mass > 1e-4 { #expect(agrees(gradient, 1, 1e-5)) }
        }
    }

    @Test func `another unit stretches Turnbull's cells and leaves their masses`() {
        var generator = SeededGenerator(seed: 4)
        let data = intervals(&generator, 60)
        let one = IntervalNPMLE(data)
        let scaled = IntervalNPMLE(
            data.map { .init(leftUs: $0.leftUs * 1_000, rightUs: $0.isRightCensored ? .max : $0.rightUs * 1_000) })
        #expect(one.cells.map { $0.leftUs * 1_000 } == scaled.cells.map(\.leftUs))
        #expect(zip(one.cells, scaled.cells).allSatisfy { agrees($0.mass, $1.mass, 1e-12) })
        let twice = IntervalNPMLE(data + data)
        #expect(agrees(twice.logLikelihood, 2 * one.logLikelihood, 1e-8))
    }

    @Test func `extreme intervals keep Turnbull's estimate a law`() {
        #expect(IntervalNPMLE([]).cells.isEmpty)
        let one = IntervalNPMLE([.init(leftUs: 5, rightUs: .max)])
        #expect(one.cells.map(\.mass) == [1])
        #expect(one.quantileUs(0.5) == nil)
        let far = IntervalNPMLE([.init(leftUs: 0, rightUs: 1), .init(leftUs: .max - 1, rightUs: .max)])
        #expect(far.cells.map { ($0.mass * 1e6).rounded() } == [500_000, 500_000])
    }

    @Test func `a chain of intervals that meet only their neighbours, flat in every direction, is solved`() {
        // Mass 1/30 on every other cell gives each of the 60 intervals 1/30; every cell's gradient is then 1.
        let chain = IntervalNPMLE((0..<60).map { .init(leftUs: $0 * 2, rightUs: $0 * 2 + 3) })
        #expect(agrees(chain.logLikelihood, -60 * log(30), 1e-6))
        #expect(agrees(chain.cells.reduce(0) { $0 + $1.mass }, 1, 1e-9))
        #expect(chain.logLikelihood + chain.gap >= -60 * log(30))
    }

    @Test func `another unit moves the location of a fit by its logarithm and leaves the scale`() throws {
        var generator = SeededGenerator(seed: 3)
        let data = (0..<200).map { index in
            let t = exp(2 + 0.7 * log(-log(1 - generator.unit())))
            return ParametricFit.Observation(left: t, right: index % 4 == 0 ? .infinity : t)
        }
        let scaled = data.map { ParametricFit.Observation(left: $0.left * 1_000, right: $0.right * 1_000) }
        for family in ParametricFit.Family.allCases {
            let one = try #require(ParametricFit(family, to: data))
            let other = try #require(ParametricFit(family, to: scaled))
            #expect(agrees(other.location - one.location, log(1_000), 1e-8))
            #expect(agrees(other.scale, one.scale, 1e-8))
            #expect(agrees(one.survival(5), other.survival(5_000), 1e-8))
        }
    }
}
