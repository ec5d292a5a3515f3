import Glibc

/// ½ Σ c (x_high − x_low)² − Σ b x over the cumulative masses of some cells (x before the first is 0): what touches
/// the log-likelihood of censored intervals. methods: npmle
struct CumulativeQuadratic {
    /// b.
    private(set) var slope: [Double]
    /// The ends of each row's run of cells; low is −1 where the run begins with the first cell.
    private var low: [Int32] = []
    private var high: [Int32] = []
    private var curvature: [Double] = []
    private let ridge = 1e-12
    /// Multiplications that one factorisation may take.
    private let affordable: Double

    init(count: Int, affordable: Double = 2e7) {
        slope = [Double](repeating: 0, count: count)
        self.affordable = affordable
    }

    /// Adds a row that pulls its ends apart.
    mutating func add(low: Int, high: Int, curvature: Double, pull: Double) {
        slope[high] += pull
        if low >= 0 { slope[low] -= pull }
        self.low.append(Int32(low))
        self.high.append(Int32(high))
        self.curvature.append(curvature)
    }

    /// Pulls the last cumulative mass down by W: the masses want to sum to 1.
    mutating func pullDown(by weight: Double) { slope[slope.count - 1] -= weight }

    /// The minimum.
    func solved() -> [Double] {
        let whole = firstColumns(width: slope.count)
        if EnvelopeCholesky.cost(first: whole) <= affordable {
            var answer = slope
            factor(first: whole).solve(&answer)
            return answer
        }
        var width = slope.count
        var first = whole
        while width > 1 && EnvelopeCholesky.cost(first: first) > affordable {
            width /= 2
            first = firstColumns(width: width)
        }
        return conjugateGradient(factor(first: first))
    }

    private func firstColumns(width: Int) -> [Int] {
        var first = Array(slope.indices)
        for row in high.indices where low[row] >= 0 && high[row] - low[row] < width {
            first[Int(high[row])] = min(first[Int(high[row])], Int(low[row]))
        }
        return first
    }

    /// The factor of the matrix without the entries that the envelope has no place for.
    private func factor(first: [Int]) -> EnvelopeCholesky {
        var matrix = EnvelopeCholesky(first: first)
        for row in high.indices {
            let end = Int(high[row])
            matrix[end, end] += curvature[row]
            guard low[row] >= 0 else { continue }
            let begin = Int(low[row])
            matrix[begin, begin] += curvature[row]
            if begin >= first[end] { matrix[end, begin] -= curvature[row] }
        }
        matrix.factor(ridge: ridge)
        return matrix
    }

    /// Hestenes & Stiefel (1952), preconditioned. Long runs hold much mass, so the entries that the preconditioner
    /// lacks are the small ones. Stopped early it still points uphill.
    private func conjugateGradient(_ preconditioner: EnvelopeCholesky) -> [Double] {
        var answer = [Double](repeating: 0, count: slope.count)
        var rest = slope
        var eased = rest
        preconditioner.solve(&eased)
        var direction = eased
        var product = dot(rest, eased)
        let goal = product * 1e-24
        for _ in 0..<300 where product > goal {
            let image = applied(to: direction)
            let step = product / dot(direction, image)
            for index in answer.indices {
                answer[index] += step * direction[index]
                rest[index] -= step * image[index]
            }
            eased = rest
            preconditioner.solve(&eased)
            let next = dot(rest, eased)
            let turn = next / product
            product = next
            for index in direction.indices { direction[index] = eased[index] + turn * direction[index] }
        }
        return answer
    }

    private func applied(to x: [Double]) -> [Double] {
        var image = [Double](repeating: 0, count: x.count)
        for row in high.indices {
            let end = Int(high[row])
            guard low[row] >= 0 else {
                image[end] += curvature[row] * x[end] * (1 + ridge)
                continue
            }
            let begin = Int(low[row])
            image[end] += curvature[row] * (x[end] * (1 + ridge) - x[begin])
            image[begin] += curvature[row] * (x[begin] * (1 + ridge) - x[end])
        }
        return image
    }

    private func dot(_ left: [Double], _ right: [Double]) -> Double {
        var sum = 0.0
        for index in left.indices { sum += left[index] * right[index] }
        return sum
    }
}
