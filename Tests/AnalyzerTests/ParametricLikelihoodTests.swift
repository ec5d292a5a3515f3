import Glibc
import TestSupport
import Testing

@testable import Analyzer

@Suite struct ParametricLikelihoodTests {
    typealias Observation = ParametricFit.Observation

    /// Exact values, bins side by side, bins apart, upper and lower bounds.
    private let observations: [Observation] = [
        Observation(left: 3, right: 3, weight: 2), Observation(left: 0, right: 2, weight: 1.5),
        Observation(left: 2, right: 4), Observation(left: 4, right: 7, weight: 3), Observation(left: 9, right: 30),
        Observation(left: 6, right: .infinity, weight: 0.7), Observation(left: 0, right: .infinity),
    ]

    @Test(arguments: ParametricFit.Family.allCases, [0, 1.5])
    func `slopes and curvatures are those of differences`(family: ParametricFit.Family, floor: Double) {
        let used = observations.filter { floor == 0 || $0.left >= floor }
        let likelihood = ParametricLikelihood(family, used, truncatedBelow: floor)
        for (location, logScale) in [(1.2, 0.0), (2.5, -0.7), (0.3, 0.9)] {
            func at(_ a: Double, _ b: Double) -> ParametricLikelihood.Point {
                var point = ParametricLikelihood.Point(location: location + a, logScale: logScale + b)
                likelihood.evaluate(&point)
                return point
            }
            let (here, h) = (at(0, 0), 1e-5)
            let (right, left, above, below) = (at(h, 0), at(-h, 0), at(0, h), at(0, -h))
            #expect(agrees(here.gradient.0, (right.value - left.value) / (2 * h), 1e-7))
            #expect(agrees(here.gradient.1, (above.value - below.value) / (2 * h), 1e-7))
            #expect(agrees(here.curvature.0, (right.gradient.0 - left.gradient.0) / (2 * h), 1e-7))
            #expect(agrees(here.curvature.1, (right.gradient.1 - left.gradient.1) / (2 * h), 1e-7))
            #expect(agrees(here.curvature.1, (above.gradient.0 - below.gradient.0) / (2 * h), 1e-7))
            #expect(agrees(here.curvature.2, (above.gradient.1 - below.gradient.1) / (2 * h), 1e-7))
        }
    }

    @Test(arguments: ParametricFit.Family.allCases)
    func `the likelihood is the sum of its observations by the definition`(family: ParametricFit.Family) {
        let (location, scale) = (1.7, 0.6)
        func score(_ t: Double) -> Double { (log(t) - location) / scale }
        let expected = observations.map { one -> Double in
            if one.left == one.right { return family.logDensity(score(one.left)) - log(scale) - log(one.left) }
            let (before, after) = (
                one.left > 0 ? exp(family.logSurvival(score(one.left))) : 1,
                one.right == .infinity ? 0 : exp(family.logSurvival(score(one.right)))
            )
            return log(before - after)
        }
        let likelihood = ParametricLikelihood(family, observations)
        var values = Array(repeating: 0.0, count: observations.count)
        likelihood.logLikelihoods(location: location, scale: scale, into: &values)
        for (found, wanted) in zip(values, expected) { #expect(agrees(found, wanted, 1e-12)) }
        var point = ParametricLikelihood.Point(location: location, logScale: log(scale))
        likelihood.evaluate(&point)
        let sum = zip(observations, expected).reduce(0) { $0 + $1.0.weight * $1.1 }
        #expect(agrees(point.value, sum, 1e-12))
    }

    @Test(arguments: ParametricFit.Family.allCases)
    func `far from everything seen nothing is worse than without a value`(family: ParametricFit.Family) {
        let likelihood = ParametricLikelihood(family, observations)
        for (location, logScale) in [(-60.0, -3.0), (60, -3), (800, -6), (-800, -6)] {
            var point = ParametricLikelihood.Point(location: location, logScale: logScale)
            likelihood.evaluate(&point)
            #expect(!(point.value > -100))
        }
    }
}
