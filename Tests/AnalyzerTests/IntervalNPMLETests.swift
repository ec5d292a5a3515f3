import Glibc
import Retry
import TestSupport
import Testing

@testable import Analyzer

/// Inputs of many shapes, and the linear algebra beneath.
@Suite struct IntervalNPMLETests {
    /// Shapes of interval-censored data, from a few broad cells to thousands of exact ones.
    enum Censoring: CaseIterable {
        /// Two inspections of a Weibull time.
        case inspected
        /// One inspection: early or late.
        case currentStatus
        /// Failures over nine decades between probes that lie far apart.
        case probed
        /// The same between dense probes.
        case denselyProbed
        /// Widths over eight decades.
        case anyWidth
        /// Exact or right-censored.
        case exact
        /// Half of them almost exact, half anything.
        case halves
        /// Each meets only its neighbours.
        case neighbours
    }

    static func intervals(_ shape: Censoring, _ count: Int, seed: UInt64) -> [CensoredInterval] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { one(shape, $0, &generator) }
    }

    private static func one(_ shape: Censoring, _ index: Int, _ g: inout SeededGenerator) -> CensoredInterval {
        func between(_ left: Double, _ right: Double) -> CensoredInterval {
            CensoredInterval(leftUs: Int64(max(0, left)), rightUs: right < 9e18 ? Int64(right) + 1 : .max)
        }
        let weibull = 1e6 * pow(-log(1 - g.unit()), 1 / 0.7)
        switch shape {
        case .inspected:
            let first = 3e6 * g.unit()
            let second = first + 3e6 * g.unit()
            return weibull <= first
                ? between(0, first) : weibull <= second ? between(first, second) : between(second, .infinity)
        case .currentStatus:
            let at = 4e6 * g.unit()
            return weibull <= at ? between(0, at) : between(at, .infinity)
        case .probed, .denselyProbed:
            let apart = shape == .probed ? 3.0 : 0.05
            let time = 1e3 * exp(18 * g.unit())
            let left = time / exp(apart * g.unit())
            return between(left, g.unit() < 0.05 ? .infinity : time * exp(apart * g.unit()))
        case .anyWidth:
            let width = exp(18 * g.unit())
            let left = max(0, 1e9 * g.unit() - width * g.unit())
            return between(left, left + width)
        case .exact:
            let time = Int64(1e9 * -log(1 - g.unit())) + 1
            return g.unit() < 0.3
                ? CensoredInterval(leftUs: time, rightUs: .max) : CensoredInterval(leftUs: time - 1, rightUs: time)
        case .halves:
            let time = 1e9 * g.unit()
            return index % 2 == 0
                ? between(time, time + 3) : between(time * g.unit(), time + (1e9 - time) * g.unit())
        case .neighbours: return CensoredInterval(leftUs: Int64(index) * 2, rightUs: Int64(index) * 2 + 3)
        }
    }

    /// max over cells of (1/W) Σ w/P, from the masses alone, by prefix sums.
    private func greatestGradient(_ law: IntervalNPMLE, _ data: [CensoredInterval]) -> Double {
        var before = [0.0]
        for cell in law.cells { before.append(before[before.count - 1] + cell.mass) }
        var change = [Double](repeating: 0, count: law.cells.count + 1)
        for one in data {
            let begin = law.cells.partitioningIndex { $0.leftUs >= one.leftUs }
            let end = law.cells.partitioningIndex { $0.rightUs > one.rightUs }
            let share = 1 / (before[end] - before[begin])
            change[begin] += share
            change[end] -= share
        }
        var sum = 0.0
        return change.dropLast().reduce(0) { most, step in
            sum += step
            return max(most, sum)
        } / Double(data.count)
    }

    @Test(arguments: Censoring.allCases, [300, 3_000])
    func `every shape reaches its maximum in few steps`(shape: Censoring, count: Int) {
        let data = Self.intervals(shape, count, seed: 11)
        let law = IntervalNPMLE(data)
        #expect(law.gap <= 1e-7)
        #expect(law.iterations <= 40)
        #expect(agrees(law.cells.reduce(0) { $0 + $1.mass }, 1, 1e-12))
        #expect(law.cells.allSatisfy { $0.mass >= 0 })
        // The bound holds for the masses as they are, not just as the solver saw them.
        #expect(Double(count) * (greatestGradient(law, data) - 1) <= 1e-6)
    }

    @Test(arguments: Censoring.allCases)
    func `twenty thousand intervals take as few steps`(shape: Censoring) {
        let law = IntervalNPMLE(Self.intervals(shape, 20_000, seed: 12))
        #expect(law.gap <= 1e-7)
        #expect(law.iterations <= 40)
    }

    @Test func `five hundred neighbours, flat in half of all directions, reach the maximum`() throws {
        let law = IntervalNPMLE(try Classics.hardIntervals("npmle_neighbours.csv"))
        #expect(law.gap <= 1e-7)
        // Each pair of neighbouring cells can have 1/250 at most.
        #expect(agrees(law.logLikelihood, -500 * log(250), 1e-12))
    }

    @Test func `a start elsewhere and whole-number weights end where copies do`() {
        let data = Self.intervals(.probed, 400, seed: 5)
        let weights = data.indices.map { Double($0 % 4) }
        let copies = zip(data, weights).flatMap { [CensoredInterval](repeating: $0, count: Int($1)) }
        let problem = NPMLEProblem(data, weights: nil)
        let whole = IntervalNPMLE(problem, start: nil, tolerance: .init())
        let again = IntervalNPMLE(
            problem.reweighted(weights), start: whole.cells.map(\.mass), tolerance: .init())
        let copied = IntervalNPMLE(copies)
        #expect(again.gap <= 1e-7 && copied.gap <= 1e-7)
        #expect(agrees(again.logLikelihood, copied.logLikelihood, 1e-9))
        for us in [1_000, 100_000, 10_000_000, 1_000_000_000] as [Int64] {
            let bounds = copied.bounds(atUs: us)
            let found = again.bounds(atUs: us)
            #expect(found.lowerBound <= bounds.upperBound + 1e-6 && bounds.lowerBound <= found.upperBound + 1e-6)
        }
    }

    @Test(arguments: 0..<3)
    func `small problems of every kind of weight reach their maximum`(kind: Int) {
        for seed in 0..<400 as Range<UInt64> {
            var g = SeededGenerator(seed: seed &* 977 &+ UInt64(kind))
            let count = 1 + Int(200 * g.unit() * g.unit())
            let spread = 3 + 300 * g.unit() * g.unit()
            let width = 1 + spread * g.unit()
            let data = (0..<count).map { _ in
                let left = Int64(spread * g.unit())
                return CensoredInterval(
                    leftUs: left, rightUs: g.unit() < 0.2 ? .max : left + 1 + Int64(width * g.unit()))
            }
            // Equal, whole numbers with zeros, anything below 1.
            let weights = data.map { _ in kind == 0 ? 1 : kind == 1 ? Double(Int(4 * g.unit())) : g.unit() }
            let law = IntervalNPMLE(data, weights: weights)
            #expect(law.gap <= 1e-7, "\(g)")
            #expect(law.iterations <= 60, "\(g)")
            #expect(agrees(law.cells.reduce(0) { $0 + $1.mass }, 1, 1e-9), "\(g)")
        }
    }

    /// Gauss's elimination.
    private func eliminated(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var a = matrix
        var b = right
        for pivot in b.indices {
            for row in pivot + 1..<b.count {
                let factor = a[row][pivot] / a[pivot][pivot]
                for column in pivot..<b.count { a[row][column] -= factor * a[pivot][column] }
                b[row] -= factor * b[pivot]
            }
        }
        for row in b.indices.reversed() {
            for column in row + 1..<b.count { b[row] -= a[row][column] * b[column] }
            b[row] /= a[row][row]
        }
        return b
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `EnvelopeCholesky and CumulativeQuadratic, direct and by conjugate gradients, equal elimination`(seed: UInt64)
    {
        var generator = SeededGenerator(seed: seed)
        let count = 40
        var direct = CumulativeQuadratic(count: count)
        var iterated = CumulativeQuadratic(count: count, affordable: 200)
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
        for row in 0..<160 {
            // The first rows tie every cell to the one before.
            let high = row < count ? row : Int.random(in: 0..<count, using: &generator)
            let low = row < count ? row - 1 : Int.random(in: -1..<high, using: &generator)
            let curvature = exp(6 * generator.unit()) / Double(high - low)
            let pull = generator.unit()
            direct.add(low: low, high: high, curvature: curvature, pull: pull)
            iterated.add(low: low, high: high, curvature: curvature, pull: pull)
            matrix[high][high] += curvature
            if low < 0 { continue }
            matrix[low][low] += curvature
            matrix[high][low] -= curvature
            matrix[low][high] -= curvature
        }
        direct.pullDown(by: 3)
        iterated.pullDown(by: 3)
        let truth = eliminated(matrix, direct.slope)
        for (index, value) in direct.solved().enumerated() {
            #expect(agrees(value, truth[index], 1e-9), "\(generator)")
        }
        for (index, value) in iterated.solved().enumerated() {
            #expect(agrees(value, truth[index], 1e-8), "\(generator)")
        }
        var factor = EnvelopeCholesky(first: [Int](repeating: 0, count: count))
        for row in 0..<count { for column in 0...row { factor[row, column] = matrix[row][column] } }
        factor.factor(ridge: 0)
        var answer = direct.slope
        factor.solve(&answer)
        for index in answer.indices { #expect(agrees(answer[index], truth[index], 1e-10)) }
        #expect(EnvelopeCholesky.cost(first: [0, 0, 2]) == 0.5 + 2 + 0.5)
    }
}

extension Array {
    /// The first index whose element is on the far side, by bisection.
    fileprivate func partitioningIndex(where isBeyond: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
