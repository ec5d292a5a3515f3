import Glibc

/// Newton's method on the cells that carry mass, cells without mass entering where the likelihood would gain most.
///
/// The masses that maximise Σ w log P − W Σ p over p ≥ 0 sum to 1 by themselves, so that only signs constrain them.
/// Over the cumulative masses the Hessian is a weighted graph: every row joins the two ends of its run of cells.
/// methods: npmle
struct NPMLESolver {
    private let problem: NPMLEProblem
    private(set) var mass: [Double]
    private(set) var logLikelihood = -Double.infinity
    private(set) var gap = Double.infinity
    private var probability: [Double]
    /// (1/W) Σ w/P over the rows that hold the cell: 1 at the maximum where there is mass, at most 1 elsewhere.
    private var gradient: [Double]
    /// Cells that may carry mass, ascending.
    private var support: [Int] = []
    private var difference: [Double]
    /// What a step may lose to rounding.
    private var slack: Double { 1e-14 * (problem.total + abs(logLikelihood)) }

    init(_ problem: NPMLEProblem, start: [Double]?) {
        self.problem = problem
        let count = problem.cells.count
        mass = [Double](repeating: 0, count: count)
        probability = [Double](repeating: 1, count: problem.first.count)
        gradient = [Double](repeating: 0, count: count)
        difference = [Double](repeating: 0, count: count + 1)
        guard count > 0 else { return }
        let piercing = Self.piercing(problem)
        for cell in piercing { mass[cell] = 1 / Double(piercing.count) }
        if let start { for cell in mass.indices { mass[cell] = 0.001 * mass[cell] + 0.999 * start[cell] } }
        support = mass.indices.filter { mass[$0] > 0 }
    }

    /// The fewest cells such that every row holds one: the last cell of the row that ends first, again and again.
    private static func piercing(_ problem: NPMLEProblem) -> [Int] {
        var latestFirst = [Int](repeating: -1, count: problem.cells.count)
        for row in problem.first.indices where problem.weight[row] > 0 {
            let last = Int(problem.last[row])
            latestFirst[last] = max(latestFirst[last], Int(problem.first[row]))
        }
        var cells: [Int] = []
        for cell in latestFirst.indices where latestFirst[cell] > cells.last ?? -1 || cells.isEmpty {
            if latestFirst[cell] >= 0 { cells.append(cell) }
        }
        return cells.isEmpty ? [0] : cells
    }

    /// Runs to the tolerance; returns the steps taken.
    mutating func run(_ tolerance: IntervalNPMLE.Tolerance) -> Int {
        guard !problem.cells.isEmpty, problem.total > 0 else {
            logLikelihood = 0
            gap = 0
            return 0
        }
        logLikelihood = evaluate(mass)
        refreshGradient()
        for _ in 0..<4 { expectationStep() }
        var standing = 0
        for step in 1...max(1, tolerance.iterations) {
            if gap <= tolerance.gap { return step - 1 }
            let before = (logLikelihood, gap)
            // More cells only when those at hand are about settled among themselves.
            if gap > 0.1 * imbalance { enter(onlyBest: standing > 0) }
            newtonStep()
            refreshGradient()
            // Where rounding is all that is left, nothing moves any more.
            standing = logLikelihood > before.0 + slack || gap < before.1 * 0.9 ? 0 : standing + 1
            if standing > 0 { expectationStep() }
            if standing >= 20 { return step }
        }
        return tolerance.iterations
    }

    /// W × the greatest |gradient − 1| where there is mass.
    private var imbalance: Double {
        var most = 0.0
        for cell in support where mass[cell] > 0 { most = max(most, abs(gradient[cell] - 1)) }
        return most * problem.total
    }

    /// Σ w log P for masses; leaves P in `probability`.
    private mutating func evaluate(_ mass: [Double]) -> Double {
        var sum = 0.0
        for index in mass.indices {
            difference[index] = sum
            sum += mass[index]
        }
        difference[mass.count] = sum
        var value = 0.0
        for row in probability.indices where problem.weight[row] > 0 {
            let p = difference[Int(problem.last[row]) + 1] - difference[Int(problem.first[row])]
            probability[row] = p
            value += p > 0 ? problem.weight[row] * log(p) : -.infinity
        }
        return value
    }

    private mutating func refreshGradient() {
        for index in difference.indices { difference[index] = 0 }
        for row in probability.indices where problem.weight[row] > 0 {
            let share = problem.weight[row] / probability[row]
            difference[Int(problem.first[row])] += share
            difference[Int(problem.last[row]) + 1] -= share
        }
        var sum = 0.0
        var most = 0.0
        for index in gradient.indices {
            sum += difference[index]
            gradient[index] = sum / problem.total
            most = max(most, gradient[index])
        }
        gap = problem.total * max(0, most - 1)
    }

