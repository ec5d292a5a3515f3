public import Retry

/// What else could be done about a route's failures than what `tune` decides on. For people; nothing of it is put in
/// force.
public struct RouteAlternatives: Sendable {
    /// The best rule of every dialect, Meantime's own first.
    public var dialects: [DialectRule]
    /// When to send an attempt beside a slow one.
    public var hedge: HedgeChoice
    /// How long a host that fails is given a rest.
    public var ejection: EjectionTime
}

extension Tuner {
    /// The alternatives to what was found on a route; `nil` when the columns hold no first attempt.
    public func alternatives(to tuning: RouteTuning, _ columns: AttemptColumns) -> RouteAlternatives? {
        let setting = RouteSetting(
            route: columns.route, configuration: configuration, present: present, columns: columns)
        guard let evidence = RouteEvidence(columns, setting: setting) else { return nil }
        let isRepeatable = setting.isIdempotent ?? !evidence.repeatableMethods.isEmpty
        let hedge = HedgeChoice(
            evidence, objective: setting.objective, isRepeatable: isRepeatable,
            retriesExtra: tuning.chosen.extraAttempts)
        let ejection = EjectionTime(evidence, rule: tuning.chosen.rule, objective: setting.objective, seed: seed)
        return RouteAlternatives(
            dialects: dialects(tuning, evidence, setting), hedge: hedge, ejection: ejection)
    }
}
