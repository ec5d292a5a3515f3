import Retry

/// What the retries and hedges of one route achieved, by attempt number and range of waits. methods: retries
struct RetryTallies: Sendable {
    /// Lower ends of the ranges of waits.
    static let waitsUs: [Int64] = [0, 1, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]

    /// The upper end of a range of waits; `nil`: none.
    static func end(of wait: Int) -> Int64? { wait + 1 < waitsUs.count ? waitsUs[wait + 1] : nil }

    struct Key: Hashable, Comparable, Sendable {
        var isHedge: Bool
        var attempt: Int
        /// Index into `waitsUs`.
        var wait: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.isHedge ? 1 : 0, left.attempt, left.wait) < (right.isHedge ? 1 : 0, right.attempt, right.wait)
        }
    }

    struct Tally: Sendable {
        var tried = 0
        var succeeded = 0
        /// Not cancelled.
        var decided = 0
        var wasted = 0

        mutating func add(_ outcome: Outcome, isWasted: Bool) {
            tried += 1
            if outcome != .cancelled { decided += 1 }
            if outcome == .success { succeeded += 1 }
            if isWasted { wasted += 1 }
        }
    }

    private(set) var all = Tally()
    private(set) var parts: [Key: Tally] = [:]
    /// First attempts.
    private(set) var requests = 0

    init(_ attempts: AttemptColumns) {
        let availability = Availability(attempts)
        let down = DownTimes(Outages(columns: attempts, states: availability.smoothed))
        for row in 0..<attempts.count {
            if attempts.attempt[row] <= 1 {
                requests += 1
                continue
            }
            let startUs = attempts.startUs[row]
            let isWasted =
                attempts.outcome[row].isFailure
                && down.contains(
                    startUs...startUs + max(0, attempts.durationUs[row]),
                    host: availability.isShared ? 0 : Int(attempts.host[row]))
            let wait = Self.waitsUs.lastIndex { $0 <= attempts.waitUs[row] } ?? 0
            let key = Key(isHedge: attempts.hedge[row], attempt: Int(attempts.attempt[row]), wait: wait)
            all.add(attempts.outcome[row], isWasted: isWasted)
            parts[key, default: Tally()].add(attempts.outcome[row], isWasted: isWasted)
        }
    }

    /// When each host was down.
    private struct DownTimes {
        private var outages: [Int: [HostOutage]]

        init(_ outages: Outages) {
            self.outages = Dictionary(grouping: outages.hostOutages, by: \.host)
        }

        /// Whether the host was down throughout.
        func contains(_ range: ClosedRange<Int64>, host: Int) -> Bool {
            guard let list = outages[host] else { return false }
            var low = 0
            var high = list.count
            while low < high {
                let middle = (low + high) / 2
                if list[middle].beginUs <= range.lowerBound { low = middle + 1 } else { high = middle }
            }
            return low > 0 && range.upperBound < list[low - 1].endUs
        }
    }
}
