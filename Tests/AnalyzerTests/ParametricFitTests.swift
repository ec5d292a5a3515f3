import Retry
import Glibc
import Testing

@testable import Analyzer

/// R's `survreg` and `fitdistcens` on published data.
@Suite struct ParametricFitTests {
    typealias Observation = ParametricFit.Observation

    private func rightCensored(_ file: String, time: Int, column: Int, event: String, where keep: ([String]) -> Bool)
        throws -> [Observation]
    {
        try Classics.rows(file).filter(keep).map { row in
            let t = Double(row[time]) ?? .nan
            return Observation(left: t, right: row[column] == event ? t : .infinity)
        }
    }

    private func intervals(_ file: String, where keep: ([String]) -> Bool) throws -> [Observation] {
        try Classics.rows(file).filter(keep).map { row in
            Observation(left: Double(row[0]) ?? 0, right: row[1].isEmpty ? .infinity : Double(row[1]) ?? .nan)
        }
    }

    private func observations(_ set: String, _ group: String) throws -> [Observation] {
        switch set {
        case "gehan_6mp": try rightCensored("gehan_6mp.csv", time: 1, column: 2, event: "1") { $0[0] == group }
        case "lung": try rightCensored("lung.csv", time: 0, column: 1, event: "2") { _ in true }
        case "genfan": try rightCensored("genfan.csv", time: 0, column: 1, event: "1") { _ in true }
        default: try intervals(set + ".csv") { group == "all" || $0[2] == group }
        }
    }

    private static let families: [(name: String, family: ParametricFit.Family)] = [
        ("exponential", .exponential), ("weibull", .weibull), ("lognormal", .logNormal), ("loglogistic", .logLogistic),
    ]

    @Test(arguments: ["gehan_6mp", "lung", "genfan", "breast_cosmesis", "mice", "diabetes_nephropathy"])
    func `censored maximum likelihood equals survreg`(set: String) throws {
        var checked = 0
        for (name, family) in Self.families {
            for line in try Classics.reference(set, "survreg_" + name) where !line.group.contains("covariate") {
                let fit = try #require(ParametricFit(family, to: observations(set, line.group)))
                var numbers = Classics.numbers(line.value)
                if line.quantity.contains("se;") { numbers.remove(at: 1) }
                #expect(agrees(fit.location, numbers[0], 2e-6), "\(set) \(line)")
                #expect(agrees(fit.scale, numbers[1], 2e-6), "\(set) \(line)")
                #expect(agrees(fit.logLikelihood, numbers[2], 1e-8), "\(set) \(line)")
                checked += 1
            }
        }
        #expect(checked >= 2)
    }

    @Test func `Weibull on current-status turbines`() throws {
        let (intervals, weights) = try SurvivalCurveTests.turbine()
        let observations = zip(intervals, weights).map { interval, weight in
            Observation(
                left: Double(interval.leftUs) / 1e6,
                right: interval.isRightCensored ? .infinity : Double(interval.rightUs) / 1e6, weight: weight)
        }
        let line = try #require(try Classics.reference("turbine", "survreg_weibull_current_status").first)
        let numbers = Classics.numbers(line.value)
        let fit = try #require(ParametricFit(.weibull, to: observations))
        #expect(agrees(fit.location, numbers[0], 2e-6))
        #expect(agrees(fit.scale, numbers[1], 2e-6))
        #expect(agrees(fit.logLikelihood, numbers[2], 1e-8))
    }

    @Test(arguments: ["fluazinam", "smokedfish"])
    func `log-normal equals a censored normal fit of logarithms to base 10`(set: String) throws {
        let data = try intervals(set + ".csv") { _ in true }
        let fit = try #require(ParametricFit(.logNormal, to: data))
        let line = try #require(try Classics.reference(set, "fitdistcens_norm(log10)").first)
        let numbers = Classics.numbers(line.value)
        let ten = log(10.0)
        #expect(agrees(fit.location / ten, numbers[0], 1e-3))
        #expect(agrees(fit.scale / ten, numbers[1], 1e-3))
        // The reference is a density per decade: an exact value t counts t ln 10 more.
        let shift = data.filter { $0.left == $0.right }.reduce(0) { $0 + log($1.left * ten) }
        // fitdistcens stops early; its likelihood may be a little lower, never higher.
        #expect(agrees(fit.logLikelihood + shift, numbers[2], 1e-6))
        #expect(fit.logLikelihood + shift > numbers[2] - 1e-8)
    }

    @Test func `data that do not determine a law are refused`() {
        #expect(ParametricFit(.weibull, to: []) == nil)
        #expect(ParametricFit(.weibull, to: [Observation(left: 3, right: .infinity)]) == nil)
        #expect(ParametricFit(.logNormal, to: [Observation](repeating: .init(left: 3, right: 3), count: 9)) == nil)
    }

    @Test func `a fit above a truncation point recovers the law below it`() throws {
        // Weibull quantiles above the median, exact: location log 100, scale 0.5.
        let data = (0..<2_000).map { index in
            let survival = 0.5 * (1 - (Double(index) + 0.5) / 2_000)
            let t = exp(log(100) + 0.5 * log(-log(survival)))
            return Observation(left: t, right: t)
        }
        let floor = exp(log(100) + 0.5 * log(-log(0.5)))
        let fit = try #require(ParametricFit(.weibull, to: data, truncatedBelow: floor))
        #expect(agrees(fit.location, log(100), 0.01))
        #expect(agrees(fit.scale, 0.5, 0.02))
    }
}
