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

    let host: Int
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

    /// When P(answered) jumps or begins or stops to rise.
    fileprivate var bends: [Int64] {
        switch answers {
        case .never: []
        case .at(let atUs, _): [atUs]
        case .table(_, let fromUs, let untilUs, _): [sentUs + fromUs, Self.later(sentUs, untilUs)]
        }
    }

    /// Whether P(answered) rises steadily between two instants between which it does not bend.
    fileprivate func isRising(fromUs: Int64, toUs: Int64) -> Bool {
        guard case .table(_, let firstUs, let untilUs, _) = answers else { return false }
        return fromUs >= sentUs + firstUs && toUs <= Self.later(sentUs, untilUs)
    }

    /// ∫ P(answered by t) dt, microseconds.
    fileprivate func answeredArea(fromUs: Int64, toUs: Int64) -> Double {
        guard case .table(let table, let firstUs, _, let times) = answers else {
            return answered(byUs: fromUs) * Double(toUs - fromUs)
        }
        /// ∫ F from 0 on, by parts.
        func area(_ us: Int64) -> Double {
            let within = table.within(us)
            return Double(us) * within.share - within.partialMeanUs
        }
        let before = table.within(firstUs).share * Double(toUs - fromUs)
        return times * (area(toUs - sentUs) - area(fromUs - sentUs) - before)
    }

    /// The corners of a rising P(answered) between two instants; between them it is a straight line.
    fileprivate func corners(fromUs: Int64, toUs: Int64) -> [Int64] {
        (LogGrid.index(ofUs: fromUs - sentUs)...LogGrid.index(ofUs: toUs - sentUs)).map {
            sentUs + LogGrid.lowerBoundUs($0)
        }
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
    let attempts: [RacingAttempt]
    /// P(all before had ended without an answer when this one was due), by attempt.
    private let endedBefore: [Double]

    init(_ attempts: [RacingAttempt]) {
        self.attempts = attempts
        endedBefore = attempts.indices.map { place in
            place == 0 ? 0 : Self.endedShare(attempts[..<place], byUs: attempts[place].sentUs)
        }
    }

    /// P(no answer by then), whether anything still runs or not.
    func unanswered(byUs us: Int64) -> Double {
        let (open, ended) = openAndEnded(byUs: us)
        return open + ended
    }

    /// P(no answer by then and not all ended): one more is sent.
    func open(byUs us: Int64) -> Double {
        max(0, openAndEnded(byUs: us).open - Self.endedShare(attempts[...], byUs: us))
    }

    private func openAndEnded(byUs us: Int64) -> (open: Double, ended: Double) {
        openAndEnded { attempts[$0].answered(byUs: us) }
    }

    /// Those that ended before a further one was due stay as they are, whatever that one comes to.
    private func openAndEnded(_ answered: (Int) -> Double) -> (open: Double, ended: Double) {
        var (open, ended) = (1.0, 0.0)
        for place in attempts.indices {
            open = (open - endedBefore[place]) * (1 - answered(place))
            ended += endedBefore[place]
        }
        return (open, ended)
    }

    /// P(it is sent, and no other answered by then).
    func running(_ place: Int, byUs us: Int64) -> Double {
        var share = 1.0
        for other in attempts.indices where other != place { share *= 1 - attempts[other].answered(byUs: us) }
        if endedBefore[place] <= 0 { return share }
        var due = 1.0
        for other in 0..<place { due *= 1 - attempts[other].answered(byUs: attempts[place].sentUs) }
        return due > 0 ? share * max(0, 1 - endedBefore[place] / due) : 0
    }

    /// Every way in which all attempts end without an answer, the last of them within a stretch of time.
    func eachEnding(after fromUs: Int64, through toUs: Int64, _ body: (RacingAttempt.Ending) -> Void) {
        Self.walk(attempts[...], RacingAttempt.Ending(atUs: -1, weight: 1, isTimeout: false)) { ending in
            if ending.atUs > fromUs && ending.atUs <= toUs { body(ending) }
        }
    }

    private static func endedShare(_ attempts: ArraySlice<RacingAttempt>, byUs us: Int64) -> Double {
        var share = 0.0
        walk(attempts, RacingAttempt.Ending(atUs: -1, weight: 1, isTimeout: false)) {
            if $0.atUs <= us { share += $0.weight }
        }
        return share
    }

    /// The last to end says how the request stands.
    private static func walk(
        _ attempts: ArraySlice<RacingAttempt>, _ ended: RacingAttempt.Ending, _ body: (RacingAttempt.Ending) -> Void
    ) {
        guard let attempt = attempts.first else { return body(ended) }
        if ended.atUs >= 0 && ended.atUs <= attempt.sentUs { return }
        for ending in attempt.endings where ending.weight > 0 {
            let isLast = ending.atUs >= ended.atUs
            let next = RacingAttempt.Ending(
                atUs: max(ended.atUs, ending.atUs), weight: ended.weight * ending.weight,
                isTimeout: isLast ? ending.isTimeout : ended.isTimeout)
            walk(attempts.dropFirst(), next, body)
        }
    }

    /// ∫ P(no answer by t) dt from 0 on, microseconds. Between corners the integrand is a product of at most three
    /// straight lines, which Simpson's rule integrates exactly; of one alone the area is known.
    func unansweredArea(untilUs endUs: Int64) -> Double {
        let bends = attempts.flatMap(\.bends).filter { $0 > 0 && $0 < endUs }.sorted()
        var area = 0.0
        for (from, to) in zip([0] + bends, bends + [endUs]) where from < to {
            let rising = attempts.indices.filter { attempts[$0].isRising(fromUs: from, toUs: to) }
            if rising.isEmpty {
                area += unanswered(byUs: from) * Double(to - from)
            } else if rising.count == 1, endedBefore.allSatisfy({ $0 <= 0 }) {
                var others = 1.0
                for place in attempts.indices where place != rising[0] {
                    others *= 1 - attempts[place].answered(byUs: from)
                }
                area += others * (Double(to - from) - attempts[rising[0]].answeredArea(fromUs: from, toUs: to))
            } else {
                area += productArea(fromUs: from, toUs: to, rising)
            }
        }
        return area
    }

    private func productArea(fromUs: Int64, toUs: Int64, _ rising: [Int]) -> Double {
        let corners = rising.flatMap { attempts[$0].corners(fromUs: fromUs, toUs: toUs) }
            .filter { $0 > fromUs && $0 < toUs }.sorted()
        var area = 0.0
        for (from, to) in zip([fromUs] + corners, corners + [toUs]) where from < to {
            let left = attempts.map { $0.answered(byUs: from) }
            // What jumps at the end does so after it.
            let right = attempts.indices.map { rising.contains($0) ? attempts[$0].answered(byUs: to) : left[$0] }
            func unanswered(_ answered: (Int) -> Double) -> Double {
                let (open, ended) = openAndEnded(answered)
                return open + ended
            }
            let sum =
                unanswered { left[$0] } + 4 * unanswered { (left[$0] + right[$0]) / 2 } + unanswered { right[$0] }
            area += Double(to - from) / 6 * sum
        }
        return area
    }
}
