import Retry

/// One of the attempts of a request that run beside each other, and what may become of it. Times are microseconds since
/// the request began.
struct RacingAttempt {
    /// When an answer comes, with what probability.
    enum Answers {
        case never
        /// Then, or not at all.
        case at(Int64, share: Double)
        /// As a table says, counted from the sending: what it answers between `fromUs` and `untilUs`, times a factor.
        case table(LatencyTable, fromUs: Int64, untilUs: Int64, times: Double)
    }

    /// A way to end without an answer.
    struct Ending {
        /// `.max`: nobody will ever know.
        var atUs: Int64
        var weight: Double
        var isTimeout: Bool
    }

    let sentUs: Int64
    let answers: Answers
    let endings: [Ending]

    /// P(answered by then).
    func answered(byUs us: Int64) -> Double {
        switch answers {
        case .never: return 0
        case .at(let atUs, let share): return us >= atUs ? share : 0
        case .table(let table, let fromUs, let untilUs, let times):
            let sinceUs = min(us - sentUs, untilUs)
            return sinceUs > fromUs ? times * (table.within(sinceUs).share - table.within(fromUs).share) : 0
        }
    }

    /// A stretch of time in which P(answered) is a straight line; it may jump at the end.
    fileprivate struct Stretch {
        var answered: Double
        /// By microsecond.
        let slope: Double
        let endUs: Int64
    }

    /// The stretch that begins at an instant.
    fileprivate func stretch(from us: Int64) -> Stretch {
        let answered = answered(byUs: us)
        guard case .table(let table, let fromUs, let untilUs, _) = answers else {
            if case .at(let atUs, _) = answers, atUs > us { return Stretch(answered: answered, slope: 0, endUs: atUs) }
            return Stretch(answered: answered, slope: 0, endUs: .max)
        }
        let sinceUs = us - sentUs
        let rising = table.risingBins
        let beginUs = max(fromUs, LogGrid.lowerBoundUs(rising.lowerBound))
        if sinceUs < beginUs, !rising.isEmpty {
            let endUs = Self.later(sentUs, min(beginUs, untilUs))
            return Stretch(answered: answered, slope: 0, endUs: endUs > us ? endUs : .max)
        }
        let bin = LogGrid.index(ofUs: sinceUs)
        if sinceUs >= untilUs || bin >= rising.upperBound {
            return Stretch(answered: answered, slope: 0, endUs: .max)
        }
        let endUs = sentUs + min(LogGrid.lowerBoundUs(bin + 1), untilUs)
        return Stretch(
            answered: answered, slope: (self.answered(byUs: endUs) - answered) / Double(endUs - us), endUs: endUs)
    }

    private static func later(_ us: Int64, _ byUs: Int64) -> Int64 {
        let (sum, overflow) = us.addingReportingOverflow(byUs)
        return overflow ? .max : sum
    }
}

/// Attempts of one request beside each other, each sent after the one before if by then there was no answer and not all
/// had ended: the first answer counts. methods: pricing
struct AttemptRace {
    /// In the order in which they are sent.
    private(set) var attempts: [RacingAttempt] = []
    /// P(all before had ended without an answer when this one was due), by attempt.
    private var endedBefore: [Double] = []

    init(_ attempts: [RacingAttempt]) {
        for attempt in attempts { send(attempt) }
    }

    /// One more attempt is sent after all others.
    mutating func send(_ attempt: RacingAttempt) {
        endedBefore.append(attempts.isEmpty ? 0 : endedShare(byUs: attempt.sentUs))
        attempts.append(attempt)
    }

    /// P(no answer by then), whether anything still runs or not.
    func unanswered(byUs us: Int64) -> Double {
        unanswered { attempts[$0].answered(byUs: us) }
    }

    /// P(no answer by then and not all ended): one more is sent.
    func open(byUs us: Int64) -> Double {
        let (open, _) = openAndEnded { attempts[$0].answered(byUs: us) }
        return max(0, open - endedShare(byUs: us))
    }

    @inline(__always)
    private func unanswered(_ answered: (Int) -> Double) -> Double {
        let (open, ended) = openAndEnded(answered)
        return open + ended
    }

    /// Those that ended before a further one was due stay as they are, whatever that one comes to.
    @inline(__always)
    private func openAndEnded(_ answered: (Int) -> Double) -> (open: Double, ended: Double) {
        var (open, ended) = (1.0, 0.0)
        for place in attempts.indices {
            open = (open - endedBefore[place]) * (1 - answered(place))
            ended += endedBefore[place]
        }
        return (open, ended)
    }

    /// P(it is sent, and no other answered by then), given that it still runs then: so nothing that was due after it
    /// has found all ended.
    func running(_ place: Int, byUs us: Int64) -> Double {
        var share = 1.0
        for other in attempts.indices {
            if other <= place { share -= endedBefore[other] }
            if other != place { share *= 1 - attempts[other].answered(byUs: us) }
        }
        return max(0, share)
    }

    /// Every way in which all attempts end without an answer, the last of them within a stretch of time.
    func eachEnding(after fromUs: Int64, through toUs: Int64, _ body: (RacingAttempt.Ending) -> Void) {
        walk(0, RacingAttempt.Ending(atUs: -1, weight: 1, isTimeout: false)) { ending in
            if ending.atUs > fromUs && ending.atUs <= toUs { body(ending) }
        }
    }

    private func endedShare(byUs us: Int64) -> Double {
        var share = 0.0
        walk(0, RacingAttempt.Ending(atUs: -1, weight: 1, isTimeout: false)) {
            if $0.atUs <= us { share += $0.weight }
        }
        return share
    }

    /// The last to end says how the request stands.
    private func walk(_ place: Int, _ ended: RacingAttempt.Ending, _ body: (RacingAttempt.Ending) -> Void) {
        guard place < attempts.count else { return body(ended) }
        if ended.atUs >= 0 && ended.atUs <= attempts[place].sentUs { return }
        for ending in attempts[place].endings where ending.weight > 0 {
            let isLast = ending.atUs >= ended.atUs
            let next = RacingAttempt.Ending(
                atUs: max(ended.atUs, ending.atUs), weight: ended.weight * ending.weight,
                isTimeout: isLast ? ending.isTimeout : ended.isTimeout)
            walk(place + 1, next, body)
        }
    }

    /// ∫ P(no answer by t) dt from 0 on, microseconds. From bend to bend the integrand is a product of straight lines;
    /// Simpson's rule integrates up to three exactly.
    func unansweredArea(untilUs endUs: Int64) -> Double {
        var (area, fromUs) = (0.0, Int64(0))
        var lines = attempts.map { $0.stretch(from: 0) }
        while fromUs < endUs {
            let toUs = lines.reduce(endUs) { min($0, $1.endUs) }
            // Once an answer is certain, only that of what had ended before lacks.
            if lines.contains(where: { $0.answered >= 1 }) {
                return area + unanswered { lines[$0].answered } * Double(endUs - fromUs)
            }
            let us = Double(toUs - fromUs)
            let sum =
                unanswered { lines[$0].answered }
                + 4 * unanswered { lines[$0].answered + lines[$0].slope * us / 2 }
                + unanswered { lines[$0].answered + lines[$0].slope * us }
            area += us / 6 * sum
            for place in lines.indices {
                if lines[place].endUs == toUs {
                    lines[place] = attempts[place].stretch(from: toUs)
                } else {
                    lines[place].answered += lines[place].slope * us
                }
            }
            fromUs = toUs
        }
        return area
    }
}
