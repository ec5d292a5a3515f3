import Retry

/// A rule's budget, from which the expected share of each retry is withdrawn in order of time, and how much of what was
/// asked for it refused.
struct ExpectedBudget {
    private var budget: RetryBudget?
    private var arrivals: RequestCursor
    private var asked = 0.0
    private var refused = 0.0

    /// - Parameter policy: `nil`: nothing is refused.
    init(_ policy: BudgetPolicy?, _ rows: PlayedRows) {
        budget = policy.map(RetryBudget.init)
        arrivals = RequestCursor(rows, from: .min)
    }

    /// Of the retries that were asked for.
    var refusedShare: Double { asked > 0 ? refused / asked : 0 }

    /// Whether a retry of this weight may be made.
    mutating func withdraw(_ weight: Double, nowUs: Int64) -> Bool {
        asked += weight
        guard let oldestUs = budget?.oldestUs(nowUs: nowUs) else { return true }
        let inside = arrivals.count(from: oldestUs, to: nowUs) * RetryBudget.whole
        let amount = Int64(weight * Double(RetryBudget.whole))
        let isGranted = budget?.withdraw(nowUs: nowUs, amount: amount, requests: inside) ?? true
        if !isGranted { refused += weight }
        return isGranted
    }
}
