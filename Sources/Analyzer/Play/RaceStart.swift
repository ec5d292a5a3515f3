import Retry

/// What may become of a recorded request whose attempts run beside each other, or whose first attempt is made on
/// another host than in the log.
struct RaceStart {
    /// One way to read a slow attempt, and the race that follows from it.
    struct Reading {
        /// How probable it is.
        let share: Double
        /// Whether the request is slow by itself.
        let isOwn: Bool
        /// Whether further attempts take as long as second attempts of slow requests do.
        let isSeenAgain: Bool
        /// Whether it takes the time that it took wherever it is sent.
        fileprivate let keepsItsTime: Bool
        var race: AttemptRace
    }

    /// An attempt beside the first.
    struct Hedge {
        var host: Int
        /// Since the request began.
        var sentUs: Int64
        /// P(it could be sent to its host).
        var open = 1.0
        /// Whether its host was resting, as all were.
        var isForced = false
    }

    private let facts: RouteFacts
    private let timeoutUs: Int64
    private let perTryUs: Int64
    private let stretch: Double
    /// The recorded failures of each host in order of time.
    private let shownFailures: [[(startUs: Int64, us: Int64, hangs: Bool)]]

    /// - Parameter stretch: as for `AttemptPlay`.
    init(_ rule: Rule, on facts: RouteFacts, stretch: Double) {
        self.facts = facts
        self.stretch = stretch
        timeoutUs = rule.timeoutUs ?? .max
        perTryUs = rule.perTryTimeoutUs ?? .max
        var failures = [[(startUs: Int64, us: Int64, hangs: Bool)]](repeating: [], count: facts.hostCount)
        let isUp = facts.upProbability ?? facts.answerProbability
        // What was given up while its host was down has hung.
        for first in facts.failed where first.outcome.isFailure || isUp(first.host, first.startUs) < 0.5 {
            failures[first.host].append((first.startUs, first.durationUs, first.outcome.isCensored))
        }
        shownFailures = failures.map { $0.sorted { $0.startUs < $1.startUs } }
    }

    /// When the recorded first attempt is over at the latest, since the request began.
    func endUs(_ first: RouteFacts.First) -> Int64 {
        let limitUs = min(perTryUs, timeoutUs)
        if Self.isCensored(first) { return limitUs }
        return min(first.durationUs, limitUs)
    }

    /// - Parameter host: another host than the recorded one, on which the first attempt is made instead.
    func readings(_ first: RouteFacts.First, elsewhere host: Int?) -> [Reading] {
        let elsewhere = host.map { prospect(first, $0, sentUs: 0) }
        // What answers within the limit is not slow by itself to a retry.
        let isCut = first.outcome != .success || first.durationUs > min(perTryUs, timeoutUs)
        func reading(_ share: Double, isOwn: Bool, isSeenAgain: Bool) -> Reading {
            // On another host than recorded: a request takes as long as it took as far as that was its own doing, which
            // what was not slow always is; else as long as that host takes.
            let begun = elsewhere.map { sent(first, $0, isOwn ? nil : facts.latency[$0.host]) } ?? recorded(first)
            return Reading(
                share: share, isOwn: isOwn && isCut, isSeenAgain: isSeenAgain, keepsItsTime: isOwn,
                race: AttemptRace([begun]))
        }
        // What failed tells nothing of how long its answer would have taken.
        guard first.outcome == .success || Self.isCensored(first) else {
            return [reading(1, isOwn: false, isSeenAgain: false)]
        }
        let own = first.ownShare
        if own <= 0 { return [reading(1, isOwn: false, isSeenAgain: first.isSeenAgain)] }
        if own >= 1 { return [reading(1, isOwn: true, isSeenAgain: first.isSeenAgain)] }
        return [
            reading(1 - own, isOwn: false, isSeenAgain: first.isSeenAgain),
            reading(own, isOwn: true, isSeenAgain: first.isSeenAgain),
        ]
    }

    /// One more attempt beside the others.
    func send(_ hedge: Hedge, of first: RouteFacts.First, in readings: inout [Reading]) {
        let met = prospect(first, hedge.host, sentUs: hedge.sentUs)
        for place in readings.indices {
            let law = readings[place].keepsItsTime ? nil : self.law(hedge.host, readings[place].isSeenAgain)
            readings[place].race.send(sent(first, met, law))
        }
    }

    private static func isCensored(_ first: RouteFacts.First) -> Bool {
        (first.outcome == .timeout || first.outcome == .cancelled) && !first.hasStarted
    }

    private func law(_ host: Int, _ isSeenAgain: Bool) -> LatencyTable {
        isSeenAgain ? facts.secondLatency ?? facts.latency[host] : facts.latency[host]
    }

