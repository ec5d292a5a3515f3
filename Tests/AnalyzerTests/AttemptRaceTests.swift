import Retry
import Testing

@testable import Analyzer

/// Races of a few attempts against their definition.
@Suite struct AttemptRaceTests {
    /// Uniform between 9.216 ms and 10.24 ms, two neighbouring corners of the grid.
    private let quick = LatencyTable { $0 >= 10_000 ? 1 : 0 }
    private let spread = LatencyTable { us in min(0.9, Double(us) / 300_000) }

    private func hang(_ weight: Double) -> RacingAttempt.Ending {
        RacingAttempt.Ending(atUs: .max, weight: weight, isTimeout: true)
    }

    @Test func theFirstAnswerCounts() {
        let race = AttemptRace([
            RacingAttempt(sentUs: 0, answers: .at(100_000, share: 1), endings: []),
            RacingAttempt(
                sentUs: 20_000, answers: .table(quick, fromUs: 0, untilUs: .max, times: 0.5),
                endings: [hang(0.5)]),
        ])
        #expect(race.open(byUs: 20_000) == 1)
        #expect(race.unanswered(byUs: 99_999) == 0.5 && race.unanswered(byUs: 100_000) == 0)
        #expect(abs(race.unansweredArea(untilUs: 1_000_000) - (0.5 * 29_728 + 0.5 * 100_000)) < 1e-6)
    }

    @Test func whatEndedBeforeTheHedgeWasDueIsNotHedged() {
        let ending = RacingAttempt.Ending(atUs: 10_000, weight: 0.4, isTimeout: false)
        let race = AttemptRace([
            RacingAttempt(sentUs: 0, answers: .at(100_000, share: 0.6), endings: [ending]),
            RacingAttempt(
                sentUs: 20_000, answers: .table(quick, fromUs: 0, untilUs: .max, times: 1), endings: []),
        ])
        #expect(abs(AttemptRace([race.attempts[0]]).open(byUs: 20_000) - 0.6) < 1e-12)
        #expect(abs(race.unanswered(byUs: .max) - 0.4) < 1e-12)
        #expect(abs(race.running(1, byUs: 50_000) - 0.6) < 1e-12)
        // Where the hedge was sent, the first attempt answers at 100 ms.
        #expect(race.running(1, byUs: 99_999) > 0.59 && race.running(1, byUs: 100_000) == 0)
        var ends: [RacingAttempt.Ending] = []
        race.eachEnding(after: -1, through: .max) { ends.append($0) }
        #expect(ends.isEmpty)
        AttemptRace([race.attempts[0]]).eachEnding(after: -1, through: 20_000) { ends.append($0) }
        #expect(ends.map(\.atUs) == [10_000] && ends.map(\.weight) == [0.4])
    }

    @Test func theLastToEndSaysHowTheRequestStands() {
        func attempt(_ sentUs: Int64, _ atUs: Int64, isTimeout: Bool) -> RacingAttempt {
            RacingAttempt(
                sentUs: sentUs, answers: .never,
                endings: [RacingAttempt.Ending(atUs: atUs, weight: 1, isTimeout: isTimeout)])
        }
        let race = AttemptRace([attempt(0, 90_000, isTimeout: true), attempt(20_000, 40_000, isTimeout: false)])
        func ends(after fromUs: Int64) -> [RacingAttempt.Ending] {
            var ends: [RacingAttempt.Ending] = []
            race.eachEnding(after: fromUs, through: .max) { ends.append($0) }
            return ends
        }
        let last = ends(after: 50_000)
        #expect(last.map(\.atUs) == [90_000] && last.map(\.isTimeout) == [true] && last.map(\.weight) == [1])
        #expect(ends(after: 90_000).isEmpty)
    }