    /// p ← p × gradient: never loses likelihood.
    private mutating func expectationStep() {
        var trial = mass
        var sum = 0.0
        for cell in support {
            trial[cell] *= gradient[cell]
            sum += trial[cell]
        }
        for cell in support { trial[cell] /= sum }
        accept(trial, evaluate(trial))
        refreshGradient()
    }

    private mutating func accept(_ trial: [Double], _ value: Double) {
        mass = trial
        logLikelihood = value
    }

    /// Between every two neighbours in the support, the cell that would gain most, if it would gain (Wang 2008); or
    /// only the best of these.
    private mutating func enter(onlyBest: Bool) {
        var entering: [Int] = []
        var from = 0
        for end in support + [mass.count] {
            var best = -1
            for cell in from..<max(from, end) where gradient[cell] > 1 {
                if best < 0 || gradient[cell] > gradient[best] { best = cell }
            }
            if best >= 0 { entering.append(best) }
            from = end + 1
        }
        if onlyBest, let best = entering.max(by: { gradient[$0] < gradient[$1] }) { entering = [best] }
        if !entering.isEmpty { support = (support + entering).sorted() }
    }

    private mutating func newtonStep() {
        let first = newtonGoal(over: support)
        // Masses that would become negative are taken out together; what is left is solved again until none is.
        var kept = support
        var goal = first
        for _ in 0..<20 {
            guard goal.contains(where: { $0 < 0 }) else { break }
            let positive = kept.indices.filter { goal[$0] >= 0 }
            kept = positive.map { kept[$0] }
            goal = newtonGoal(over: kept)
        }
        var target = [Double](repeating: 0, count: support.count)
        var place = 0
        var slope = 0.0
        for (index, cell) in support.enumerated() {
            if place < kept.count && kept[place] == cell {
                target[index] = max(0, goal[place])
                place += 1
            }
            slope += (gradient[cell] - 1) * (target[index] - mass[cell])
        }
        if slope > 0, search(towards: target, most: 1, halvings: 6) { return }
        boundaryStep(towards: first)
    }

    /// Along Newton's direction as far as the first mass that becomes zero: never wrong, but one cell at a time.
    private mutating func boundaryStep(towards first: [Double]) {
        let stays = support.indices.filter { first[$0] >= 0 || mass[support[$0]] > 0 }
        let hasLeft = stays.count < support.count
        support = stays.map { support[$0] }
        let goal = hasLeft ? newtonGoal(over: support) : first
        var most = 1.0
        for (place, cell) in support.enumerated() where goal[place] < 0 {
            most = min(most, mass[cell] / (mass[cell] - goal[place]))
        }
        if !search(towards: goal, most: most, halvings: 30) { support = support.filter { mass[$0] > 0 } }
    }

    /// The masses of some cells, all others zero, at the maximum of the quadratic that touches the likelihood here.
    private func newtonGoal(over cells: [Int]) -> [Double] {
        let count = cells.count
        // How many of the cells, and how much of their mass, lie before each cell.
        var places = [Int32](repeating: 0, count: mass.count + 1)
        var masses = [Double](repeating: 0, count: mass.count + 1)
        var place = 0
        for cell in mass.indices {
            let isOne = place < count && cells[place] == cell
            masses[cell + 1] = masses[cell] + (isOne ? mass[cell] : 0)
            if isOne { place += 1 }
            places[cell + 1] = Int32(place)
        }
        var quadratic = CumulativeQuadratic(count: count)
        for row in probability.indices where problem.weight[row] > 0 {
            let begin = Int(problem.first[row])
            let end = Int(problem.last[row]) + 1
            let low = Int(places[begin]) - 1
            let high = Int(places[end]) - 1
            if high == low { continue }
            let share = problem.weight[row] / probability[row]
            quadratic.add(
                low: low, high: high, curvature: share / probability[row],
                pull: share * (2 - (masses[end] - masses[begin]) / probability[row]))
        }
        quadratic.pullDown(by: problem.total)
        let move = quadratic.solved()
        return (0..<count).map { mass[cells[$0]] + move[$0] - ($0 > 0 ? move[$0 - 1] : 0) }
    }

    /// Moves towards the goal, at most the share `most` of the way, halved until the likelihood grows.
    private mutating func search(towards goal: [Double], most: Double, halvings: Int) -> Bool {
        var share = most
        for _ in 0..<halvings {
            var trial = mass
            var sum = 0.0
            for (place, cell) in support.enumerated() {
                let moved = mass[cell] + share * (goal[place] - mass[cell])
                trial[cell] = moved > 1e-12 * mass[cell] ? moved : 0
                sum += trial[cell]
            }
            for cell in support { trial[cell] /= sum }
            let value = evaluate(trial)
            if value >= logLikelihood - slack {
                accept(trial, value)
                support = support.filter { trial[$0] > 0 }
                return true
            }
            share *= 0.5
        }
        logLikelihood = evaluate(mass)
        return false
    }
}
