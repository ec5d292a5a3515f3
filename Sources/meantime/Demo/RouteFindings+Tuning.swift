import Analyzer
import Retry

extension RouteFindings {
    /// From what the tuner said of a route, what its clients saw, and what the proxy logged in both runs.
    init(
        tuning: RouteTuning, before: [RequestRecord], after: [RequestRecord], logBefore: AttemptColumns,
        logAfter: AttemptColumns, epochsUs: (before: Int64, after: Int64), hosts: [String]
    ) {
        self.init(
            name: tuning.route, objective: tuning.objective,
            before: RunMeasure(records: before, attempts: logBefore.count, objective: tuning.objective),
            after: RunMeasure(records: after, attempts: logAfter.count, objective: tuning.objective),
            presentPriced: Candidate(tuning.present), chosenPriced: Candidate(tuning.chosen), reason: tuning.reason,
            candidates: tuning.candidates.map(Candidate.init), recovery: RecoveryPicture.pictures(of: logBefore),
            attemptsBefore: AttemptMark.marks(logBefore, epochUs: epochsUs.before, hosts: hosts),
            attemptsAfter: AttemptMark.marks(logAfter, epochUs: epochsUs.after, hosts: hosts))
    }
}

extension Candidate {
    /// The tuner prices in seconds.
    init(_ priced: RulePrice) {
        self.init(
            rule: priced.rule,
            price: Price(
                costUs: priced.costSeconds * 1e6,
                interval: priced.interval.lowerBound * 1e6...priced.interval.upperBound * 1e6),
            extraAttempts: priced.extraAttempts)
    }
}

extension AttemptMark {
    static func marks(_ log: AttemptColumns, epochUs: Int64, hosts: [String]) -> [AttemptMark] {
        let places = log.hostNames.map { hosts.firstIndex(of: $0) ?? -1 }
        return (0..<log.count).map { row in
            AttemptMark(
                offsetUs: log.startUs[row] - epochUs, durationUs: log.durationUs[row], host: places[Int(log.host[row])],
                attempt: Int(log.attempt[row]), outcome: log.outcome[row])
        }
    }
}

extension RecoveryPicture {
    /// The published estimate at instants close enough for a smooth picture: eight an octave from 1 ms to 4 s.
    static func pictures(of log: AttemptColumns) -> [RecoveryPicture] {
        let states = HostStateSmoother(for: log).smooth(log)
        let outages = Outages(columns: log, states: states)
        let failures = RecoveryIntervals(columns: log).failures
        let instants = (0...12).flatMap { octave in (0..<8).map { Int64(1000 << octave) * (8 + Int64($0)) / 8 } }
        var dice = SplitMix64(seed: 1, "recovery of \(log.route)")
        let places: [(label: String, pick: (RecoveryIntervals.Failure) -> CensoredInterval?)] = [
            ("on the same host", { $0.sameHost }), ("on another host", { $0.otherHost }),
        ]
        return places.compactMap { place in
            let seen = failures.compactMap { failure in place.pick(failure).map { ($0, outages.unit(of: failure.row)) }
            }
            if seen.isEmpty { return nil }
            let curve = RecoveryCurve(
                seen.map(\.0), unit: seen.map(\.1), request: RecoveryCurve.Request(atUs: instants, shares: []),
                using: &dice)
            return RecoveryPicture(
                label: place.label,
                points: curve.points.map {
                    Point(timeUs: $0.afterUs, share: 1 - $0.estimate, low: 1 - $0.high, high: 1 - $0.low)
                })
        }
    }
}
