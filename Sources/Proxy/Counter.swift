import Synchronization

/// A number that every event loop may change without a lock: a counter that only grows, or a gauge.
final class Counter: Sendable {
    private let stored = Atomic<Int>(0)

    var value: Int { stored.load(ordering: .relaxed) }

    func add(_ amount: Int = 1) { stored.wrappingAdd(amount, ordering: .relaxed) }
}

/// Times in buckets, for a histogram that Prometheus can add up over proxies.
final class LatencyHistogram: Sendable {
    /// Upper bounds in microseconds: 1, 2.5, 5 × powers of ten from 0.5 ms to 30 s.
    static let boundsUs: [Int64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 30_000_000,
    ]

    private let buckets: [Counter]
    private let sum = Counter()

    init() { buckets = (0...Self.boundsUs.count).map { _ in Counter() } }

    func record(us: Int64) {
        let place = Self.boundsUs.firstIndex { us <= $0 } ?? Self.boundsUs.count
        buckets[place].add()
        sum.add(Int(us))
    }

    /// Counts a bucket (not cumulative; the last has no bound), and the sum of all times in microseconds.
    var counts: (buckets: [Int], sumUs: Int) { (buckets.map(\.value), sum.value) }
}
