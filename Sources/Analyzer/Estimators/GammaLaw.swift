import Glibc

/// The gamma law of scale 1 and shape a: the time until the a-th event of a Poisson process of rate 1.
enum GammaLaw {
    /// P(X ≤ `x`): its series below a + 1, the continued fraction of the rest above (Abramowitz & Stegun
    /// 6.5.29, 6.5.31).
    static func cumulative(_ x: Double, shape a: Double) -> Double {
        if x <= 0 { return 0 }
        let front = exp(a * log(x) - x - lgamma(a))
        if x < a + 1 {
            var term = 1 / a
            var sum = term
            var next = a
            while abs(term) > abs(sum) * 1e-16 {
                next += 1
                term *= x / next
                sum += term
            }
            return min(1, front * sum)
        }
        return max(0, 1 - front * restOverFront(x, shape: a))
    }

    /// Γ(a, x) / (x^a e^−x) by Lentz's method.
    private static func restOverFront(_ x: Double, shape a: Double) -> Double {
        let least = 1e-300
        var b = x + 1 - a
        var c = 1 / least
        var d = 1 / b
        var fraction = d
        for step in 1...10_000 {
            let numerator = -Double(step) * (Double(step) - a)
            b += 2
            d = numerator * d + b
            c = b + numerator / c
            if abs(d) < least { d = least }
            if abs(c) < least { c = least }
            d = 1 / d
            fraction *= d * c
            if abs(d * c - 1) < 1e-16 { break }
        }
        return fraction
    }

    /// x with P(X ≤ x) = `p`, by bisection on log x; 0 and ∞ at the ends.
    static func quantile(_ p: Double, shape a: Double) -> Double {
        if p <= 0 { return 0 }
        if p >= 1 { return .infinity }
        var low = -800.0
        var high = log(a + 40 * (a.squareRoot() + 1))
        for _ in 0..<200 where high - low > 1e-15 * max(1, abs(low)) {
            let middle = (low + high) / 2
            if cumulative(exp(middle), shape: a) < p { low = middle } else { high = middle }
        }
        return exp((low + high) / 2)
    }
}
