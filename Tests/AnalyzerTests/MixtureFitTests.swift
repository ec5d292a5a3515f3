import Glibc
import TestSupport
import Testing

@testable import Analyzer

@Suite struct MixtureFitTests {
    typealias Observation = ParametricFit.Observation

    /// 80 % log-normal around 5, 20 % around 60; what exceeds `limit` is cut off there.
    private func two(_ count: Int, limit: Double = .infinity, _ generator: inout SeededGenerator) -> [Observation] {
        (0..<count).map { _ in
            let middle = generator.unit() < 0.8 ? log(5.0) : log(60.0)
            let t = exp(middle + 0.4 * NormalLaw.quantile(generator.unit() * 0.999_998 + 1e-6))
            return t > limit ? Observation(left: limit, right: .infinity) : Observation(left: t, right: t)
        }
    }

    @Test(arguments: ParametricFit.Family.allCases)
    func `one part is the single law`(family: ParametricFit.Family) throws {
        var generator = SeededGenerator(seed: 2)
        let data = two(300, limit: 80, &generator)
        let single = try #require(ParametricFit(family, to: data))
        let mixture = try #require(MixtureFit(family, parts: 1, to: data))
        #expect(agrees(mixture.logLikelihood, single.logLikelihood, 1e-9))
        #expect(agrees(mixture.aic, single.aic, 1e-9))
        #expect(agrees(mixture.parts[0].law.location, single.location, 1e-7))
    }

    @Test(arguments: [Double.infinity, 70])
    func `two known parts are found, cut off or not, and Akaike prefers them`(limit: Double) throws {
        var generator = SeededGenerator(seed: 3)
        let data = two(1_000, limit: limit, &generator)
        let found = try #require(MixtureFit(.logNormal, parts: 2, to: data))
        // Standard errors: of a share 0.013, of a location 0.4/√800 and 0.4/√200, more under censoring.
        #expect(abs(found.parts[0].share - 0.8) < 0.045)
        #expect(abs(found.parts[0].law.location - log(5)) < 0.06)
        #expect(abs(found.parts[1].law.location - log(60)) < 0.15)
        #expect(abs(found.parts[0].law.scale - 0.4) < 0.05)
        let single = try #require(ParametricFit(.logNormal, to: data))
        #expect(found.aic < single.aic - 20)
        #expect(agrees(found.survival(0.0001), 1, 1e-9))
    }

    @Test func `two exponentials by hand: no nearby parts have a greater likelihood`() throws {
        var generator = SeededGenerator(seed: 4)
        let data = (0..<400).map { index in
            let t = -log(1 - generator.unit()) * (index % 4 == 0 ? 50 : 1)
            return t > 40 ? Observation(left: 40, right: .infinity) : Observation(left: t, right: t)
        }
        let found = try #require(MixtureFit(.exponential, parts: 2, to: data))
        /// The definition.
        func value(_ share: Double, _ one: Double, _ other: Double) -> Double {
            data.reduce(0) { sum, o in
                let a = o.right == .infinity ? exp(-o.left / one) : exp(-o.left / one) / one
                let b = o.right == .infinity ? exp(-o.left / other) : exp(-o.left / other) / other
                return sum + log(share * a + (1 - share) * b)
            }
        }
        let share = found.parts[0].share
        let one = exp(found.parts[0].law.location)
        let other = exp(found.parts[1].law.location)
        let best = value(share, one, other)
        #expect(agrees(best, found.logLikelihood, 1e-9))
        for (a, b, c) in [(0.02, 0, 0), (-0.02, 0, 0), (0, 0.03, 0), (0, -0.03, 0), (0, 0, 0.03), (0, 0, -0.03)] {
            #expect(value(share + a, one * exp(b), other * exp(c)) < best)
        }
    }

    @Test func `another unit moves the locations and leaves shares and scales`() throws {
        var generator = SeededGenerator(seed: 5)
        let data = two(400, &generator)
        let one = try #require(MixtureFit(.logNormal, parts: 2, to: data))
        let other = try #require(
            MixtureFit(.logNormal, parts: 2, to: data.map { .init(left: 1_000 * $0.left, right: 1_000 * $0.right) }))
        for (left, right) in zip(one.parts, other.parts) {
            #expect(agrees(left.share, right.share, 1e-4))
            #expect(agrees(right.law.location - left.law.location, log(1_000), 1e-4))
            #expect(agrees(left.law.scale, right.law.scale, 1e-4))
        }
    }

    @Test func `durations that shrink to points, or too few, are refused`() {
        let points = [Observation](repeating: .init(left: 3, right: 3), count: 20)
        #expect(MixtureFit(.logNormal, parts: 2, to: points) == nil)
        #expect(MixtureFit(.weibull, parts: 2, to: []) == nil)
        #expect(MixtureFit(.weibull, parts: 2, to: [.init(left: 1, right: 1), .init(left: 2, right: 2)]) == nil)
    }
}
