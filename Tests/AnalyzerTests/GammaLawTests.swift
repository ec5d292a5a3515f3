import Glibc
import Testing

@testable import Analyzer

struct GammaLawTests {
    @Test func `half of chi-square: published quantiles`() {
        // Chi-square with 2a degrees of freedom is twice a gamma of shape a.
        let published: [(p: Double, degrees: Double, value: Double)] = [
            (0.975, 2, 7.377759), (0.025, 2, 0.050636), (0.975, 8, 17.534546), (0.025, 6, 1.237344),
            (0.95, 1, 3.841459), (0.05, 30, 18.492661), (0.975, 100, 129.561197),
        ]
        for one in published {
            let value = 2 * GammaLaw.quantile(one.p, shape: one.degrees / 2)
            #expect(abs(value - one.value) < 1e-6 * one.value + 1e-6, "\(one)")
        }
    }

    @Test func `of a whole shape it is a sum of Poisson's terms`() {
        for shape in 1...12 {
            for x in [0.1, 1, 3.7, 8, 25] {
                var term = exp(-x)
                var below = 0.0
                for count in 0..<shape {
                    below += term
                    term *= x / Double(count + 1)
                }
                #expect(abs(GammaLaw.cumulative(x, shape: Double(shape)) - (1 - below)) < 1e-12)
            }
        }
    }

    @Test func `quantile and probability undo each other, at broken shapes too`() {
        for shape in [0.3, 0.9, 1.7, 6.4, 250.5] {
            for p in [0.001, 0.025, 0.5, 0.975, 0.999] {
                let x = GammaLaw.quantile(p, shape: shape)
                #expect(abs(GammaLaw.cumulative(x, shape: shape) - p) < 1e-11)
            }
        }
        #expect(GammaLaw.quantile(0, shape: 2) == 0 && GammaLaw.quantile(1, shape: 2) == .infinity)
        #expect(GammaLaw.cumulative(-1, shape: 2) == 0)
    }
}
