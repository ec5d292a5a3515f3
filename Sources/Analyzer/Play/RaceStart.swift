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
        let race: AttemptRace
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
    private let failures: [[(startUs: Int64, us: Int64, hangs: Bool)]]

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
        self.failures = failures.map { $0.sorted { $0.startUs < $1.startUs } }
    }

    /// When the recorded first attempt is over at the latest, since the request began.
    func endUs(_ first: RouteFacts.First) -> Int64 {
        let limitUs = min(perTryUs, timeoutUs)
        if Self.isCensored(first) { return limitUs }
        return min(first.durationUs, limitUs)
    }

    /// - Parameter host: another host than the recorded one, on which the first attempt is made instead.
    func readings(_ first: RouteFacts.First, elsewhere host: Int?, _ hedges: [Hedge]) -> [Reading] {
        func reading(_ share: Double, isOwn: Bool, isSeenAgain: Bool) -> Reading {
            let begun = host.map { instead(first, host: $0, isOwn: isOwn) } ?? recorded(first)
            let beside = hedges.map { hedge in
                sent(first, hedge.host, hedge.sentUs, isOwn ? nil : law(hedge.host, isSeenAgain))
            }
            // What answers within the limit is not slow by itself to a retry.
            let isCut = first.outcome != .success || first.durationUs > min(perTryUs, timeoutUs)
            return Reading(
                share: share, isOwn: isOwn && isCut, isSeenAgain: isSeenAgain, race: AttemptRace([begun] + beside))
        }
        // What failed tells nothing of how long its answer would have taken.
        guard first.outcome == .success || Self.isCensored(first) else {
            return [reading(1, isOwn: false, isSeenAgain: false)]
        }
        let own = first.ownShare
        return [
            reading(1 - own, isOwn: false, isSeenAgain: first.isSeenAgain),
            reading(own, isOwn: true, isSeenAgain: first.isSeenAgain),
        ].filter { $0.share > 0 }
    }

    /// When one of the attempts fails while no answer has ended the race, and how probable that is.
    static func failures(
        of place: Int, _ readings: [Reading], afterUs: Int64, throughUs: Int64
    ) -> [(atUs: Int64, share: Double)] {
        var found: [(atUs: Int64, share: Double)] = []
        for reading in readings {
            for ending in reading.race.attempts[place].endings
            where ending.weight > 0 && ending.atUs > afterUs && ending.atUs <= throughUs && ending.atUs < .max {
                let share = reading.share * ending.weight * reading.race.running(place, byUs: ending.atUs)
                if let known = found.firstIndex(where: { $0.atUs == ending.atUs }) {
                    found[known].share += share
                } else {
                    found.append((ending.atUs, share))
                }
            }
        }
        return found
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
            return RacingAttempt(
                host: first.host, sentUs: 0, answers: .at(first.durationUs, share: 1), endings: [])
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
        return RacingAttempt(host: first.host, sentUs: 0, answers: answers, endings: [ending])
    }

    /// On another host than recorded: a request takes as long as it took as far as that was its own doing, which what
    /// was not slow always is; else as long as that host takes.
    private func instead(_ first: RouteFacts.First, host: Int, isOwn: Bool) -> RacingAttempt {
        sent(first, host, 0, isOwn ? nil : facts.latency[host])
    }

    /// An attempt that is not in the log.
    ///
    /// - Parameter law: how long its answer takes; `nil`: as long as the recorded one.
    private func sent(_ first: RouteFacts.First, _ host: Int, _ sentUs: Int64, _ law: LatencyTable?) -> RacingAttempt {
        let limitUs = min(perTryUs, timeoutUs == .max ? .max : timeoutUs - sentUs)
        let up = facts.answerProbability(host, first.startUs + Int64(Double(sentUs) / stretch))
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
        // The failure that its outage showed, as fast as it showed it; to a request that met none, as the host failed
        // to others about that time.
        let shown = first.outcome == .success ? shownFailure(host, atUs: first.startUs + sentUs) : nil
        let hangs = shown?.hangs ?? first.outcome.isCensored
        let failsAfterUs = hangs ? .max : shown?.us ?? first.durationUs
        return RacingAttempt(
            host: host, sentUs: sentUs, answers: answers,
            endings: [
                RacingAttempt.Ending(atUs: at(limitUs), weight: up * (1 - inTime), isTimeout: true),
                RacingAttempt.Ending(
                    atUs: at(min(failsAfterUs, limitUs)), weight: 1 - up,
                    isTimeout: hangs && !first.hasStarted || failsAfterUs >= limitUs),
            ])
    }

    /// How the host failed next to an instant.
    private func shownFailure(_ host: Int, atUs: Int64) -> (us: Int64, hangs: Bool) {
        let list = failures[host]
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle].startUs < atUs { low = middle + 1 } else { high = middle }
        }
        let near = [low - 1, low].filter(list.indices.contains)
            .min { abs(list[$0].startUs - atUs) < abs(list[$1].startUs - atUs) }
        return near.map { (list[$0].us, list[$0].hangs) } ?? (facts.failureUs, false)
    }
}
