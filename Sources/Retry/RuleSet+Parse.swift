extension RuleSet {
    /// Reads a rule file. It is taken whole or refused whole.
    ///
    /// - Parameters:
    ///   - text: the file's content.
    ///   - file: its path, for messages.
    /// - Throws: `FileError` with file, line, key, what was wrong and what would be right.
    public init(yaml text: String, file: String) throws(FileError) {
        try Self.refuseCutShort(text, file: file)
        let root = try YAMLReader.root(of: text, file: file)
        let keys = try root.mapping(keys: ["version", "created", "routes"])
        guard let version = keys["version"] else { throw root.error("version is missing; write version: 1") }
        guard let routes = keys["routes"] else {
            throw root.error("routes is missing; write routes: with one key a route")
        }
        self.init(version: try version.integer(1...Int(Int32.max)), createdUs: 0, routes: [:])
        if let created = keys["created"] { createdUs = try created.timestampUs() }
        for (name, value) in try routes.entries() {
            self.routes[name] = try Self.entry(value)
        }
    }

    /// A file that was cut at the end of a line is often still YAML, with keys or whole routes missing.
    private static func refuseCutShort(_ text: String, file: String) throws(FileError) {
        guard text.utf8.starts(with: firstLine.utf8) else { return }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let last = lines.last { !$0.allSatisfy(\.isWhitespace) }
        guard last.map(String.init) != lastLine else { return }
        throw FileError(
            file: file, line: lines.count,
            reason: "the file is cut short: its first line promises '\(lastLine)' at its end; restore the file, or "
                + "remove the first line if it is meant to end here")
    }

    private static func entry(_ reader: YAMLReader) throws(FileError) -> Entry {
        let keys = try reader.mapping(keys: [
            "timeout", "per_try_timeout", "retry", "budget", "hedge", "ejection", "evidence",
        ])
        var rule = Rule()
        if let value = keys["timeout"] { rule.timeoutUs = try value.durationUs(limits) }
        if let value = keys["per_try_timeout"] {
            let perTryUs = try value.durationUs(limits)
            if let timeoutUs = rule.timeoutUs, perTryUs > timeoutUs {
                throw value.error(
                    "\(DurationText.format(perTryUs)) is longer than the request's timeout of "
                        + "\(DurationText.format(timeoutUs)), so it could never fire; make it shorter or leave it out")
            }
            rule.perTryTimeoutUs = perTryUs
        }
        if let value = keys["retry"] { rule.retry = try retry(value) }
        if let value = keys["budget"] { rule.budget = try budget(value) }
        if let value = keys["hedge"] { rule.hedge = try hedge(value) }
        if let value = keys["ejection"] { rule.ejectionUs = try value.durationUs(limits) }
        return Entry(rule: rule, evidence: try keys["evidence"].map { value throws(FileError) in try evidence(value) })
    }

    private static func retry(_ reader: YAMLReader) throws(FileError) -> RetryPolicy {
        let keys = try reader.mapping(keys: ["max_retries", "on", "host", "retry_after", "backoff"])
        guard let most = keys["max_retries"] else { throw reader.error("max_retries is missing; write max_retries: 2") }
        guard let conditions = keys["on"] else {
            throw reader.error("on is missing; write on: [connect_failure, reset, error_status]")
        }
        var on: [RetryCondition] = []
        for item in try conditions.items() {
            let name = try item.text()
            guard let condition = RetryCondition(name: name) else {
                let known = Outcome.allCases.filter(\.isFailure).map(\.name).joined(separator: ", ")
                throw item.error("'\(name)' is no failure; write \(known), or exact: http_503, grpc_14")
            }
            if on.contains(condition) { throw item.error("'\(name)' stands twice") }
            on.append(condition)
        }
        let maxRetries = try most.integer(0...20)
        if on.isEmpty && maxRetries > 0 { throw conditions.error("names no failure, so nothing would be retried") }
        return RetryPolicy(
            maxRetries: maxRetries,
            on: on,
            host: try keys["host"].map { value throws(FileError) in try value.choice(HostChoice.self) } ?? .other,
            retryAfter: try keys["retry_after"].map { value throws(FileError) in
                try value.choice(RetryAfterPolicy.self)
            } ?? .heed,
            backoff: try keys["backoff"].map { value throws(FileError) in try backoff(value) } ?? .waits([0], jitter: 0)
        )
    }

    private static func backoff(_ reader: YAMLReader) throws(FileError) -> Backoff {
        let keys = try reader.mapping(keys: ["waits", "base", "max", "multiplier", "jitter"])
        if let waits = keys["waits"] {
            if let stray = keys["base"] ?? keys["max"] ?? keys["multiplier"] {
                throw stray.error("goes with base, not with waits; write either waits: [...] or base, max, multiplier")
            }
            var list: [Int64] = []
            for item in try waits.items() { list.append(try item.durationUs(0...limits.upperBound)) }
            if list.isEmpty { throw waits.error("must name at least one wait; [0ms] retries at once") }
            return .waits(list, jitter: try keys["jitter"]?.number(0...1) ?? 0)
        }
        guard let base = keys["base"] else {
            throw reader.error("write waits: [0ms, 40ms], or base: 25ms, max: 250ms, multiplier: 2, jitter: full")
        }
        let baseUs = try base.durationUs(1...limits.upperBound)
        let maxUs = try keys["max"]?.durationUs(1...limits.upperBound) ?? min(baseUs * 10, limits.upperBound)
        if maxUs < baseUs { throw (keys["max"] ?? reader).error("is shorter than base") }
        return .exponential(
            baseUs: baseUs,
            maxUs: maxUs,
            multiplier: try keys["multiplier"]?.number(1...100) ?? 2,
            jitter: try keys["jitter"].map { value throws(FileError) in try value.choice(ExponentialJitter.self) }
                ?? .full)
    }

    private static func budget(_ reader: YAMLReader) throws(FileError) -> BudgetPolicy {
        let keys = try reader.mapping(keys: ["ratio", "min_per_second", "window"])
        guard let ratio = keys["ratio"] else { throw reader.error("ratio is missing; write ratio: 0.2") }
        return BudgetPolicy(
            ratio: try ratio.number(0...10),
            minPerSecond: try keys["min_per_second"]?.number(0...1_000_000) ?? 3,
            windowUs: try keys["window"]?.durationUs(100_000...3_600_000_000) ?? 10_000_000)
    }

    private static func hedge(_ reader: YAMLReader) throws(FileError) -> HedgePolicy {
        let keys = try reader.mapping(keys: ["delay", "max"])
        guard let delay = keys["delay"] else { throw reader.error("delay is missing; write delay: 95ms") }
        return HedgePolicy(delayUs: try delay.durationUs(limits), max: try keys["max"]?.integer(1...5) ?? 1)
    }

    private static func evidence(_ reader: YAMLReader) throws(FileError) -> Evidence {
        let keys = try reader.mapping(keys: ["attempts", "failures", "outages", "window", "cost", "reason"])
        var evidence = Evidence(
            attempts: try keys["attempts"]?.integer(0...Int.max) ?? 0,
            failures: try keys["failures"]?.integer(0...Int.max) ?? 0,
            outages: try keys["outages"]?.integer(0...Int.max) ?? 0,
            reason: try keys["reason"]?.text() ?? "")
        if let window = keys["window"] {
            let ends = try window.items()
            guard ends.count == 2 else { throw window.error("must be [from, to]") }
            let (fromUs, toUs) = (try ends[0].timestampUs(), try ends[1].timestampUs())
            if fromUs > toUs { throw window.error("ends before it begins") }
            evidence.windowUs = fromUs...toUs
        }
        if let cost = keys["cost"] { evidence.cost = try costEvidence(cost) }
        return evidence
    }

    private static func costEvidence(_ reader: YAMLReader) throws(FileError) -> CostEvidence {
        let keys = try reader.mapping(keys: ["before", "after", "interval"])
        guard let before = keys["before"], let after = keys["after"], let interval = keys["interval"] else {
            throw reader.error("must have before, after and interval, in seconds a request")
        }
        let any = -1e12...1e12
        let ends = try interval.items()
        guard ends.count == 2 else { throw interval.error("must be [low, high]") }
        let (low, high) = (try ends[0].number(any), try ends[1].number(any))
        if low > high { throw interval.error("its low end lies above its high end") }
        return CostEvidence(before: try before.number(any), after: try after.number(any), interval: low...high)
    }

    /// No limit or wait is shorter than 1 us or longer than a day.
    static let limits: ClosedRange<Int64> = 1...86_400_000_000
}
