import Retry

/// Which attempts a summary is of: one route's that began in one hour and ended in one way.
struct HourKey: Hashable, Comparable {
    static let hourUs: Int64 = 3_600_000_000

    /// UNIX microseconds at which the hour begins.
    var hourUs: Int64
    /// The route's code.
    var route: Int64
    /// The outcome's raw value.
    var outcome: Int64

    /// The beginning of the hour that holds an instant, also before 1970.
    static func hour(of us: Int64) -> Int64 {
        let rest = us % hourUs
        return us - (rest < 0 ? rest + hourUs : rest)
    }

    static func < (left: HourKey, right: HourKey) -> Bool {
        (left.hourUs, left.route, left.outcome) < (right.hourUs, right.route, right.outcome)
    }
}

/// What stays of attempts that were pruned: counts, and durations on the grid.
struct HourSummary: Equatable, Sendable {
    var attempts: Int64 = 0
    /// Attempts after a failed one.
    var retries: Int64 = 0
    /// Attempts beside one that was still running.
    var hedges: Int64 = 0
    /// Attempts by bin of their duration; a timeout's and a cancelled attempt's duration is a lower bound.
    var latency = LatencyHistogram()

    mutating func add(durationUs: Int64, attempt: Int64, isHedge: Bool) {
        attempts += 1
        if isHedge { hedges += 1 } else if attempt > 1 { retries += 1 }
        latency.add(us: durationUs)
    }

    mutating func add(_ other: HourSummary) {
        attempts += other.attempts
        retries += other.retries
        hedges += other.hedges
        latency.merge(other.latency)
    }

    /// The summaries of the rows that began before an instant.
    static func of(_ rows: Rows, beforeUs: Int64) -> [HourKey: HourSummary] {
        var found: [HourKey: HourSummary] = [:]
        for row in 0..<rows.count where rows[.startUs][row] < beforeUs {
            let key = HourKey(
                hourUs: HourKey.hour(of: rows[.startUs][row]), route: rows[.route][row], outcome: rows[.outcome][row])
            found[key, default: HourSummary()].add(
                durationUs: rows[.durationUs][row], attempt: rows[.attempt][row], isHedge: rows[.hedge][row] != 0)
        }
        return found
    }

    // MARK: As text

    /// `{"72":15,"73":120}`: bins and counts, for SQLite's `json_each`.
    var latencyText: String {
        let pairs = latency.counts.enumerated().filter { $0.element > 0 }.map { offset, count in
            "\"\(latency.firstBin + offset)\":\(count)"
        }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// Reads `latencyText`; `nil` when it is not one.
    static func latency(text: String) -> LatencyHistogram? {
        guard text.hasPrefix("{"), text.hasSuffix("}"), text.utf8.count >= 2 else { return nil }
        var found = LatencyHistogram()
        for pair in text.dropFirst().dropLast().split(separator: ",") {
            let parts = pair.split(separator: ":")
            guard parts.count == 2, parts[0].hasPrefix("\""), parts[0].hasSuffix("\""), parts[0].utf8.count > 2,
                let bin = Int(parts[0].dropFirst().dropLast()), let count = Int(parts[1]),
                (0..<LogGrid.count).contains(bin), (1...Int.max - found.count).contains(count),
                found.count(ofBin: bin) == 0
            else { return nil }
            found.add(bin: bin, count: count)
        }
        return found
    }

    /// The digest kept beside a summary.
    func digest(_ key: HourKey, latencyText: String) -> Int64 {
        let words = [key.hourUs, key.route, key.outcome, attempts, retries, hedges].map { UInt64(bitPattern: $0) }
        return Int64(bitPattern: XXH64.hash(words: words + [XXH64.hash(latencyText)]))
    }
}
