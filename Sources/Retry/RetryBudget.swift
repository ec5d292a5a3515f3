/// The cap on retries as a share of requests: which requests may retry is the policy's business, how many is this
/// one's.
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
/// The window slides in 64 equal slots. A slot's retries count until the whole slot has left the window and its
/// requests only while the whole slot is inside, so the true sliding bound is never exceeded; it may bind up to 1/64
/// window early. Time that runs backwards, or lies before the clock's zero, counts as the latest time seen.
/// Amounts are millionths, so that the analyzer can withdraw the *expected* share of a retry from the budget the proxy
/// uses.
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
    /// Where the newest slot lies in the two rings.
    private var head = 0
    /// Before this time, at least, the newest slot stays the newest.
    private var nextSlotUs: Int64 = 0
    private let windowUs: Int64
    private let floor: Int64
    private let ratioBillionths: UInt64

    /// A budget in which nothing has happened yet.
    public init(_ policy: BudgetPolicy) {
        self.policy = policy
        windowUs = min(max(Self.slots, policy.windowUs), Int64.max / Self.slots)
        // A retry a second over one microsecond is one millionth of a retry.
        floor = Int64(saturating: policy.minPerSecond * Double(policy.windowUs))
        ratioBillionths = UInt64(Int64(saturating: (policy.ratio * 1e9).rounded()))
        requests = Array(repeating: 0, count: Int(Self.slots) + 1)
        retries = Array(repeating: 0, count: Int(Self.slots) + 1)
    }

    /// Counts a request (not its retries). `nowUs` may be any clock that the caller also passes to `withdraw`.
    public mutating func recordRequest(nowUs: Int64, amount: Int64 = whole) {
        precondition(amount >= 0, "a request cannot be taken back (amount \(amount))")
        advance(to: nowUs)
        let room = min(amount, Int64.max - requestSum)
        requests[head] += room
        requestSum += room
    }

    /// Takes one retry (or a part of one) if the cap allows it; `false` leaves the budget as it was.
    public mutating func withdraw(nowUs: Int64, amount: Int64 = whole) -> Bool {
        precondition(amount >= 0, "a retry cannot be given back (amount \(amount))")
        advance(to: nowUs)
        guard amount <= limit - retrySum else { return false }
        retries[head] += amount
        retrySum += amount
        return true
    }

    /// The same for one who counts the requests himself, and tells how many began since `oldestUs`, in millionths.
    public mutating func withdraw(nowUs: Int64, amount: Int64 = whole, requests inside: Int64) -> Bool {
        precondition(amount >= 0, "a retry cannot be given back (amount \(amount))")
        advance(to: nowUs)
        guard amount <= max(floor, share(of: inside)) - retrySum else { return false }
        retries[head] += amount
        retrySum += amount
        return true
    }

    /// Since when requests raise the cap at `nowUs`: the begin of the oldest slot that lies in the window whole.
    public mutating func oldestUs(nowUs: Int64) -> Int64 {
        advance(to: nowUs)
        // Slot s begins at the first t with t × 64 ≥ s × window.
        let (begin, overflow) = (newest - Self.slots + 1).multipliedReportingOverflow(by: windowUs)
        if overflow { return 0 }
        return begin / Self.slots + (begin % Self.slots > 0 ? 1 : 0)
    }

    /// Retries that may still be taken now, in millionths.
    public mutating func balance(nowUs: Int64) -> Int64 {
        advance(to: nowUs)
        return max(0, limit - retrySum)
    }

    private var limit: Int64 {
        // The oldest slot may lie partly outside the window: its requests no longer raise the cap.
        let inside = requestSum - requests[head == Self.slots ? 0 : head + 1]
        return max(floor, share(of: inside))
    }

    /// amount × ratio, rounded down, in integers: 100 requests at 0.29 allow 29 retries, where 0.29 × 100 < 29 in
    /// binary.
    private func share(of amount: Int64) -> Int64 {
        let (billions, rest) = UInt64(amount).quotientAndRemainder(dividingBy: 1_000_000_000)
        let (low, lowOverflow) = rest.multipliedReportingOverflow(by: ratioBillionths)
        let (high, highOverflow) = billions.multipliedReportingOverflow(by: ratioBillionths)
        let (sum, sumOverflow) = high.addingReportingOverflow(low / 1_000_000_000)
        return lowOverflow || highOverflow || sumOverflow ? Int64.max : Int64(clamping: sum)
    }

    /// Clears the slots that have left the window.
    private mutating func advance(to nowUs: Int64) {
        if nowUs < nextSlotUs { return }
        // floor(now × 64 / window) without overflow: the slot that holds now − window is then exactly 64 slots older.
        let (windows, rest) = nowUs.quotientAndRemainder(dividingBy: windowUs)
        let slot = windows * Self.slots + rest * Self.slots / windowUs
        for _ in 0..<min(max(0, slot - newest), Self.slots + 1) {
            head = head == Self.slots ? 0 : head + 1
            requestSum -= requests[head]
            retrySum -= retries[head]
            requests[head] = 0
            retries[head] = 0
        }
        newest = max(newest, slot)
        let (begin, overflow) = newest.multipliedReportingOverflow(by: windowUs)
        nextSlotUs = overflow ? nowUs : begin / Self.slots + windowUs / Self.slots
    }
}

extension Int64 {
    /// The nearest whole number towards zero, at most `Int64.max`; what is negative or no number is 0.
    fileprivate init(saturating value: Double) {
        self = value > 0 ? Int64(exactly: value.rounded(.down)) ?? Int64.max : 0
    }
}
