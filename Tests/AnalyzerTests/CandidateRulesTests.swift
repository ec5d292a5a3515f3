import Retry
import Testing

@testable import Analyzer

@Suite struct CandidateRulesTests {
    private func candidates(
        maxRetries: Int = 3, perTry: [Int64?] = [nil], below: Int64 = 1_800_000
    ) -> CandidateRules {
        let retry = RetryPolicy(maxRetries: maxRetries, on: [.outcome(.reset)], backoff: .waits([0], jitter: 0.1))
        return CandidateRules(
            frame: Rule(timeoutUs: 2_000_000, retry: retry),
            budgets: [BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000)], maxRetries: maxRetries,
            perTryTimeoutsUs: perTry, waitsBelowUs: below)
    }

    @Test func everyCandidateFitsInTheDeadlineAndHasABudget() {
        let grid = candidates().grid()
        #expect(grid.count > 50)
        #expect(Set(grid).count == grid.count)
        for rule in grid {
            let waits = CandidateRules.waits(of: rule)
            #expect(waits.count <= 3)
            #expect(waits.reduce(0, +) < 1_800_000)
            #expect(rule.budget != nil)
            #expect(rule.timeoutUs == 2_000_000)
        }
    }

    @Test func `where Retry-After may be ignored every schedule is tried with it heeded and ignored`() throws {
        let heeding = candidates(perTry: [nil, 100_000])
        var both = heeding
        both.retryAfters = [.heed, .ignore]
        func parts(_ rules: [Rule]) -> (heed: [Rule], ignore: [Rule]) {
            var ignoring = rules.filter { $0.retry?.retryAfter == .ignore }
            for place in ignoring.indices { ignoring[place].retry?.retryAfter = .heed }
            return (rules.filter { $0.retry?.retryAfter != .ignore }, ignoring)
        }
        let grid = parts(both.grid())
        #expect(grid.heed == heeding.grid() && grid.ignore == heeding.grid().filter { $0.retry != nil })
        let given = heeding.grid().filter { [[40_000, 80_000], [5000]].contains(CandidateRules.waits(of: $0)) }
        let varied = parts(both.varied(given))
        #expect(!varied.heed.isEmpty && varied.heed == heeding.varied(given) && varied.ignore == varied.heed)
        // A neighbour keeps what its rule does.
        let limited = try #require(heeding.varied(given).last)
        var ignoring = limited
        ignoring.retry?.retryAfter = .ignore
        let near = parts(both.neighbours(of: ignoring, stepping: [0.5, 2]))
        #expect(near.heed.isEmpty && near.ignore == heeding.neighbours(of: limited, stepping: [0.5, 2]))
        #expect(both.neighbours(of: limited, stepping: [0.5, 2]) == near.ignore)
    }

    @Test func noRetriesIsACandidate() {
        #expect(candidates().grid().contains { $0.retry == nil })
        #expect(candidates(maxRetries: 0).grid().allSatisfy { $0.retry == nil })
    }

    @Test func aLimitIsMovedOnlyWhereRetriesOfSlowAttemptsWereFast() throws {
        var family = candidates(perTry: [nil, 100_000])
        let limited = try #require(
            family.varied(family.grid().filter { CandidateRules.waits(of: $0) == [40_000] }).first {
                $0.perTryTimeoutUs == 100_000
            })
        func limits() -> Set<Int64?> {
            Set(family.neighbours(of: limited, stepping: [0.5, 2]).map(\.perTryTimeoutUs))
        }
        #expect(limits() == [50_000, 100_000, 200_000])
        family.areSlowRetriesFast = false
        #expect(limits() == [100_000])
    }

    @Test func withoutARetryNoLimitIsTriedThatWouldOnlyFailSooner() {
        var family = candidates(perTry: [nil, 100_000])
        let bare = family.grid().filter { $0.retry == nil }
        #expect(family.varied(bare).isEmpty)
        // Where the present limit is kept though its timeouts are not retried, it is a choice of its own.
        family.areTimeoutsRetried = false
        #expect(family.varied(bare).map(\.perTryTimeoutUs) == [100_000])
    }

    @Test func theFirstLimitIsTriedWithEveryScheduleTheOthersWithThoseGiven() {
        let family = candidates(perTry: [nil, 100_000, 300_000])
        #expect(family.grid() == candidates().grid())
        let given = family.grid().filter { [[40_000, 80_000], [5000]].contains(CandidateRules.waits(of: $0)) }
        let varied = family.varied(given)
        #expect(Set(varied.map(\.perTryTimeoutUs)) == [100_000, 300_000])
        #expect(Set(varied.map(CandidateRules.waits(of:))) == [[40_000, 80_000], [0, 0], [5000], [0]])
        #expect(varied.count == 8)
        // What a limit cuts off is sent again; without a limit there is nothing of the kind.
        #expect(varied.allSatisfy { $0.retry?.on.contains(.outcome(.timeout)) ?? false })
        #expect(given.allSatisfy { !($0.retry?.on.contains(.outcome(.timeout)) ?? true) })
    }

    @Test func aNeighbouringLimitIsNeverShorterThanAllowed() throws {
        var family = candidates(perTry: [nil, 100_000])
        family.shortestLimitUs = 60_000
        let given = family.varied(family.grid()).first { CandidateRules.waits(of: $0) == [40_000, 80_000] }
        let start = try #require(given)
        let limits = family.neighbours(of: start, stepping: [0.5, 2]).compactMap(\.perTryTimeoutUs)
        #expect(Set(limits) == [100_000, 200_000])
        family.areTimeoutsRetried = false
        #expect(Set(family.neighbours(of: start, stepping: [0.5, 2]).compactMap(\.perTryTimeoutUs)) == [100_000])
    }

    @Test func neighboursKeepTheNumberOfRetriesAndMoveOneWait() throws {
        let family = candidates()
        let start = family.grid().first { CandidateRules.waits(of: $0) == [40_000, 80_000] }
        let rule = try #require(start)
        let neighbours = family.neighbours(of: rule, stepping: [0.5, 2]).map(CandidateRules.waits(of:))
        let expected: Set<[Int64]> = [
            [20_000, 80_000], [80_000, 80_000], [0, 80_000], [40_000, 40_000], [40_000, 160_000], [40_000, 0],
        ]
        #expect(Set(neighbours) == expected)
    }

    @Test(arguments: [(499.0, 0), (1499, 1000), (12_345, 12_000), (123_456, 120_000), (1_999_999, 2_000_000)])
    func waitsHaveTwoDigits(us: Double, rounded: Int64) {
        #expect(CandidateRules.rounded(us) == rounded)
    }

    @Test func aShortListRepeatsItsLastWait() {
        var rule = candidates().frame
        rule.retry?.maxRetries = 3
        rule.retry?.backoff = .waits([10, 20], jitter: 0)
        #expect(CandidateRules.waits(of: rule) == [10, 20, 20])
    }
}
