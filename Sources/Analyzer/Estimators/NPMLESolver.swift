import Glibc

/// EM and iterated convex minorant in turn, O(rows + cells) a step. methods: npmle
struct NPMLESolver {
    private let problem: NPMLEProblem
    private(set) var mass: [Double]
    private(set) var logLikelihood = -Double.infinity
    private(set) var gap = Double.infinity
    private var probability: [Double]
    /// (1/W) Σ w/P over the rows that hold the cell: 1 at the maximum where there is mass, at most 1 elsewhere.
    private var gradient: [Double]
    private var difference: [Double]

    init(_ problem: NPMLEProblem, start: [Double]?) {
        self.problem = problem
        let count = problem.cells.count
        mass = start ?? [Double](repeating: 1 / Double(max(1, count)), count: count)
        if start != nil {
            // A cell that starts at zero could never come back by EM.
            for index in mass.indices { mass[index] = 0.999 * mass[index] + 0.001 / Double(count) }
        }
        probability = [Double](repeating: 1, count: problem.first.count)
        gradient = [Double](repeating: 0, count: count)
        difference = [Double](repeating: 0, count: count + 1)
    }

    /// Runs to the tolerance; returns the pairs of steps taken.
    mutating func run(_ tolerance: IntervalNPMLE.Tolerance) -> Int {
        guard !problem.cells.isEmpty, problem.total > 0 else {
            logLikelihood = 0
            gap = 0
            return 0
        }
        logLikelihood = evaluate(mass)
        refreshGradient()
        for iteration in 1...max(1, tolerance.iterations) {
            for _ in 0..<2 { expectationStep() }
            minorantStep()
            if iteration % 8 == 0 { vertexStep() }
            if gap <= tolerance.gap { return iteration }
        }
        return tolerance.iterations
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
        var sum = 0.0
        for index in mass.indices {
            mass[index] *= gradient[index]
            sum += mass[index]
        }
        for index in mass.indices { mass[index] /= sum }
        logLikelihood = evaluate(mass)
        refreshGradient()
    }

    /// One Newton step on the cumulative masses with the diagonal of the Hessian, projected on the increasing ones by
    /// weighted isotonic regression, then halved until the likelihood grows.
    private mutating func minorantStep() {
        let count = mass.count - 1
        guard count > 0 else { return }
        var slope = [Double](repeating: 0, count: count)
        var curvature = slope
        for row in probability.indices where problem.weight[row] > 0 {
            let pull = problem.weight[row] / probability[row]
            let last = Int(problem.last[row])
            let before = Int(problem.first[row]) - 1
            if last < count {
                slope[last] += pull
                curvature[last] += pull / probability[row]
            }
            if before >= 0 {
                slope[before] -= pull
                curvature[before] += pull / probability[row]
            }
        }
        var target = slope
        var sum = 0.0
        for index in 0..<count {
            sum += mass[index]
            if curvature[index] <= 0 { curvature[index] = 1e-9 }
            target[index] = sum + slope[index] / curvature[index]
        }
        Isotonic.fit(&target, weights: curvature)
        search(towards: target)
    }

    private mutating func search(towards target: [Double]) {
        var goal = mass
        var before = 0.0
        for index in target.indices {
            let value = min(1, max(0, target[index]))
            goal[index] = max(0, value - before)
            before = max(before, value)
        }
        goal[goal.count - 1] = max(0, 1 - before)
        var share = 1.0
        for _ in 0..<12 {
            var trial = mass
            for index in trial.indices { trial[index] += share * (goal[index] - trial[index]) }
            let value = evaluate(trial)
            if value > logLikelihood {
                mass = trial
                logLikelihood = value
                refreshGradient()
                return
            }
            share *= 0.5
        }
        logLikelihood = evaluate(mass)
    }

    /// Gives a little mass to the cell that would gain most, if it has none: EM alone would never look there again.
    private mutating func vertexStep() {
        guard let best = gradient.indices.max(by: { gradient[$0] < gradient[$1] }), gradient[best] > 1,
            mass[best] < 1e-10
        else { return }
        var share = 1e-3
        for _ in 0..<20 {
            var trial = mass
            for index in trial.indices { trial[index] *= 1 - share }
            trial[best] += share
            let value = evaluate(trial)
            if value > logLikelihood {
                mass = trial
                logLikelihood = value
                refreshGradient()
                return
            }
            share *= 0.25
        }
        logLikelihood = evaluate(mass)
    }
}

/// Weighted isotonic regression by pooling adjacent violators.
enum Isotonic {
    /// Replaces `values` by the increasing sequence that is nearest in weighted least squares. O(n).
    static func fit(_ values: inout [Double], weights: [Double]) {
        var level: [Double] = []
        var weight: [Double] = []
        var length: [Int] = []
        for index in values.indices {
            level.append(values[index])
            weight.append(weights[index])
            length.append(1)
            while level.count > 1 && level[level.count - 2] >= level[level.count - 1] {
                let top = level.count - 1
                let joined = weight[top] + weight[top - 1]
                level[top - 1] = (level[top] * weight[top] + level[top - 1] * weight[top - 1]) / joined
                weight[top - 1] = joined
                length[top - 1] += length[top]
                level.removeLast()
                weight.removeLast()
                length.removeLast()
            }
        }
        var position = 0
        for block in level.indices {
            for _ in 0..<length[block] {
                values[position] = level[block]
                position += 1
            }
        }
    }
}
