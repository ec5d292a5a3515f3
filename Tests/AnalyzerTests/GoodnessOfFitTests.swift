import Glibc
import TestSupport
import Testing

@testable import Analyzer

@Suite struct GoodnessOfFitTests {
    private func weibull(
        _ count: Int, scale: Double, limit: Double, _ generator: inout SeededGenerator
    ) -> (durations: [Double], isEvent: [Bool]) {
        let times = (0..<count).map { _ in exp(2 + scale * log(-log(1 - generator.unit()))) }
        return (times.map { min($0, limit) }, times.map { $0 <= limit })
    }

    private func check(
        _ family: ParametricFit.Family, _ data: (durations: [Double], isEvent: [Bool])
    ) throws -> GoodnessOfFit {
        let fit = try #require(
            ParametricFit(
                family,
                to: zip(data.durations, data.isEvent).map { .init(left: $0, right: $1 ? $0 : .infinity) }))
        return GoodnessOfFit(
            durations: data.durations, isEvent: data.isEvent, parameters: 2, survival: fit.survival)
    }

    @Test func `tails of chi-squared as tabled`() {
        for (x, degrees) in [(3.841_459, 1), (5.991_465, 2), (7.814_728, 3), (15.507_313, 8), (18.307_038, 10)] {
            #expect(abs(GoodnessOfFit.chiSquaredTail(x, degrees: degrees) - 0.05) < 1e-7)
        }
        #expect(GoodnessOfFit.chiSquaredTail(0, degrees: 4) == 1)
    }

    @Test func `ten times of an exponential law by hand`() {
        // Five events at 1, five at 2 and hazard t: 10 × 1 expected in (0, 1], 5 × 1 in (1, 2].
        let found = GoodnessOfFit(
            durations: [1, 1, 1, 1, 1, 2, 2, 2, 2, 2], isEvent: [Bool](repeating: true, count: 10), parameters: 0
        ) { exp(-$0) }
        #expect(found.stretches.map(\.end) == [1, 2])
        #expect(found.stretches.map(\.seen) == [5, 5])
        #expect(agrees(found.stretches[0].expected, 10, 1e-12))
        #expect(agrees(found.stretches[1].expected, 5, 1e-12))
        #expect(agrees(found.statistic, 2.5, 1e-12))
        #expect(agrees(found.pValue.lowerBound, exp(-1.25), 1e-12))
    }

    /// ∫ (under watch) × hazard over a stretch, in small steps.
    @Test(arguments: [1, 2] as [UInt64])
    func `expected events equal the sum over small steps of time`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let data = weibull(200, scale: 0.6, limit: 12, &generator)
        func survival(_ t: Double) -> Double { exp(-pow(t / 7, 1.5)) }
        let found = GoodnessOfFit(
            durations: data.durations, isEvent: data.isEvent, parameters: 2, survival: survival)
        var begin = 0.0
        for stretch in found.stretches {
            var sum = 0.0
            let width = (stretch.end - begin) / 2_000
            for step in 0..<2_000 {
                let at = begin + (Double(step) + 0.5) * width
                sum +=
                    Double(data.durations.count { $0 >= at }) * log(survival(at - width / 2) / survival(at + width / 2))
            }
            #expect(agrees(stretch.expected, sum, 2e-3), "\(generator)")
            begin = stretch.end
        }
    }

    @Test func `the right family is refuted about as rarely as promised, another one nearly always`() throws {
        var wronged = 0
        var below = 0
        var caught = 0
        for seed in 1...120 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed &* 97)
            let data = weibull(600, scale: 0.5, limit: 12, &generator)
            let right = try check(.weibull, data)
            if right.pValue.upperBound < 0.05 { wronged += 1 }
            if right.pValue.lowerBound < 0.05 { below += 1 }
            if try check(.logLogistic, data).isRefuted { caught += 1 }
        }
        // 5 % of 120 are 6, standard error 2.4: the two ends of the range lie on either side.
        #expect(wronged <= 13)
        #expect(below >= 1 && wronged <= below)
        #expect(caught >= 80)
    }

    @Test func `another unit leaves the statistic; too few events say nothing`() throws {
        var generator = SeededGenerator(seed: 7)
        let data = weibull(300, scale: 0.8, limit: 20, &generator)
        let one = try check(.logNormal, data)
        let other = try check(.logNormal, (data.durations.map { $0 * 1_000 }, data.isEvent))
        #expect(agrees(one.statistic, other.statistic, 1e-6))
        let few = GoodnessOfFit(durations: [1, 2, 3], isEvent: [true, true, true], parameters: 2) { exp(-$0) }
        #expect(few.stretches.isEmpty && few.pValue == 1...1 && !few.isRefuted)
    }
}
