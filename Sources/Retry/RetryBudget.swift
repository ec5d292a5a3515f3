/// The cap on retries as a share of requests: which requests may retry is the policy's business, how many is this one's.
///
/// Why a budget and not only a maximum number of retries: with *n* retries each, a total outage multiplies load by
/// 1 + *n* exactly when the service can bear it least. A budget bounds the sum (Finagle's `RetryBudget`, Google SRE
/// ch. 21): retries in the last `window` ≤ max(ratio × requests in it, min_per_second × window).
///
/// | requests/s | ratio 0.2, min 3/s, window 10 s | retries allowed in any 10 s |
/// |---|---|---|
/// | 1 | max(2, 30) | 30 |
/// | 100 | max(200, 30) | 200 |
/// | 5,000 | max(10,000, 30) | 10,000 |
///
/// The window slides in 64 slots. A slot's retries count until the whole slot has left the window and its requests only
/// while the whole slot is inside, so the true sliding bound is never exceeded; it may bind up to 1/64 window early.
/// Amounts are millionths, so that the analyzer can withdraw the *expected* share of a retry from the budget the proxy uses.
public struct RetryBudget: Equatable, Sendable {
    /// One whole request or retry, in the budget's unit.
    public static let whole: Int64 = 1_000_000

    /// What the budget enforces.
    public let policy: BudgetPolicy

    private static let slots: Int64 = 64
    private var requests: [Int64]
    private var retries: [Int64]
    private var requestSum: Int64 = 0
    private var retrySum: Int64 = 0
    private var newest: Int64 = 0
    private let slotUs: Int64
    private let floor: Int64

    /// A budget in which nothing has happened yet.
    public init(_ policy: BudgetPolicy) {
        self.policy = policy
        slotUs = max(1, policy.windowUs / Self.slots)
        floor = Int64((policy.minPerSecond * Double(policy.windowUs) / 1e6 * Double(Self.whole)).rounded(.down))
        requests = Array(repeating: 0, count: Int(Self.slots) + 1)
        retries = Array(repeating: 0, count: Int(Self.slots) + 1)
    }

    /// Counts a request (not its retries). `nowUs` may be any clock that the caller also passes to `withdraw`.
    public mutating func recordRequest(nowUs: Int64, amount: Int64 = whole) {
        advance(to: nowUs)
        requests[index(newest)] += amount
        requestSum += amount
    }

    /// Takes one retry (or a part of one) if the cap allows it; `false` leaves the budget as it was.
    public mutating func withdraw(nowUs: Int64, amount: Int64 = whole) -> Bool {
        advance(to: nowUs)
        guard retrySum + amount <= limit else { return false }
        retries[index(newest)] += amount
        retrySum += amount
        return true
    }

    /// Retries that may still be taken now, in millionths.
    public mutating func balance(nowUs: Int64) -> Int64 {
        advance(to: nowUs)
        return max(0, limit - retrySum)
    }

    private var limit: Int64 {
        // The oldest slot may lie partly outside the window: its requests no longer raise the cap.
        let inside = requestSum - requests[index(newest - Self.slots)]
        return max(floor, Int64((Double(inside) * policy.ratio).rounded(.down)))
    }

    private func index(_ slot: Int64) -> Int {
        let modulus = Self.slots + 1
        return Int(((slot % modulus) + modulus) % modulus)
    }

    /// Clears the slots that have left the window. Time that runs backwards counts in the newest slot.
    private mutating func advance(to nowUs: Int64) {
        let slot = nowUs >= 0 ? nowUs / slotUs : (nowUs - slotUs + 1) / slotUs
        guard slot > newest else { return }
        let steps = min(slot - newest, Self.slots + 1)
        for step in 0..<steps {
            let leaving = index(slot - step)
            requestSum -= requests[leaving]
            retrySum -= retries[leaving]
            requests[leaving] = 0
            retries[leaving] = 0
        }
        newest = slot
    }
}
