import Retry

/// The rule a log was recorded under, read off the log itself when nobody says what it was.
struct PresentRule {
    var rule: Rule
    /// In words, when it was inferred; empty when a rule file said it.
    var assumption: String

    /// What the attempts show: as many retries as the longest request made, after the outcomes that were followed by
    /// one, with the median wait of each, under the longest limit seen on a first attempt.
    init(inferredFrom columns: AttemptColumns) {
        var waits: [[Int64]] = []
        var retriedRequests: Set<UInt64> = []
        var longestLimitUs: Int64 = 0
        for row in 0..<columns.count {
            let retry = Int(columns.attempt[row]) - 1
            if retry == 0 { longestLimitUs = max(longestLimitUs, columns.timeoutUs[row]) }
            if retry < 1 || columns.hedge[row] { continue }
            while waits.count < retry { waits.append([]) }
            waits[retry - 1].append(columns.waitUs[row])
            retriedRequests.insert(columns.request[row])
        }
        var on: Set<Outcome> = []
        if !waits.isEmpty {
            for row in 0..<columns.count where columns.attempt[row] == 1 && columns.outcome[row].isFailure {
                if retriedRequests.contains(columns.request[row]) { on.insert(columns.outcome[row]) }
            }
        }
        rule = Rule(timeoutUs: longestLimitUs > 0 ? longestLimitUs : nil)
        if waits.isEmpty || on.isEmpty {
            assumption = "no present rule was given and the log shows no retry: taken as none"
            return
        }
        let medians = waits.map { list in list.isEmpty ? 0 : list.sorted()[list.count / 2] }
        rule.retry = RetryPolicy(
            maxRetries: waits.count, on: Outcome.allCases.filter(on.contains).map(RetryCondition.outcome), host: .any,
            backoff: .waits(medians, jitter: 0))
        let shown = medians.prefix(4).map(DurationText.format).joined(separator: ", ")
        let count = waits.count == 1 ? "one retry after a median wait" : "\(waits.count) retries after median waits"
        assumption = "no present rule was given: read off the log as \(count) of \(shown)"
    }

    init(given rule: Rule) {
        self.rule = rule
        assumption = ""
    }
}
