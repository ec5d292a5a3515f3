import Retry

/// Rules for scripts: the file's keys, durations as microseconds.
enum RuleJSON {
    static func rule(_ rule: Rule) -> JSON {
        .object([
            ("timeout_us", optional(rule.timeoutUs)), ("per_try_timeout_us", optional(rule.perTryTimeoutUs)),
            ("retry", rule.retry.map(retry) ?? .null), ("budget", rule.budget.map(budget) ?? .null),
            (
                "hedge",
                rule.hedge.map { .object([("delay_us", .int($0.delayUs)), ("max", .int(Int64($0.max)))]) } ?? .null
            ),
            ("ejection_us", optional(rule.ejectionUs)),
        ])
    }

    static func ruleSet(_ set: RuleSet) -> JSON {
        .object([
            ("version", .int(Int64(set.version))), ("created_us", .int(set.createdUs)),
            (
                "routes",
                .array(
                    set.routes.keys.sorted().compactMap { name in
                        set.routes[name].map { entry in
                            .object([
                                ("route", .string(name)), ("has_own_rule", .bool(entry.rule != Rule())),
                                ("rule", rule(entry.rule)),
                                ("evidence", entry.evidence.map(evidence) ?? .null),
                            ])
                        }
                    })
            ),
        ])
    }

    static func evidence(_ evidence: Evidence) -> JSON {
        .object([
            ("attempts", .int(Int64(evidence.attempts))), ("failures", .int(Int64(evidence.failures))),
            ("outages", .int(Int64(evidence.outages))), ("window_us", evidence.windowUs.map(range) ?? .null),
            ("cost_before_s", evidence.cost.map { .double($0.before) } ?? .null),
            ("cost_after_s", evidence.cost.map { .double($0.after) } ?? .null),
            ("change_interval_s", evidence.cost.map { range($0.interval) } ?? .null),
            ("reason", .string(evidence.reason)),
        ])
    }

    static func range(_ range: ClosedRange<Int64>) -> JSON { .array([.int(range.lowerBound), .int(range.upperBound)]) }

    static func range(_ range: ClosedRange<Double>) -> JSON {
        .array([.double(range.lowerBound), .double(range.upperBound)])
    }

    private static func optional(_ value: Int64?) -> JSON { value.map(JSON.int) ?? .null }

    private static func retry(_ retry: RetryPolicy) -> JSON {
        .object([
            ("max_retries", .int(Int64(retry.maxRetries))), ("on", .array(retry.on.map { .string($0.name) })),
            ("host", .string(retry.host.rawValue)), ("retry_after", .string(retry.retryAfter.rawValue)),
            ("backoff", backoff(retry.backoff)),
        ])
    }

    private static func backoff(_ backoff: Backoff) -> JSON {
        switch backoff {
        case .waits(let list, let jitter):
            .object([("waits_us", .array(list.map(JSON.int))), ("jitter", .double(jitter))])
        case .exponential(let baseUs, let maxUs, let multiplier, let jitter):
            .object([
                ("base_us", .int(baseUs)), ("max_us", .int(maxUs)), ("multiplier", .double(multiplier)),
                ("jitter", .string(jitter.rawValue)),
            ])
        }
    }

    private static func budget(_ budget: BudgetPolicy) -> JSON {
        .object([
            ("ratio", .double(budget.ratio)), ("min_per_second", .double(budget.minPerSecond)),
            ("window_us", .int(budget.windowUs)),
        ])
    }
}
