import Retry
import Glibc
import Testing

@testable import Analyzer

/// Small enough to work out on paper.
@Suite struct ByHandSurvivalTests {
    @Test func `Kaplan-Meier of five with a tie of an event and a censoring`() {
        // 1 event; at 2 an event and a censoring (event first, so 4 at risk); 3 censored; 5 event.
        let curve = SurvivalCurve(durationsUs: [5, 2, 1, 3, 2], isEvent: [true, true, true, false, false])
        #expect(curve.timesUs == [1, 2, 5])
        #expect(curve.atRisk == [5, 4, 1])
        #expect(agrees(curve.survival[0], 0.8, 1e-15))
        #expect(agrees(curve.survival[1], 0.6, 1e-15))
        #expect(curve.survival[2] == 0)
        #expect(agrees(curve.greenwood[1], 1.0 / 20 + 1.0 / 12, 1e-15))
        #expect(curve.quantile(0.5) == 5)
        #expect(curve.quantile(0.4) == 2)
        #expect(agrees(curve.cumulativeHazard(atUs: 2), 1.0 / 5 + 1.0 / 4, 1e-15))
        // 1 × 1 + 0.8 × 1 + 0.6 × 2 up to 4.
        #expect(agrees(curve.restrictedMean(untilUs: 4).meanUs, 3, 1e-15))
        // Var = (0.8 + 1.2)² / 20 + 1.2² / 12 = 0.32.
        #expect(agrees(curve.restrictedMean(untilUs: 4).standardErrorUs, 0.32.squareRoot(), 1e-15))
    }

    @Test func `two causes of four`() {
        // t = 1 cause 0, t = 2 cause 1, t = 3 censored, t = 4 cause 0: 1/4, 3/4 × 1/3 = 1/4, then 1/2 × 1.
        let both = CumulativeIncidence(durationsUs: [1, 2, 3, 4], cause: [0, 1, -1, 0], causes: 2)
        #expect(both.timesUs == [1, 2, 4])
        #expect(agrees(both.incidence(cause: 0, atUs: 3), 0.25, 1e-15))
        #expect(agrees(both.incidence(cause: 1, atUs: 3), 0.25, 1e-15))
        #expect(agrees(both.incidence(cause: 0, atUs: 4), 0.75, 1e-15))
        #expect(agrees(both.survival[1], 0.5, 1e-15))
        // Without censoring before t the variance is the binomial p (1 − p) / n.
        #expect(agrees(both.standardError(cause: 0, atUs: 2), (0.25 * 0.75 / 4).squareRoot(), 1e-12))
        #expect(agrees(both.standardError(cause: 1, atUs: 2), (0.25 * 0.75 / 4).squareRoot(), 1e-12))
    }

    @Test func `Turnbull of three intervals of which two overlap`() {
        // (0, 2], (1, 3], (2, 4]: maximal intersections (1, 2] and (2, 3]; p (p + q) q is greatest at 1/2.
        let law = IntervalNPMLE([
            .init(leftUs: 0, rightUs: 2), .init(leftUs: 1, rightUs: 3), .init(leftUs: 2, rightUs: 4),
        ])
        #expect(law.cells.map(\.leftUs) == [1, 2])
        #expect(law.cells.map(\.rightUs) == [2, 3])
        #expect(agrees(law.cells[0].mass, 0.5, 1e-6))
        #expect(agrees(law.logLikelihood, 2 * log(0.5), 1e-9))
        #expect(law.bounds(atUs: 2) == law.cells[0].mass...law.cells[0].mass)
        #expect(law.quantileUs(0.9) == 3)
    }

    @Test func `right-censored exact data make Turnbull's estimate Kaplan-Meier`() {
        let times: [Int64] = [3, 5, 5, 8, 9, 12]
        let isEvent = [true, true, false, true, false, true]
        let curve = SurvivalCurve(durationsUs: times, isEvent: isEvent)
        let law = IntervalNPMLE(
            zip(times, isEvent).map { CensoredInterval(leftUs: $1 ? $0 - 1 : $0, rightUs: $1 ? $0 : .max) })
        for us in 0...13 as ClosedRange<Int64> {
            #expect(agrees(law.probability(withinUs: us), 1 - curve.survival(atUs: us), 1e-6))
        }
    }

    @Test func `the grid has 8 bins an octave with whole bounds`() {
        #expect(LogGrid.count == 296)
        #expect(LogGrid.index(ofUs: 0) == 0)
        #expect(LogGrid.index(ofUs: 1) == 0)
        #expect(LogGrid.index(ofUs: 8) == 24)
        #expect(LogGrid.index(ofUs: 9) == 25)
        #expect(LogGrid.index(ofUs: 16) == 32)
        #expect(LogGrid.index(ofUs: 17) == 32)
        #expect(LogGrid.index(ofUs: .max) == 295)
        #expect(LogGrid.lowerBoundUs(296) == 1 << 37)
        for index in 0..<296 {
            let low = LogGrid.lowerBoundUs(index)
            let high = LogGrid.lowerBoundUs(index + 1)
            if low == high { continue }
            #expect(LogGrid.index(ofUs: low) == index)
            #expect(LogGrid.index(ofUs: high - 1) == index)
        }
    }

    @Test func `Wilson's interval of 8 in 10 and the quantiles of the normal law`() {
        let interval = Proportion(hits: 8, trials: 10).interval()
        #expect(agrees(interval.lowerBound, 0.490_162_5, 1e-6))
        #expect(agrees(interval.upperBound, 0.943_317_8, 1e-6))
        #expect(Proportion(hits: 0, trials: 0).interval() == 0...1)
        #expect(Proportion(hits: 0, trials: 5).interval().lowerBound == 0)
        #expect(agrees(NormalLaw.quantile(0.975), 1.959_963_984_540_054, 1e-14))
        #expect(agrees(NormalLaw.quantile(1e-10), -6.361_340_902_404_056, 1e-12))
        #expect(agrees(NormalLaw.quantile(0.6), 0.253_347_103_135_799_8, 1e-14))
        for p in [1e-300, 1e-20, 0.01, 0.11, 0.3, 0.5] {
            #expect(agrees(NormalLaw.cumulative(NormalLaw.quantile(p)) / p, 1, 1e-11))
        }
    }
}
