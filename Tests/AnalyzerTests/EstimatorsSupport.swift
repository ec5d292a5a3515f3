import FoundationEssentials
import Glibc
import Retry
import TestSupport

@testable import Analyzer

/// A host that goes up and down with known rates, probed at random times.
struct SimulatedHost {
    var probes = 2_000
    var gapSeconds = 1.0
    var truth = HostStateParameters(
        blip: 0.01, timeoutWhileUp: 0.005, leak: 0.05, timeoutShareWhileDown: 0.3, outageRatePerSecond: 1 / 100.0,
        recoveryRatePerSecond: 1 / 5.0)
    var hosts = 1

    func columns(_ generator: inout SeededGenerator) -> AttemptColumns {
        var list: [Attempt] = []
        for host in 0..<hosts {
            var now = 0.0
            var isUp = generator.unit() < truth.upShare
            var next = wait(&generator, isUp)
            for _ in 0..<probes {
                now += -log(1 - generator.unit()) * gapSeconds
                while now > next {
                    isUp.toggle()
                    next += wait(&generator, isUp)
                }
                let outcome = probe(&generator, isUp)
                list.append(
                    Attempt(
                        startUs: 1_000_000_000 + Int64(now * 1e6), durationUs: 1_000, route: "r", host: "h\(host)",
                        request: UInt64(list.count), outcome: outcome))
            }
        }
        return AttemptColumns(route: "r", attempts: list)
    }

    private func wait(_ generator: inout SeededGenerator, _ isUp: Bool) -> Double {
        let rate = isUp ? truth.outageRatePerSecond : truth.recoveryRatePerSecond
        return rate == 0 ? .infinity : -log(1 - generator.unit()) / rate
    }

    private func probe(_ generator: inout SeededGenerator, _ isUp: Bool) -> Outcome {
        let chance = generator.unit()
        let (success, failure, _) = isUp ? truth.emissionUp : truth.emissionDown
        return chance < success ? .success : chance < success + failure ? .errorStatus : .timeout
    }
}

/// The published data sets.
enum Classics {
    static func rows(_ file: String, in folder: String = "survival_classics") throws -> [[String]] {
        let data = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "notebooks-data")
        let text = try String(contentsOf: data.appending(path: folder).appending(path: file), encoding: .utf8)
        return text.split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Intervals of `notebooks-data/hard`; an empty right end is open.
    static func hardIntervals(_ file: String) throws -> [CensoredInterval] {
        try rows(file, in: "hard").map { row in
            CensoredInterval(
                leftUs: Int64(row[0]) ?? -1, rightUs: row[1].isEmpty ? .max : Int64(row[1]) ?? -1)
        }
    }

    /// The reference lines of a data set and method.
    static func reference(_ set: String, _ method: String) throws -> [(group: String, quantity: String, value: String)]
    {
        try rows("reference.csv").filter { $0[0] == set && $0[1] == method }.map { ($0[2], $0[3], $0[4]) }
    }

    /// Numbers joined by `;`.
    static func numbers(_ text: String) -> [Double] { text.split(separator: ";").compactMap { Double($0) } }
}

/// Whether two numbers agree to a relative (above 1) or absolute (below 1) error.
func agrees(_ left: Double, _ right: Double, _ tolerance: Double) -> Bool {
    left == right || abs(left - right) <= tolerance * max(1, abs(left), abs(right))
}

/// Columns from a compact list.
func attempts(
    _ list: [(startUs: Int64, durationUs: Int64, host: String, outcome: Outcome)], timeoutUs: Int64 = 0
) -> AttemptColumns {
    AttemptColumns(
        route: "r",
        attempts: list.enumerated().map { index, one in
            Attempt(
                startUs: one.startUs, durationUs: one.durationUs, route: "r", host: one.host, request: UInt64(index),
                outcome: one.outcome, timeoutUs: timeoutUs)
        })
}
