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
            RacingAttempt(host: 0, sentUs: 0, answers: .at(100_000, share: 1), endings: []),
            RacingAttempt(
                host: 1, sentUs: 20_000, answers: .table(quick, fromUs: 0, untilUs: .max, times: 0.5),
                endings: [hang(0.5)]),
        ])
        #expect(race.open(byUs: 20_000) == 1)
        #expect(race.unanswered(byUs: 99_999) == 0.5 && race.unanswered(byUs: 100_000) == 0)
        #expect(abs(race.unansweredArea(untilUs: 1_000_000) - (0.5 * 29_728 + 0.5 * 100_000)) < 1e-6)
    }

    @Test func whatEndedBeforeTheHedgeWasDueIsNotHedged() {
        let ending = RacingAttempt.Ending(atUs: 10_000, weight: 0.4, isTimeout: false)
        let race = AttemptRace([
            RacingAttempt(host: 0, sentUs: 0, answers: .at(100_000, share: 0.6), endings: [ending]),
            RacingAttempt(
                host: 1, sentUs: 20_000, answers: .table(quick, fromUs: 0, untilUs: .max, times: 1), endings: []),
        ])
        #expect(abs(AttemptRace([race.attempts[0]]).open(byUs: 20_000) - 0.6) < 1e-12)
        #expect(abs(race.unanswered(byUs: .max) - 0.4) < 1e-12)
        #expect(abs(race.running(1, byUs: 50_000) - 0.6) < 1e-12)
        var ends: [RacingAttempt.Ending] = []
        race.eachEnding(after: -1, through: .max) { ends.append($0) }
        #expect(ends.isEmpty)
        AttemptRace([race.attempts[0]]).eachEnding(after: -1, through: 20_000) { ends.append($0) }
        #expect(ends.map(\.atUs) == [10_000] && ends.map(\.weight) == [0.4])
    }

    @Test func theLastToEndSaysHowTheRequestStands() {
        func attempt(_ sentUs: Int64, _ atUs: Int64, isTimeout: Bool) -> RacingAttempt {
            RacingAttempt(
                host: 0, sentUs: sentUs, answers: .never,
                endings: [RacingAttempt.Ending(atUs: atUs, weight: 1, isTimeout: isTimeout)])
        }
        let race = AttemptRace([attempt(0, 90_000, isTimeout: true), attempt(20_000, 40_000, isTimeout: false)])
        race.eachEnding(after: 50_000, through: .max) { #expect($0.atUs == 90_000 && $0.isTimeout && $0.weight == 1) }
        race.eachEnding(after: 90_000, through: .max) { _ in Issue.record("it ended at 90 ms") }
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
                let probe = RacingAttempt(host: 0, sentUs: sentUs, answers: law, endings: [])
                let left = 1 - probe.answered(byUs: .max)
                let fails = left * Double.random(in: 0...1, using: &dice)
                return RacingAttempt(
                    host: 0, sentUs: sentUs, answers: law,
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
}
