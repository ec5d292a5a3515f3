import Analyzer
import Retry

/// How long failing hosts should rest, or why nobody can tell.
enum EjectionText {
    static func text(_ ejection: EjectionTime, style: Style) -> String {
        guard let best = ejection.best else { return "no rest can be priced: \(ejection.reason)\n" }
        var table = TextTable(
            left: ["host", "rest"], right: ["cost of an outage", "failed attempts", "idle though up"])
        func add(_ word: String, _ rest: String, _ option: EjectionTime.Option?) {
            guard let option else { return }
            table.rows.append([
                word, rest, NumberText.duration(seconds: option.costSeconds),
                NumberText.figures(option.failedAttempts), NumberText.duration(seconds: option.idleSeconds),
            ])
        }
        let range = ejection.restRangeUs.map {
            " [\(NumberText.duration(us: Double($0.lowerBound))), \(NumberText.duration(us: Double($0.upperBound)))]"
        }
        add("not ejected", "-", ejection.never)
        add("best", (best.restUs.map { NumberText.duration(us: Double($0)) } ?? "-") + (range ?? ""), best)
        add("Envoy's default", "30s × times ejected, up to 5m", ejection.envoy)
        let attempt = NumberText.duration(seconds: ejection.attemptCostSeconds)
        let idle = NumberText.duration(seconds: ejection.idleCostPerSecond)
        return table.text(style: style)
            + "\nfrom \(NumberText.grouped(ejection.outages)) outages of hosts; an attempt on a host that is down costs "
            + "\(attempt), a second of rest too long \(idle)\n"
    }

    static func json(_ ejection: EjectionTime) -> JSON {
        .object([
            ("enforced", .bool(false)), ("reason", .string(ejection.reason)),
            ("outages", .int(Int64(ejection.outages))), ("attempt_cost_s", .double(ejection.attemptCostSeconds)),
            ("idle_cost_s_per_s", .double(ejection.idleCostPerSecond)), ("best", option(ejection.best)),
            ("rest_interval_us", ejection.restRangeUs.map(RuleJSON.range) ?? .null),
            ("never", option(ejection.never)), ("envoy_default", option(ejection.envoy)),
        ])
    }

    private static func option(_ option: EjectionTime.Option?) -> JSON {
        guard let option else { return .null }
        return .object([
            ("rest_us", option.restUs.map(JSON.int) ?? .null), ("cost_s", .double(option.costSeconds)),
            ("failed_attempts", .double(option.failedAttempts)), ("idle_s", .double(option.idleSeconds)),
        ])
    }
}
