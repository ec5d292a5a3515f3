import Glibc
import Retry

/// What a decision costs beside the loop that people write by hand. Read the ratios: nanoseconds are this machine's.
@main
struct RetryBenchmarks {
    static func main() {
        let workload = Workload(requests: 1_000_000)
        let failures = Outcome.allCases.filter(\.isFailure).map(RetryCondition.outcome)
        let fixed = Rule(
            retry: RetryPolicy(maxRetries: 3, on: failures, host: .any, backoff: .waits([0], jitter: 0)))
        let budget = BudgetPolicy(ratio: 0.15, minPerSecond: 3, windowUs: 10_000_000)
        let tuned = Rule(
            timeoutUs: 800_000, perTryTimeoutUs: 180_000,
            retry: RetryPolicy(
                maxRetries: 3, on: failures, host: .other, backoff: .waits([0, 40_000, 350_000], jitter: 0.1)),
            budget: budget)

        let plain = Measurement("plain loop, 3 retries", operations: workload.requests) { workload.plainLoop() }
        let machine = Measurement("RetryMachine, the same rule", operations: workload.requests) {
            workload.machine(fixed)
        }
        let whole = Measurement("RetryMachine and RetryBudget, a tuned rule", operations: workload.requests) {
            workload.machineWithBudget(tuned, budget)
        }
        let account = Measurement("RetryBudget: one request, one withdrawal", operations: workload.requests) {
            workload.budgetOnly(budget)
        }

        print("each of \(workload.requests) requests, best of 7 rounds:")
        for one in [plain, machine, whole, account] {
            let ratio = one.nanosecondsPerOperation / plain.nanosecondsPerOperation
            print(
                pad(one.name, 44), rounded(one.nanosecondsPerOperation, 1), "ns ", rounded(ratio, 2), "× plain ",
                rounded(one.allocationsPerOperation, 4), "allocations  hash", hex(one.answer))
        }
        var wrong: [String] = []
        if machine.answer != plain.answer { wrong.append("the machine and the plain loop disagree") }
        if whole.answer != 0x20B6_8AC4_69EC_9B8C { wrong.append("a tuned rule decides otherwise than it did") }
        if account.answer != 0x9FE9_D9BD_AFE5_6E06 { wrong.append("the budget decides otherwise than it did") }
        // A round begins with a budget of its own: a few allocations in a million decisions, none in a decision.
        if [machine, whole, account].contains(where: { $0.allocationsPerOperation > 1e-5 }) {
            wrong.append("a decision asks for memory")
        }
        print(wrong.isEmpty ? "all answers are right, no decision asks for memory" : "WRONG: \(wrong)")
        exit(wrong.isEmpty ? 0 : 1)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// A number with so many decimals, right in a column of eight.
    private static func rounded(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let whole = Int((value * scale).rounded())
        let digits = String(whole % Int(scale))
        let text = "\(whole / Int(scale))." + String(repeating: "0", count: decimals - digits.count) + digits
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }
}
