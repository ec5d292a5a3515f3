import Analyzer
import Retry

/// What `tune` found, for scripts. Keys are only ever added. `change_interval_s` is chosen − present: negative is
/// cheaper.
enum TuneJSON {
    static func document(_ result: TuneResult, _ ending: TuneEnding) -> JSON {
        .object([
            ("rules_file", .string(ending.rulesPath)), ("changed", .bool(ending.isChanged || ending.isCreated)),
            ("written", .bool(ending.isWritten)), ("version", ending.version.map { .int(Int64($0)) } ?? .null),
            ("attempts_missing", .int(Int64(result.missingAttempts))),
            ("routes_without_attempts", .array(ending.unseenRoutes.map(JSON.string))),
            ("routes", .array(result.routes.map(route))),
        ])
    }

    static func route(_ route: RouteTuning) -> JSON {
        .object([
            ("route", .string(route.route)), ("changed", .bool(route.isChanged)), ("reason", .string(route.reason)),
            ("attempts", .int(Int64(route.attempts))), ("requests", .int(Int64(route.requests))),
            ("failures", .int(Int64(route.failures))), ("outages", .int(Int64(route.outages))),
            ("window_us", RuleJSON.range(route.windowUs)), ("objective", objective(route.objective)),
            ("recorded_cost_s", .double(route.recordedCostSeconds)),
            ("recorded_success_share", .double(route.recordedSuccessShare)),
            ("present_given", .bool(route.isPresentGiven)), ("present", price(route.present)),
            ("chosen", price(route.chosen)), ("change_interval_s", RuleJSON.range(route.change)),
            ("confirmed_change_interval_s", RuleJSON.range(route.confirmedGain)),
            ("assumptions", .array(route.assumptions.map(JSON.string))),
        ])
    }

    static func objective(_ objective: Objective) -> JSON {
        .object([
            ("deadline_us", .int(objective.deadlineUs)), ("failure_cost_us", .int(objective.failureCostUs)),
            ("attempt_cost_us", .int(objective.attemptCostUs)),
            ("max_extra_attempts", .double(objective.maxExtraAttempts)),
        ])
    }

    static func price(_ price: RulePrice) -> JSON {
        .object([
            ("rule", RuleJSON.rule(price.rule)), ("cost_s", .double(price.costSeconds)),
            ("cost_interval_s", RuleJSON.range(price.interval)),
            ("extra_attempts", .double(price.extraAttempts)), ("success_share", .double(price.successShare)),
            ("refused_share", .double(price.refusedShare)),
        ])
    }
}
