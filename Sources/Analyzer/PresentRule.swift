import Retry

/// The rule a log was recorded under, read off the log itself when nobody says what it was.
struct PresentRule {
    var rule: Rule
    /// Whether a rule file said it. A rule that was only read off the log serves for comparison and is never written.
    let isGiven: Bool
    /// In words, when it was inferred; empty when a rule file said it.
    var assumption: String

    /// More retries than a rule file may name are taken as that many, and longer limits as the longest.
    private static let mostRetries = 20
    private static let longestUs: Int64 = 86_400_000_000

    /// What the attempts under the newest rule version show: as many retries as the longest request made, after the
    /// outcomes that were followed by one, with the median wait of each. A limit that fired and was followed by a retry
    /// is one of each try; the longest limit on a first attempt that was not is the whole request's. Retry-After is
    /// ignored where most retries that were asked to wait came sooner.
    init(inferredFrom columns: AttemptColumns) {
        isGiven = false
        let newest = columns.ruleVersion.max() ?? 0
        let rows = (0..<columns.count).filter { columns.ruleVersion[$0] == newest }
        let waited = RetryWaits(columns, rows)
        var waits: [[Int64]] = []
        var retried: Set<UInt64> = []
        for row in rows where columns.attempt[row] > 1 && !columns.hedge[row] {
            let retry = min(Self.mostRetries, Int(columns.attempt[row]) - 1)
            while waits.count < retry { waits.append([]) }
            waits[retry - 1].append(min(Self.longestUs, waited.us(row)))
            retried.insert(columns.request[row])
        }
        var on: Set<Outcome> = []
        var perTryUs: Int64 = 0
        var longestLimitUs: Int64 = 0
        for row in rows where columns.attempt[row] == 1 {
            longestLimitUs = max(longestLimitUs, min(Self.longestUs, columns.timeoutUs[row]))
            guard columns.outcome[row].isFailure, retried.contains(columns.request[row]) else { continue }
            on.insert(columns.outcome[row])
            if columns.outcome[row] == .timeout { perTryUs = max(perTryUs, columns.timeoutUs[row]) }
        }
        rule = Rule()
        if perTryUs > 0 {
            rule.perTryTimeoutUs = min(Self.longestUs, perTryUs)
        } else if longestLimitUs > 0 {
            rule.timeoutUs = longestLimitUs
        }
        if waits.isEmpty || on.isEmpty {
            assumption = "no present rule was given and the log shows no retry: taken as none"
            return
        }
        let medians = waits.map { list in list.isEmpty ? 0 : list.sorted()[list.count / 2] }
        rule.retry = RetryPolicy(
            maxRetries: waits.count, on: Outcome.allCases.filter(on.contains).map(RetryCondition.outcome), host: .any,
            retryAfter: Self.retryAfter(columns, rows, waited), backoff: .waits(medians, jitter: 0))
        let shown = medians.prefix(4).map(DurationText.format).joined(separator: ", ")
        let count = waits.count == 1 ? "one retry after a median wait" : "\(waits.count) retries after median waits"
        assumption = "no present rule was given: read off the log as \(count) of \(shown)"
        if rule.retry?.retryAfter == .ignore {
            assumption += ", Retry-After ignored: most retries came sooner than it asked"
        }
    }

    /// A log that counts in milliseconds shows a wait by up to so much shorter than it was.
    private static let roundedOffUs: Int64 = 2000

    /// What most retries did of which a server said when to come back.
    private static func retryAfter(
        _ columns: AttemptColumns, _ rows: [Int], _ waited: RetryWaits
    ) -> RetryAfterPolicy {
        var askedUs: [RetryWaits.Place: Int64] = [:]
        for row in rows where columns.retryAfterUs[row] > 0 && columns.outcome[row].isFailure && !columns.hedge[row] {
            askedUs[RetryWaits.Place(columns, row)] = columns.retryAfterUs[row]
        }
        if askedUs.isEmpty { return .heed }
        var (retries, sooner) = (0, 0)
        for row in rows where columns.attempt[row] > 1 && !columns.hedge[row] {
            guard let us = askedUs[RetryWaits.Place(columns, row).before] else { continue }
            retries += 1
            if waited.us(row) < us - roundedOffUs { sooner += 1 }
        }
        return sooner > retries - sooner ? .ignore : .heed
    }

    init(given rule: Rule) {
        self.rule = rule
        isGiven = true
        assumption = ""
    }
}

/// How long retries waited: as the log says, or where it says so of none, from the end of the attempt before.
private struct RetryWaits {
    /// An attempt of a request.
    struct Place: Hashable {
        var request: UInt64
        var attempt: Int

        init(_ columns: AttemptColumns, _ row: Int) {
            (request, attempt) = (columns.request[row], Int(columns.attempt[row]))
        }

        /// The attempt before.
        var before: Place {
            var place = self
            place.attempt -= 1
            return place
        }
    }

    private let columns: AttemptColumns
    /// When attempts ended; empty where the log says how long retries waited.
    private var endUs: [Place: Int64] = [:]

    init(_ columns: AttemptColumns, _ rows: [Int]) {
        self.columns = columns
        let retries = rows.filter { columns.attempt[$0] > 1 && !columns.hedge[$0] }
        if retries.isEmpty || retries.contains(where: { columns.waitUs[$0] > 0 }) { return }
        let retried = Set(retries.map { columns.request[$0] })
        for row in rows where !columns.hedge[row] && retried.contains(columns.request[row]) {
            endUs[Place(columns, row)] = columns.startUs[row] &+ columns.durationUs[row]
        }
    }

    func us(_ row: Int) -> Int64 {
        if endUs.isEmpty { return columns.waitUs[row] }
        return max(0, columns.startUs[row] &- endUs[Place(columns, row).before, default: columns.startUs[row]])
    }
}
