import Retry
import Testing

@testable import Analyzer

@Suite struct ExpectedBudgetTests {
    /// The arrivals are known beforehand here and told one by one to the proxy's own budget: both grant the same.
    @Test func itGrantsWhatTheProxysBudgetGrants() {
        var dice = SplitMix64(seed: 3, "expected")
        let facts = PlayEquivalenceTests().facts(&dice, hosts: 1)
        let policy = BudgetPolicy(ratio: 0.2, minPerSecond: 0.1, windowUs: 10_000_000)
        var budget = ExpectedBudget(policy, PlayedRows(facts))
        var own = RetryBudget(policy)
        var (asked, refused) = (0.0, 0.0)
        for arrival in facts.arrivals {
            own.recordRequest(nowUs: arrival.startUs, amount: arrival.count * RetryBudget.whole)
            let weight = Double(Int.random(in: 1...4, using: &dice)) / 4
            let isGranted = own.withdraw(nowUs: arrival.startUs, amount: Int64(weight * Double(RetryBudget.whole)))
            let found = budget.withdraw(weight, nowUs: arrival.startUs)
            #expect(found == isGranted)
            asked += weight
            if !isGranted { refused += weight }
        }
        #expect(budget.refusedShare == refused / asked && refused > 0 && refused < asked)
    }

    @Test func withoutAPolicyNothingIsRefused() {
        var dice = SplitMix64(seed: 4, "expected")
        var budget = ExpectedBudget(nil, PlayedRows(PlayEquivalenceTests().facts(&dice, hosts: 1)))
        #expect(budget.refusedShare == 0)
        for atUs in 0..<1000 as Range<Int64> {
            let isGranted = budget.withdraw(1, nowUs: atUs)
            #expect(isGranted)
        }
        #expect(budget.refusedShare == 0)
    }
}
