import Testing

/// Every published reference value is either held against an estimator somewhere or named here with the reason.
@Suite struct ReferenceValuesTests {
    /// Lines that no estimator of this project computes: dataset, method, group.
    static let uncovered: [(set: String, method: String, group: String?, why: String)] = [
        ("gehan_6mp", "logrank", nil, "a test of two groups; rules are compared by what they cost"),
        ("lung", "coxph_efron", nil, "a regression; strata are routes and hosts, each with a law of its own"),
        ("breast_cosmesis", "survreg_weibull", "RCT covariate", "a regression on a covariate"),
        ("diabetes_nephropathy", "survreg_weibull", "male covariate", "a regression on a covariate"),
    ]

    /// Data set and method of the lines that a test of the suites SurvivalCurveTests and ParametricFitTests holds.
    static let held: [String: Set<String>] = [
        "breast_cosmesis": [
            "npmle_npsurv", "survreg_weibull", "survreg_lognormal", "survreg_loglogistic", "survreg_exponential",
        ],
        "gehan_6mp": ["km", "survreg_weibull", "survreg_lognormal", "survreg_loglogistic", "survreg_exponential"],
        "lung": [
            "km", "nelson_aalen", "rmst", "survreg_weibull", "survreg_lognormal", "survreg_loglogistic",
            "survreg_exponential",
        ],
        "veteran": ["km"],
        "genfan": ["survreg_weibull", "survreg_lognormal"],
        "turbine": ["npmle_npsurv", "survreg_weibull_current_status"],
        "mice": ["npmle_npsurv", "survreg_weibull"],
        "diabetes_nephropathy": ["npmle_npsurv", "survreg_weibull", "survreg_lognormal", "survreg_loglogistic"],
        "fluazinam": ["fitdistcens_norm(log10)"],
        "smokedfish": ["fitdistcens_norm(log10)"],
    ]

    @Test func `each line of the reference is held against an estimator, or has a reason`() throws {
        let lines = try Classics.rows("reference.csv")
        var held = 0
        var excused = 0
        for line in lines {
            let isExcused = Self.uncovered.contains {
                $0.set == line[0] && $0.method == line[1] && ($0.group == nil || $0.group == line[2])
            }
            if isExcused {
                excused += 1
            } else {
                held += 1
                #expect(Self.held[line[0]]?.contains(line[1]) == true, "\(line) is held against nothing")
            }
        }
        #expect(held + excused == lines.count)
        #expect(excused == Self.uncovered.count)
        // A method that is listed must occur, or a test of it would hold nothing.
        for (set, methods) in Self.held {
            for method in methods { #expect(lines.contains { $0[0] == set && $0[1] == method }, "\(set) \(method)") }
        }
    }
}
