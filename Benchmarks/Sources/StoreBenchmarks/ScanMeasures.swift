import Collector
import Glibc
import Retry

/// The scans that the Analyzer asks for, over a whole store.
enum ScanMeasures {
    static func histogram(store path: String, times: Int) throws {
        let (latencies, runs) = try repeated(path, times) { try $0.latencyHistograms(SummaryScope(), threads: 1) }
        var attempts = 0
        var lines: [String] = []
        for one in latencies {
            for (outcome, histogram) in one.histograms {
                attempts += histogram.count
                for (offset, count) in histogram.counts.enumerated() where count > 0 {
                    lines.append("\(one.route) \(outcome.name) \(histogram.firstBin + offset) \(count)")
                }
            }
        }
        Answer.print(runs, Answer.checksum(lines) + ", \"attempts\": \(attempts)")
    }

    static func quantiles(store path: String, times: Int, fromUs: Int64, toUs: Int64) throws {
        let (found, runs) = try repeated(path, times) {
            try $0.latencyQuantiles(
                [0.99], outcomes: Set(Outcome.allCases), SummaryScope(fromUs: fromUs, toUs: toUs), threads: 1)
        }
        Answer.print(runs, Answer.checksum(found.map { "\($0.route) \($0.quantilesUs[0]) \($0.attempts)" }))
    }

    /// How many failures there are, and of each of the three intervals how many are closed and the sums of their ends.
    static func recovery(store path: String, times: Int) throws {
        let (sums, runs) = try repeated(path, times) { store in
            var failures: Int64 = 0
            var (any, same, other) = (IntervalSum(), IntervalSum(), IntervalSum())
            try store.recoveryIntervals(SummaryScope(), threads: 1) { part in
                for one in part.failures {
                    failures += 1
                    any.add(one.route)
                    same.add(one.sameHost)
                    if let elsewhere = one.otherHost { other.add(elsewhere) }
                }
            }
            return [failures] + any.numbers + same.numbers + other.numbers
        }
        Answer.print(runs, "\"numbers\": [\(sums.map(String.init).joined(separator: ", "))]")
    }

    private struct IntervalSum {
        var closed: Int64 = 0
        var rightUs: Int64 = 0
        var leftUs: Int64 = 0

        var numbers: [Int64] { [closed, rightUs, leftUs] }

        mutating func add(_ interval: CensoredInterval) {
            leftUs += interval.leftUs
            if interval.isRightCensored { return }
            closed += 1
            rightUs += interval.rightUs
        }
    }

    /// The first run opens the store too.
    private static func repeated<Value>(
        _ path: String, _ times: Int, _ work: (AttemptStore) throws -> Value
    ) throws -> (Value, [Took]) {
        var opened: AttemptStore?
        var runs: [Took] = []
        func once() throws -> Value {
            let store = try opened ?? AttemptStore.open(path: path, mode: .readOnly)
            opened = store
            return try work(store)
        }
        var (value, took) = try Stopwatch.time(once)
        runs.append(took)
        for _ in 1..<max(1, times) {
            (value, took) = try Stopwatch.time(once)
            runs.append(took)
        }
        if let damage = opened?.damage, !damage.isEmpty {
            print("not all could be read: \(damage)")
            exit(1)
        }
        return (value, runs)
    }
}
