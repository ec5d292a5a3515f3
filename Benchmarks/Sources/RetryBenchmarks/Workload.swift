import Retry

/// Requests with everything decided beforehand, so that only the deciding is measured.
struct Workload {
    /// Whether attempt 1, 2, 3, 4 of each request would succeed.
    let succeeds: [[Bool]]
    /// What spreads the waits.
    let units: [Double]

    /// A tenth of the first attempts fails, and half of the retries.
    init(requests: Int) {
        // Lehmer's generator with Park and Miller's multiplier: any even spread will do here.
        var state: UInt64 = 42
        func next() -> Double {
            state = state * 48_271 % 2_147_483_647
            return Double(state) / 2_147_483_647
        }
        succeeds = (0..<requests).map { _ in [next() > 0.1, next() > 0.5, next() > 0.5, next() > 0.5] }
        units = (0..<requests).map { _ in next() }
    }

    var requests: Int { succeeds.count }

    /// What people write by hand: three more tries, at once.
    func plainLoop() -> UInt64 {
        var hash = AnswerHash()
        for request in succeeds.indices {
            var attempts: Int64 = 0
            var isAnswered = false
            repeat {
                isAnswered = succeeds[request][Int(attempts)]
                attempts += 1
            } while !isAnswered && attempts < 4
            hash.add(isAnswered ? attempts : -attempts)
        }
        return hash.value
    }

    /// The same requests through the state machine under a rule that means the same.
    func machine(_ rule: Rule) -> UInt64 {
        var hash = AnswerHash()
        for request in succeeds.indices {
            let (attempts, verdict, _) = run(rule, request, atUs: 0) { true }
            hash.add(verdict == .success ? Int64(attempts) : -Int64(attempts))
        }
        return hash.value
    }

    /// A rule as `tune` writes them, with waits, limits, a deadline and a budget that binds now and then.
    func machineWithBudget(_ rule: Rule, _ policy: BudgetPolicy) -> UInt64 {
        var hash = AnswerHash()
        var budget = RetryBudget(policy)
        for request in succeeds.indices {
            let nowUs = Int64(request) * 200
            budget.recordRequest(nowUs: nowUs)
            let (attempts, verdict, endUs) = run(rule, request, atUs: nowUs) { budget.withdraw(nowUs: nowUs) }
            hash.add(Int64(attempts))
            hash.add(verdict == .success ? endUs : -endUs)
        }
        return hash.value
    }

    /// One request and, for every tenth, one retry.
    func budgetOnly(_ policy: BudgetPolicy) -> UInt64 {
        var hash = AnswerHash()
        var budget = RetryBudget(policy)
        for request in succeeds.indices {
            let nowUs = Int64(request) * 200
            budget.recordRequest(nowUs: nowUs)
            hash.add(budget.withdraw(nowUs: nowUs) ? nowUs : -1)
        }
        return hash.value
    }

    private func run(
        _ rule: Rule, _ request: Int, atUs startUs: Int64, withdraw: () -> Bool
    ) -> (attempts: Int, verdict: RetryMachine.Verdict, endUs: Int64) {
        var machine = RetryMachine(rule: rule, isIdempotent: true, startUs: startUs)
        var nowUs = startUs
        var event = RetryMachine.Event.begin
        var attempts = 0
        while true {
            switch machine.next(event, nowUs: nowUs, unit: units[request], withdraw: withdraw) {
            case .send(let attempt, _, _):
                attempts = attempt
                nowUs += 1000
                let isAnswered = succeeds[request][attempt - 1]
                event = .attemptEnded(
                    AttemptResult(outcome: isAnswered ? .success : .errorStatus, status: isAnswered ? 200 : 503))
            case .wait(let untilUs):
                nowUs = untilUs
                event = .waitOver
            case .answer(let verdict): return (attempts, verdict, nowUs)
            case .none: preconditionFailure("the machine ignored an event of a running request")
            }
        }
    }
}
