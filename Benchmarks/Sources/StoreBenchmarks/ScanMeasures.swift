import Collector
import Retry

/// The scans that the Analyzer asks for, over a whole store.
struct ScanMeasures {
    let path: String
    let times: Int
    let threads: Int

    func histogram() throws {
        try repeated {
            try $0.latencyHistograms(SummaryScope(), threads: threads)
        } answer: { latencies in
            var checksum = Checksum()
            var attempts = 0
            for one in latencies {
                for (outcome, histogram) in one.histograms {
                    attempts += histogram.count
                    for (offset, count) in histogram.counts.enumerated() where count > 0 {
                        checksum.add("\(one.route) \(outcome.name) \(histogram.firstBin + offset) \(count)")
                    }
                }
            }
            return "\(checksum.json), \"attempts\": \(attempts)"
        }
    }

    func quantiles(fromUs: Int64, toUs: Int64) throws {
        try repeated {
            try $0.latencyQuantiles(
                [0.99], outcomes: Set(Outcome.allCases), SummaryScope(fromUs: fromUs, toUs: toUs), threads: threads)
        } answer: { found in
            var checksum = Checksum()
            for one in found { checksum.add("\(one.route) \(one.quantilesUs[0]) \(one.attempts)") }
            return checksum.json
        }
    }

    /// How many failures there are, and of each of the three intervals how many are closed and the sums of their ends.
    func recovery() throws {
        try repeated { store in
            var failures: Int64 = 0
            var (any, same, other) = (IntervalSum(), IntervalSum(), IntervalSum())
            try store.recoveryIntervals(SummaryScope(), threads: threads) { part in
                for one in part.failures {
                    failures += 1
                    any.add(one.route)
                    same.add(one.sameHost)
                    if let elsewhere = one.otherHost { other.add(elsewhere) }
                }
            }
            return [failures] + any.numbers + same.numbers + other.numbers
        } answer: { sums in
            "\"numbers\": [\(sums.map(String.init).joined(separator: ", "))]"
        }
    }

    /// How many attempts say something about their host, how many say that it failed, and the sum of their times.
    func probes() throws {
        try repeated { store in
            var sums: [Int64] = [0, 0, 0]
            try store.hostProbes(SummaryScope(), threads: threads) { part in
                sums[0] += Int64(part.startUs.count)
                for one in part.startUs.indices {
                    sums[1] += part.isFailure[one] ? 1 : 0
                    sums[2] &+= part.endUs[one] &- part.startUs[one]
                }
            }
            return sums
        } answer: { sums in
            "\"numbers\": [\(sums.map(String.init).joined(separator: ", "))]"
        }
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

    /// Runs the work so often and prints what each run took and answered. The first run opens the store too; making a
    /// checksum of the answer is outside the clock.
    private func repeated<Value>(_ work: (AttemptStore) throws -> Value, answer: (Value) -> String) throws {
        var opened: AttemptStore?
        var runs: [Took] = []
        var answers: [String] = []
        for _ in 0..<max(1, times) {
            let (value, took) = try Stopwatch.time {
                let store = try opened ?? AttemptStore.open(path: path, mode: .readOnly)
                opened = store
                return try work(store)
            }
            runs.append(took)
            answers.append(answer(value))
        }
        if let damage = opened?.damage, !damage.isEmpty { throw StoreDamaged(reasons: "\(damage)") }
        Answer.print(runs, answers)
    }
}
