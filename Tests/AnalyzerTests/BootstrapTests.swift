import Testing

@testable import Analyzer

@Suite struct BootstrapTests {
    @Test func everyReplicateDrawsAsManyUnitsAsThereAre() {
        let weights = Bootstrap(units: 7, replicates: 50, seed: 3).weights
        for replicate in 0..<50 {
            #expect((0..<7).reduce(0) { $0 + weights[replicate, $1] } == 7)
        }
    }

    @Test func theSameSeedGivesTheSameWeightsAndAnotherSeedOthers() {
        let one = Bootstrap(units: 20, replicates: 10, seed: 1).weights
        #expect(one == Bootstrap(units: 20, replicates: 10, seed: 1).weights)
        #expect(one != Bootstrap(units: 20, replicates: 10, seed: 2).weights)
    }

    @Test func theStandardErrorOfAMeanIsThatOfTheory() {
        // 400 units with values 0 and 1 in equal parts: the mean's standard error is 0.5 / sqrt(400) = 0.025.
        let units = 400
        let replicates = 2000
        var values = Matrix(rows: units, columns: 1)
        for unit in 0..<units { values[unit, 0] = Double(unit % 2) }
        let sums = Bootstrap(units: units, replicates: replicates, seed: 11).weights.multiplied(by: values)
        let means = sums.column(0).map { $0 / Double(units) }
        let error = Bootstrap.standardError(means)
        // The standard deviation of 2,000 draws is itself known to 1 / sqrt(2 × 2000) = 1.6 %; four of those.
        #expect(abs(error / 0.025 - 1) < 4 * 0.0158)
        let interval = Bootstrap.interval95(means)
        #expect(interval.contains(0.5))
        #expect(abs((interval.upperBound - interval.lowerBound) / (2 * 1.96 * 0.025) - 1) < 0.1)
    }

    @Test func theIntervalIsBetweenOrderStatistics() {
        let sample = (0...100).map(Double.init)
        #expect(Bootstrap.interval95(sample) == 2.5...97.5)
        #expect(Bootstrap.interval95([4]) == 4...4)
        #expect(Bootstrap.interval95([.nan, 1]) == 1...1)
        #expect(Bootstrap.standardError([1]) == 0)
    }
}
