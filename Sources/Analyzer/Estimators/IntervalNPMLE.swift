import Glibc
public import Retry

/// The nonparametric maximum-likelihood law of durations known only to lie in (L, R] (Turnbull 1976).
///
/// All its mass sits in the maximal intersections of the intervals. Newton's method on those that carry mass, others
/// entering as they would gain (Wang 2008); the result is checked against Gentleman & Geyer's (1994) conditions: no
/// direction may gain.
/// methods: npmle
public struct IntervalNPMLE: Sendable {
    /// A stretch that carries mass; where in it is unknowable.
    public struct Cell: Equatable, Sendable {
        /// Exclusive.
        public var leftUs: Int64
        /// Inclusive; `Int64.max`: beyond everything observed.
        public var rightUs: Int64
        /// Its probability.
        public var mass: Double
    }

    /// The maximal intersections in order, with their masses.
    public let cells: [Cell]
    /// Σ w log P(interval).
    public let logLikelihood: Double
    /// How much the log-likelihood could still gain at most: W × (max gradient − 1), from concavity.
    public let gap: Double
    /// Newton steps taken.
    public let iterations: Int
    /// The weight of all intervals.
    public let total: Double

    /// How close to the maximum the log-likelihood is brought, and at most how many steps that may take.
    public struct Tolerance: Sendable {
        /// Upper bound of what is left to gain.
        public var gap: Double
        /// Newton steps.
        public var iterations: Int

        /// A tolerance.
        public init(gap: Double = 1e-7, iterations: Int = 500) {
            self.gap = gap
            self.iterations = iterations
        }
    }

    /// The law; `weights` are frequencies (default 1). Without intervals it has no cells.
    ///
    /// - Precondition: L < R for every interval. Cost: O(n log n) once, then per step O(n) and a sparse
    ///   factorisation over the cells with mass; 20,000 intervals take some ten steps.
    public init(_ intervals: [CensoredInterval], weights: [Double]? = nil, tolerance: Tolerance = Tolerance()) {
        precondition(intervals.allSatisfy { $0.leftUs < $0.rightUs }, "an interval must not be empty: L < R")
        let problem = NPMLEProblem(intervals, weights: weights)
        self.init(problem, start: nil, tolerance: tolerance)
    }

    init(_ problem: NPMLEProblem, start: [Double]?, tolerance: Tolerance) {
        var solver = NPMLESolver(problem, start: start)
        iterations = solver.run(tolerance)
        total = problem.total
        gap = solver.gap
        logLikelihood = solver.logLikelihood
        var cells: [Cell] = []
        for index in problem.cells.indices {
            let span = problem.cells[index]
            cells.append(Cell(leftUs: span.leftUs, rightUs: span.rightUs, mass: solver.mass[index]))
        }
        self.cells = cells
    }

    /// P(T ≤ `us`): mass in cells wholly at or before `us`, and the most it could be.
    public func bounds(atUs us: Int64) -> ClosedRange<Double> {
        var low = 0.0
        var high = 0.0
        for cell in cells where cell.leftUs < us {
            high += cell.mass
            if cell.rightUs <= us { low += cell.mass }
        }
        return min(low, 1)...min(max(low, high), 1)
    }

    /// P(T ≤ `us`) with each cell's mass spread evenly over it (mass past everything observed stays there).
    public func probability(withinUs us: Int64) -> Double {
        var sum = 0.0
        for cell in cells where cell.leftUs < us {
            if cell.rightUs <= us {
                sum += cell.mass
            } else if cell.rightUs != .max {
                sum += cell.mass * Double(us - cell.leftUs) / Double(cell.rightUs - cell.leftUs)
            }
        }
        return min(1, sum)
    }

    /// The least t with P(T ≤ t) ≥ `p`, cells spread evenly; `nil` if it lies past everything observed.
    public func quantileUs(_ p: Double) -> Int64? {
        var sum = 0.0
        for cell in cells {
            if sum + cell.mass >= p - 1e-12 {
                if cell.rightUs == .max { return nil }
                let share = cell.mass > 0 ? min(1, max(0, (p - sum) / cell.mass)) : 0
                return cell.leftUs + Int64((share * Double(cell.rightUs - cell.leftUs)).rounded(.up))
            }
            sum += cell.mass
        }
        return nil
    }
}

/// Intervals reduced to ranges of maximal intersections; equal ranges are one row with their summed weight.
struct NPMLEProblem: Sendable {
    var cells: [CensoredInterval] = []
    /// First and last cell of each row.
    var first: [Int32] = []
    var last: [Int32] = []
    var weight: [Double] = []
    /// The row of each interval given.
    var rowOfInterval: [Int32] = []
    var total = 0.0

    init(_ intervals: [CensoredInterval], weights: [Double]?) {
        cells = Self.maximalIntersections(intervals)
        let lefts = cells.map(\.leftUs)
        let rights = cells.map(\.rightUs)
        var known: [UInt64: Int32] = [:]
        for (index, interval) in intervals.enumerated() {
            let begin = Self.count(lefts) { $0 < interval.leftUs }
            let end = Self.count(rights) { $0 <= interval.rightUs } - 1
            let key = UInt64(begin) << 32 | UInt64(end)
            let row = known[key] ?? Int32(first.count)
            if row == first.count {
                known[key] = row
                first.append(Int32(begin))
                last.append(Int32(end))
                weight.append(0)
            }
            weight[Int(row)] += weights?[index] ?? 1
            rowOfInterval.append(row)
        }
        total = weight.reduce(0, +)
    }

    /// The same rows with other weights, one per interval given.
    func reweighted(_ weights: [Double]) -> NPMLEProblem {
        var copy = self
        for row in copy.weight.indices { copy.weight[row] = 0 }
        for (index, row) in rowOfInterval.enumerated() { copy.weight[Int(row)] += weights[index] }
        copy.total = copy.weight.reduce(0, +)
        return copy
    }

    /// A left end followed by a right end with no other end between. At ties right ends come first: (a, b] and (b, c]
    /// do not meet.
    private static func maximalIntersections(_ intervals: [CensoredInterval]) -> [CensoredInterval] {
        let lefts = Array(Set(intervals.map(\.leftUs))).sorted()
        let rights = Array(Set(intervals.map(\.rightUs))).sorted()
        var cells: [CensoredInterval] = []
        var right = 0
        for (index, left) in lefts.enumerated() {
            while right < rights.count && rights[right] <= left { right += 1 }
            guard right < rights.count else { break }
            let isBeforeNextLeft = index + 1 == lefts.count || rights[right] <= lefts[index + 1]
            if isBeforeNextLeft { cells.append(CensoredInterval(leftUs: left, rightUs: rights[right])) }
        }
        return cells
    }

    private static func count(_ sorted: [Int64], where isBefore: (Int64) -> Bool) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(sorted[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