    @Test func areasAreThoseOfSmallSteps() {
        var dice = SplitMix64(seed: 11)
        for _ in 0..<40 {
            let sent = [0, Int64.random(in: 1...40_000, using: &dice), Int64.random(in: 40_000...90_000, using: &dice)]
            let attempts = sent.prefix(Int.random(in: 1...3, using: &dice)).enumerated().map { place, sentUs in
                let times = Double.random(in: 0.1...1, using: &dice)
                let untilUs = Int64.random(in: 50_000...400_000, using: &dice)
                let law: RacingAttempt.Answers =
                    place == 0 && Bool.random(using: &dice)
                    ? .at(Int64.random(in: 1...300_000, using: &dice), share: times)
                    : .table(spread, fromUs: place == 0 ? 7000 : 0, untilUs: untilUs, times: times)
                let probe = RacingAttempt(sentUs: sentUs, answers: law, endings: [])
                let left = 1 - probe.answered(byUs: .max)
                let fails = left * Double.random(in: 0...1, using: &dice)
                return RacingAttempt(
                    sentUs: sentUs, answers: law,
                    endings: [
                        RacingAttempt.Ending(
                            atUs: sentUs + Int64.random(in: 1...60_000, using: &dice), weight: fails, isTimeout: false),
                        hang(left - fails),
                    ])
            }
            let race = AttemptRace(attempts)
            var sum = 0.0
            for us in stride(from: Int64(50), to: 250_000, by: 100) { sum += 100 * race.unanswered(byUs: us) }
            #expect(abs(race.unansweredArea(untilUs: 250_000) - sum) < 0.001 * sum)
            // All that is not answered ends in one of its ways, at once or stage by stage.
            var ended = 0.0
            for place in attempts.indices {
                let from = place == 0 ? -1 : attempts[place].sentUs
                let to = place + 1 < attempts.count ? attempts[place + 1].sentUs : .max
                AttemptRace(Array(attempts[...place])).eachEnding(after: from, through: to) { ended += $0.weight }
            }
            #expect(abs(ended - race.unanswered(byUs: .max)) < 1e-12)
        }
    }

    /// Attempts that answer or end at one of a few instants, so that every course of a race can be gone through.
    private func attempt(_ sentUs: Int64, _ dice: inout SplitMix64) -> RacingAttempt {
        let answered = Double.random(in: 0...1, using: &dice)
        let fails = (1 - answered) * Double.random(in: 0...1, using: &dice)
        func laterUs() -> Int64 { sentUs + Int64.random(in: 1...12, using: &dice) * 5000 }
        return RacingAttempt(
            sentUs: sentUs, answers: .at(laterUs(), share: answered),
            endings: [
                RacingAttempt.Ending(atUs: laterUs(), weight: fails, isTimeout: false),
                RacingAttempt.Ending(atUs: laterUs(), weight: 1 - answered - fails, isTimeout: true),
            ])
    }

    /// P(an attempt fails by one of its endings while no other has answered).
    private func courses(_ attempts: [RacingAttempt], failing place: Int, _ ending: RacingAttempt.Ending) -> Double {
        var share = 0.0
        /// - Parameter ends: of those before, when and whether with an answer; none: it was not sent.
        func go(_ number: Int, _ weight: Double, _ ends: [(atUs: Int64, isAnswer: Bool)?]) {
            guard number < attempts.count else {
                let others = ends.enumerated().filter { $0.offset != place }.compactMap(\.element)
                if ends[place] != nil, !others.contains(where: { $0.isAnswer && $0.atUs <= ending.atUs }) {
                    share += weight
                }
                return
            }
            let dueUs = attempts[number].sentUs
            let sent = ends.compactMap { $0 }
            let isAnswered = sent.contains { $0.isAnswer && $0.atUs <= dueUs }
            if number > 0, isAnswered || sent.allSatisfy({ $0.atUs <= dueUs }) {
                return go(number + 1, weight, ends + [nil])
            }
            if number == place { return go(number + 1, weight * ending.weight, ends + [(ending.atUs, false)]) }
            if case .at(let atUs, let chance) = attempts[number].answers {
                go(number + 1, weight * chance, ends + [(atUs, true)])
            }
            for other in attempts[number].endings {
                go(number + 1, weight * other.weight, ends + [(other.atUs, false)])
            }
        }
        go(0, 1, [])
        return share
    }

    @Test func aFailureIsAsProbableAsTheCoursesInWhichNoOtherHasAnswered() {
        var dice = SplitMix64(seed: 12)
        for _ in 0..<200 {
            let attempts = [Int64(0), 20_000, 40_000].prefix(Int.random(in: 1...3, using: &dice))
                .map { attempt($0, &dice) }
            let race = AttemptRace(attempts)
            for place in attempts.indices {
                for ending in attempts[place].endings {
                    let found = ending.weight * race.running(place, byUs: ending.atUs)
                    #expect(abs(found - courses(attempts, failing: place, ending)) < 1e-12)
                }
            }
        }
    }
}
