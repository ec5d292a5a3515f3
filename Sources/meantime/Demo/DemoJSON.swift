import Retry

/// The same numbers for scripts. Costs and times are microseconds.
enum DemoJSON {
    static func document(_ findings: DemoFindings) -> JSON {
        .object([
            ("seed", .int(Int64(clamping: findings.plan.seed))), ("duration_us", .int(findings.plan.durationUs)),
            ("took_us", .int(findings.tookUs)), ("changed", .bool(findings.isChanged)),
            ("cost_ratio", .double(findings.costRatio)),
            ("attempts_ratio", .double(findings.attemptsRatio)), ("before", measure(findings.before)),
            ("after", measure(findings.after)), ("predicted", price(findings.predicted)),
            ("verdict", .string(findings.predicted.verdict(of: findings.after).rawValue)),
            ("warning", findings.warning.map(JSON.string) ?? .null),
            ("broken_promises", .array(findings.brokenPromises.map(JSON.string))),
            ("routes", .array(findings.routes.map(route))),
        ])
    }

    private static func route(_ route: RouteFindings) -> JSON {
        .object([
            ("route", .string(route.name)), ("changed", .bool(route.isChanged)), ("before", measure(route.before)),
            ("after", measure(route.after)),
            ("predicted_before", price(route.presentPriced.price)), ("predicted", price(route.predicted)),
            ("predicted_extra_attempts", .double(route.chosenPriced.extraAttempts)),
            ("verdict", .string(route.verdict.rawValue)), ("rule", .string(DemoText.words(route.chosenRule))),
            ("reason", .string(route.reason)),
        ])
    }

    private static func measure(_ measure: RunMeasure) -> JSON {
        func percentile(_ share: Double) -> JSON { measure.percentileUs(share).map(JSON.int) ?? .null }
        return .object([
            ("requests", .int(Int64(measure.requests))), ("failures", .int(Int64(measure.failures))),
            ("success", .double(measure.success)), ("p50_us", percentile(0.5)), ("p99_us", percentile(0.99)),
            ("p999_us", percentile(0.999)), ("attempts_per_request", .double(measure.attemptsPerRequest)),
            ("cost_us", .double(measure.costUs)), ("sent_late", .int(Int64(measure.late))),
        ])
    }

    private static func price(_ price: Price) -> JSON {
        .object([
            ("cost_us", .double(price.costUs)), ("low_us", .double(price.interval.lowerBound)),
            ("high_us", .double(price.interval.upperBound)),
        ])
    }
}
