import Retry

/// The first attempt of a request and the hedges beside it, until no further hedge comes. Stretches of time are given
/// in microseconds since the request began, what ends in them at instants of the log.
final class HedgeRound {
    /// The request's way so far; its host is that of the last attempt.
    private(set) var way: TimedPlay.Way
    /// What began; elsewhere than recorded no response has begun yet.
    let first: RouteFacts.First
    /// How many requests of the log take it.
    let weight: Double
    /// The same as a share of the row.
    private let share: Double
    /// Another host than recorded.
    private let elsewhere: Int?
    private(set) var hedges: [RaceStart.Hedge] = []
    private var readings: [RaceStart.Reading]

    init(_ way: TimedPlay.Way, _ first: RouteFacts.First, share: Double, elsewhere: Int?, _ races: RaceStart) {
        self.way = way
        self.first = first
        self.share = share
        self.elsewhere = elsewhere
        weight = first.weight * share
        readings = races.readings(first, elsewhere: elsewhere)
    }

    /// P(no answer by then and not all ended): one more is sent.
    func open(byUs us: Int64) -> Double { readings.reduce(0) { $0 + $1.share * $1.race.open(byUs: us) } }

    /// One more attempt is sent.
    func send(_ hedge: RaceStart.Hedge, _ races: RaceStart) {
        races.send(hedge, of: first, in: &readings)
        hedges.append(hedge)
        way.host = hedge.host
        way.tried |= 1 << UInt64(hedge.host & 63)
    }

    /// What is answered, when no further hedge comes: the cost in microseconds, and in how much of it in time.
    func settled(_ objective: Objective) -> (costUs: Double, successes: Double) {
        let (deadlineUs, lateUs) = (objective.deadlineUs, Double(objective.deadlineUs + objective.failureCostUs))
        var (costUs, successes) = (0.0, 0.0)
        for reading in readings {
            let unanswered = reading.race.unanswered(byUs: deadlineUs)
            let inTimeUs = reading.race.unansweredArea(untilUs: deadlineUs) - Double(deadlineUs) * unanswered
            let late = max(0, unanswered - reading.race.unanswered(byUs: .max))
            costUs += weight * reading.share * (inTimeUs + late * lateUs)
            successes += weight * reading.share * (1 - unanswered)
        }
        return (costUs, successes)
    }

    /// Every way in which all its attempts end without an answer, the last within a stretch of time.
    func eachEnding(after fromUs: Int64, through toUs: Int64, _ body: (_ ended: AttemptPlay.Ended) -> Void) {
        for reading in readings {
            reading.race.eachEnding(after: fromUs, through: toUs) { end in
                body(
                    AttemptPlay.Ended(
                        weight: weight * reading.share * end.weight,
                        atUs: end.atUs == .max ? .max : first.startUs + end.atUs, isTimeout: end.isTimeout,
                        isOwn: reading.isOwn, isSeenAgain: reading.isSeenAgain))
            }
        }
    }

    /// When hosts fail within a stretch of time while no answer has ended the round.
    func eachFailure(after fromUs: Int64, through toUs: Int64, _ body: (HostFailure) -> Void) {
        for place in 0...hedges.count {
            let hedge = place > 0 ? hedges[place - 1] : nil
            // On its own host the request's attempt is sent whenever one could be.
            let sent = place == 0 && elsewhere == nil ? 1 : share
            for (atUs, share) in failures(of: place, after: fromUs, through: toUs) {
                body(
                    HostFailure(
                        host: hedge?.host ?? elsewhere ?? first.host, sentUs: first.startUs + (hedge?.sentUs ?? 0),
                        atUs: first.startUs + atUs, share: min(1, share * sent), open: hedge?.open ?? way.open,
                        isForced: hedge?.isForced ?? way.isForced))
            }
        }
    }

    private func failures(of place: Int, after fromUs: Int64, through toUs: Int64) -> [(atUs: Int64, share: Double)] {
        var found: [(atUs: Int64, share: Double)] = []
        for reading in readings {
            for ending in reading.race.attempts[place].endings
            where ending.weight > 0 && ending.atUs > fromUs && ending.atUs <= toUs && ending.atUs < .max {
                let share = reading.share * ending.weight * reading.race.running(place, byUs: ending.atUs)
                if let known = found.firstIndex(where: { $0.atUs == ending.atUs }) {
                    found[known].share += share
                } else if share > 0 {
                    found.append((ending.atUs, share))
                }
            }
        }
        return found
    }
}