    /// As the log has it, under the limits of the rule.
    private func recorded(_ first: RouteFacts.First) -> RacingAttempt {
        let limitUs = min(perTryUs, timeoutUs)
        if first.outcome == .success, first.durationUs <= limitUs {
            return RacingAttempt(sentUs: 0, answers: .at(first.durationUs, share: 1), endings: [])
        }
        var answers = RacingAttempt.Answers.never
        var answered = 0.0
        if Self.isCensored(first), first.durationUs < limitUs {
            // As in `AttemptPlay`: it may have hung on a host that was down.
            let reachUs = min(limitUs, facts.objective.deadlineUs)
            let law = facts.latency[first.host]
            let (before, within) = (law.within(first.durationUs).share, law.within(reachUs).share)
            let up = (facts.upProbability ?? facts.answerProbability)(first.host, first.startUs)
            if 1 - before > 1e-9, within > before {
                let times = up / (1 - before)
                answers = .table(law, fromUs: first.durationUs, untilUs: reachUs, times: times)
                answered = times * (within - before)
            }
        }
        let ending = RacingAttempt.Ending(
            atUs: endUs(first), weight: 1 - answered, isTimeout: Self.isCensored(first) || first.durationUs >= limitUs)
        return RacingAttempt(sentUs: 0, answers: answers, endings: [ending])
    }

    /// What an attempt that is not in the log meets.
    private struct Prospect {
        let host: Int
        let sentUs: Int64
        /// P(it is answered, sooner or later).
        let up: Double
        /// When it fails if it is not; `.max`: it hangs.
        let failsAfterUs: Int64
    }

    private func prospect(_ first: RouteFacts.First, _ host: Int, sentUs: Int64) -> Prospect {
        // The failure that its outage showed, as fast as it showed it; to a request that met none, as the host failed
        // to others about that time.
        let shown = first.outcome == .success ? shownFailure(host, atUs: first.startUs + sentUs) : nil
        let hangs = shown?.hangs ?? first.outcome.isCensored
        return Prospect(
            host: host, sentUs: sentUs,
            up: facts.answerProbability(host, first.startUs + Int64(Double(sentUs) / stretch)),
            failsAfterUs: hangs ? .max : shown?.us ?? first.durationUs)
    }

    /// An attempt that is not in the log.
    ///
    /// - Parameter law: how long its answer takes; `nil`: as long as the recorded one.
    private func sent(_ first: RouteFacts.First, _ prospect: Prospect, _ law: LatencyTable?) -> RacingAttempt {
        let (host, sentUs, up) = (prospect.host, prospect.sentUs, prospect.up)
        let limitUs = min(perTryUs, timeoutUs == .max ? .max : timeoutUs - sentUs)
        var answers = RacingAttempt.Answers.never
        var inTime = 0.0
        if let law {
            answers = .table(law, fromUs: 0, untilUs: limitUs, times: up)
            inTime = law.within(limitUs).share
        } else if first.outcome == .success, first.durationUs <= limitUs {
            answers = .at(sentUs + first.durationUs, share: up)
            inTime = 1
        } else if first.outcome != .success, first.durationUs < limitUs {
            // It was cut off: nobody knows how much longer it would have taken.
            let table = facts.latency[host]
            let before = table.within(first.durationUs).share
            if 1 - before > 1e-9 {
                answers = .table(table, fromUs: first.durationUs, untilUs: limitUs, times: up / (1 - before))
                inTime = (table.within(limitUs).share - before) / (1 - before)
            }
        }
        func at(_ us: Int64) -> Int64 { us == .max ? .max : sentUs + us }
        let failsAfterUs = prospect.failsAfterUs
        return RacingAttempt(
            sentUs: sentUs, answers: answers,
            endings: [
                RacingAttempt.Ending(atUs: at(limitUs), weight: up * (1 - inTime), isTimeout: true),
                RacingAttempt.Ending(
                    atUs: at(min(failsAfterUs, limitUs)), weight: 1 - up, isTimeout: failsAfterUs >= limitUs),
            ])
    }

    /// How the host failed next to an instant.
    private func shownFailure(_ host: Int, atUs: Int64) -> (us: Int64, hangs: Bool) {
        let list = shownFailures[host]
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle].startUs < atUs { low = middle + 1 } else { high = middle }
        }
        if list.isEmpty { return (facts.failureUs, false) }
        if low == list.count || low > 0 && atUs - list[low - 1].startUs <= list[low].startUs - atUs { low -= 1 }
        return (list[low].us, list[low].hangs)
    }
}
