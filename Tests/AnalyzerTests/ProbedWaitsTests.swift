import Retry
import TestSupport
import Testing

@testable import Analyzer

struct ProbedWaitsTests {
    private static let minute: Int64 = 60_000_000

    /// A probe every `everyUs`, every tenth one fails alone.
    private static func log(everyUs: Int64, count: Int = 2_000) -> AttemptColumns {
        AttemptColumns(
            route: "pay",
            attempts: (0..<count).map {
                Attempt(
                    startUs: Int64($0) * everyUs, durationUs: 1_000, route: "pay", host: "a", request: UInt64($0),
                    outcome: $0 % 10 == 5 ? .errorStatus : .success, method: "GET")
            })
    }

    @Test func `close attempts bear witness to retries at once, sparse ones from their distance on`() {
        #expect(ProbedWaits.leastUs(Self.log(everyUs: 1_000_000)) == 0)
        #expect(ProbedWaits.leastUs(Self.log(everyUs: 15 * Self.minute)) == 15 * Self.minute - 1_000)
        #expect(ProbedWaits.leastUs(AttemptColumns(route: "pay")) == 0)
    }

    @Test func `half of the failures decide, cancelled attempts tell nothing`() {
        func attempt(_ second: Int64, _ outcome: Outcome) -> Attempt {
            Attempt(
                startUs: second * 1_000_000, durationUs: 0, route: "pay", host: "a", request: UInt64(second),
                outcome: outcome)
        }
        let log = AttemptColumns(
            route: "pay",
            attempts: [
                attempt(0, .reset), attempt(1, .cancelled), attempt(100, .success), attempt(200, .reset),
                attempt(201, .success), attempt(300, .reset), attempt(350, .success),
            ])
        #expect(ProbedWaits.leastUs(log) == 50_000_000)
        let last = AttemptColumns(route: "pay", attempts: [attempt(0, .success), attempt(9, .reset)])
        #expect(ProbedWaits.leastUs(last) == 30 * 1_440 * Self.minute)
    }

    @Test func `tune waits as long as the probes lie apart, and says why`() throws {
        let configuration = try Configuration(
            yaml:
                "objective: {deadline: 6h, failure_cost: 24h, attempt_cost: 1m, max_extra_attempts: 1}\nroutes:\n  pay: {}\n",
            file: "meantime.yaml")
        let tuning = try #require(Tuner(configuration: configuration).tune(Self.log(everyUs: 15 * Self.minute)))
        #expect(tuning.isChanged)
        let waits = CandidateRules.waits(of: tuning.chosen.rule)
        #expect(!waits.isEmpty && waits.allSatisfy { $0 >= 15 * Self.minute - 2_000 }, "\(waits)")
        #expect(tuning.assumptions.contains { $0.contains("shorter waits are not considered") })
        let close = try #require(Tuner(configuration: configuration).tune(Self.log(everyUs: 1_000_000)))
        #expect(!close.assumptions.contains { $0.contains("shorter waits") })
    }
}
