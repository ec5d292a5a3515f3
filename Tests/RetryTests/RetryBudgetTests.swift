import Retry
import TestSupport
import Testing

/// The sentence itself: retries in the last `window` ≤ max(ratio × requests in it, min_per_second × window), by
/// counting.
private struct ExactWindow {
    /// The ratio as a fraction, so that the comparison is one of integers.
    var ratio: (over: Int64, under: Int64)
    var floor: Int64
    var windowUs: Int64
    private(set) var requests: [Int64] = []
    private(set) var retries: [Int64] = []

    init(ratio: (over: Int64, under: Int64), floor: Int64, windowUs: Int64) {
        self.ratio = ratio
        self.floor = floor
        self.windowUs = windowUs
    }

    mutating func recordRequest(atUs us: Int64) { requests.append(us) }
    mutating func recordRetry(atUs us: Int64) { retries.append(us) }

    /// Whether one more retry fits when retries are remembered for `retriesUs` and requests for `requestsUs`.
    func allows(atUs us: Int64, retriesUs: Int64, requestsUs: Int64) -> Bool {
        let taken = Int64(retries.count { $0 > us - retriesUs }) + 1
        let asked = Int64(requests.count { $0 > us - requestsUs })
        return taken <= floor || taken * ratio.under <= ratio.over * asked
    }
}

/// A budget behind a reference, so that an expectation may change it.
private final class Account {
    var budget: RetryBudget

    init(_ policy: BudgetPolicy) { budget = RetryBudget(policy) }
    init(_ budget: RetryBudget) { self.budget = budget }

    func recordRequest(nowUs: Int64, amount: Int64 = RetryBudget.whole) {
        budget.recordRequest(nowUs: nowUs, amount: amount)
    }

    func withdraw(nowUs: Int64, amount: Int64 = RetryBudget.whole) -> Bool {
        budget.withdraw(nowUs: nowUs, amount: amount)
    }

    func balance(nowUs: Int64) -> Int64 { budget.balance(nowUs: nowUs) }
}

@Suite struct RetryBudgetTests {
    private static let ratios: [(Double, over: Int64, under: Int64)] = [
        (0, 0, 1), (0.2, 1, 5), (0.29, 29, 100), (0.5, 1, 2), (1, 1, 1), (1.7, 17, 10),
    ]

    @Test(arguments: SeededGenerator.seeds([1, 2, 3, 4, 5, 6]))
    func `the bound is never exceeded, and binds at most a 64th of the window early`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for (ratio, over, under) in Self.ratios {
            // 640 us divides into 64 slots, 1,000 and 100,003 do not.
            for windowUs in [640, 1000, 100_003] as [Int64] {
                let floor = Int64.random(in: 0...4, using: &generator)
                let policy = BudgetPolicy(
                    ratio: ratio, minPerSecond: Double(floor) * 1e6 / Double(windowUs) * (1 + 1e-12),
                    windowUs: windowUs)
                var exact = ExactWindow(ratio: (over, under), floor: floor, windowUs: windowUs)
                let slackUs = (windowUs + 63) / 64
                let budget = Account(policy)
                var nowUs = Int64.random(in: 0...3_000_000_000_000_000, using: &generator)
                var (allowed, refused) = (0, 0)
                for _ in 0..<600 {
                    nowUs += Int64.random(
                        in: 0...windowUs / Int64.random(in: 1...60, using: &generator), using: &generator)
                    if Bool.random(using: &generator) {
                        budget.recordRequest(nowUs: nowUs)
                        exact.recordRequest(atUs: nowUs)
                    } else if budget.withdraw(nowUs: nowUs) {
                        allowed += 1
                        #expect(
                            exact.allows(atUs: nowUs, retriesUs: windowUs, requestsUs: windowUs),
                            "too many at \(nowUs): \(policy), \(generator)")
                        exact.recordRetry(atUs: nowUs)
                    } else {
                        refused += 1
                        #expect(
                            !exact.allows(
                                atUs: nowUs, retriesUs: windowUs + slackUs, requestsUs: windowUs - slackUs),
                            "bound too early at \(nowUs): \(policy), \(generator)")
                    }
                }
                #expect(refused > 0 && (allowed > 0 || (floor == 0 && ratio == 0)), "the run decided nothing")
            }
        }
    }

    @Test func `the documented table holds`() {
        for (perSecond, allowed) in [(1, 30), (100, 200), (5000, 10_000)] {
            let budget = Account(BudgetPolicy(ratio: 0.2, minPerSecond: 3, windowUs: 10_000_000))
            let stepUs = Int64(1_000_000 / perSecond)
            // A tenth of a second beyond 10 s: one 64th of the window's requests does not count yet or any more.
            var nowUs: Int64 = 0
            for _ in 0..<perSecond * 11 {
                budget.recordRequest(nowUs: nowUs)
                nowUs += stepUs
            }
            var taken = 0
            while budget.withdraw(nowUs: nowUs) { taken += 1 }
            #expect(taken <= allowed)
            #expect(taken * 64 >= allowed * 63 - 64, "\(taken) of \(allowed)")
        }
    }

    @Test func `a decimal ratio means what it says`() {
        for (percent, requests) in [(29, 100), (7, 100), (57, 300), (3, 1000)] {
            let budget = Account(
                BudgetPolicy(ratio: Double(percent) / 100, minPerSecond: 0, windowUs: 10_000_000))
            for _ in 0..<requests { budget.recordRequest(nowUs: 5_000_000) }
            var taken = 0
            while budget.withdraw(nowUs: 5_000_000) { taken += 1 }
            #expect(taken == requests * percent / 100)
        }
    }

    @Test func `a refusal changes nothing and a copy forks`() {
        let budget = Account(BudgetPolicy(ratio: 0, minPerSecond: 0.2, windowUs: 10_000_000))
        #expect(budget.withdraw(nowUs: 1))
        let fork = Account(budget.budget)
        #expect(fork.withdraw(nowUs: 2))
        let before = fork.budget
        #expect(!fork.withdraw(nowUs: 3))
        #expect(fork.balance(nowUs: 3) == 0)
        #expect(fork.budget == before)
        #expect(budget.balance(nowUs: 3) == RetryBudget.whole)
    }

    @Test func `what was taken comes back when it has left the window`() {
        let budget = Account(BudgetPolicy(ratio: 0, minPerSecond: 1, windowUs: 1_000_000))
        #expect(budget.withdraw(nowUs: 500_000))
        #expect(!budget.withdraw(nowUs: 1_499_999))
        // One slot, 15,625 us, later at the latest.
        #expect(budget.withdraw(nowUs: 1_515_625))
    }

    @Test func `a long rest empties the window`() {
        for gapUs in [1_100_000, 1_000_000_000, 4_000_000_000_000_000] as [Int64] {
            let budget = Account(BudgetPolicy(ratio: 1, minPerSecond: 0, windowUs: 1_000_000))
            for _ in 0..<10 { budget.recordRequest(nowUs: 7) }
            #expect(budget.balance(nowUs: 7) == 10 * RetryBudget.whole)
            for _ in 0..<5 { #expect(budget.withdraw(nowUs: 7)) }
            #expect(!budget.withdraw(nowUs: 7 + gapUs))
            budget.recordRequest(nowUs: 7 + gapUs)
            #expect(budget.balance(nowUs: 7 + gapUs) == RetryBudget.whole)
            #expect(budget.withdraw(nowUs: 7 + gapUs))
            #expect(!budget.withdraw(nowUs: 7 + gapUs))
        }
    }

    @Test func `time that runs backwards gives nothing back`() {
        let budget = Account(BudgetPolicy(ratio: 0, minPerSecond: 2, windowUs: 1_000_000))
        #expect(budget.withdraw(nowUs: 10_000_000))
        #expect(budget.withdraw(nowUs: 1_000_000))
        for nowUs in [0, -5, .min, 9_999_999, 10_000_000] as [Int64] { #expect(!budget.withdraw(nowUs: nowUs)) }
    }

    @Test func `a zero ratio without a floor allows none`() {
        let budget = Account(BudgetPolicy(ratio: 0, minPerSecond: 0, windowUs: 10_000_000))
        for nowUs in 0..<1000 as Range<Int64> {
            budget.recordRequest(nowUs: nowUs)
            #expect(!budget.withdraw(nowUs: nowUs))
        }
        #expect(budget.withdraw(nowUs: 1000, amount: 0))
    }

    @Test func `parts of a retry add up to whole ones`() {
        let budget = Account(BudgetPolicy(ratio: 0.5, minPerSecond: 0, windowUs: 10_000_000))
        for _ in 0..<4 { budget.recordRequest(nowUs: 0, amount: 500_000) }
        #expect(budget.balance(nowUs: 0) == 1_000_000)
        #expect(budget.withdraw(nowUs: 0, amount: 999_999))
        #expect(!budget.withdraw(nowUs: 0, amount: 2))
        #expect(budget.withdraw(nowUs: 0, amount: 1))
        #expect(!budget.withdraw(nowUs: 0, amount: 1))
    }

    @Test func `no amount, rate or time overflows`() {
        for policy in [
            BudgetPolicy(ratio: 10, minPerSecond: 1_000_000, windowUs: 3_600_000_000),
            BudgetPolicy(ratio: .infinity, minPerSecond: .infinity, windowUs: .max),
            BudgetPolicy(ratio: 1e300, minPerSecond: 1e300, windowUs: 1),
        ] {
            let budget = Account(policy)
            for nowUs in [.min, 0, 1, .max / 2, .max] as [Int64] {
                for _ in 0..<3 { budget.recordRequest(nowUs: nowUs, amount: .max) }
                #expect(budget.withdraw(nowUs: nowUs))
                _ = budget.withdraw(nowUs: nowUs, amount: .max)
                #expect(budget.balance(nowUs: nowUs) >= 0)
            }
        }
        for policy in [
            BudgetPolicy(ratio: -1, minPerSecond: -1, windowUs: 1_000_000),
            BudgetPolicy(ratio: .nan, minPerSecond: .nan, windowUs: 0),
        ] {
            let budget = Account(policy)
            budget.recordRequest(nowUs: 0, amount: .max)
            #expect(!budget.withdraw(nowUs: 0))
        }
    }

    @Test func `100,000 requests a second for a minute stay within the cap`() {
        let budget = Account(BudgetPolicy(ratio: 0.1, minPerSecond: 0, windowUs: 1_000_000))
        var taken = 0
        for nowUs in stride(from: 0, to: 6_000_000, by: 10) as StrideTo<Int64> {
            budget.recordRequest(nowUs: nowUs)
            if budget.withdraw(nowUs: nowUs) { taken += 1 }
        }
        // A tenth of 600,000 requests at the most; the cap may bind one slot of a window early.
        #expect(taken <= 60_000)
        #expect(taken >= 60_000 * 63 / 65 - 1)
    }

    @Test func `a negative amount is a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            var budget = RetryBudget(BudgetPolicy(ratio: 1, minPerSecond: 0, windowUs: 1_000_000))
            _ = budget.withdraw(nowUs: 0, amount: -1)
        }
    }
}
