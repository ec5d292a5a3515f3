import Retry

/// An exact quantile of values that come one at a time: of the values in order, the first that at least a share *p* of
/// them do not exceed.
///
/// Memory grows with the distinct values, not with all: what was seen is kept as sorted values with their counts, and
/// what is new waits in a buffer until sorting it pays.
struct Quantile {
    private var sorted: [(value: Int64, count: Int)] = []
    private var buffer: [Int64] = []
    private var isReal = false
    private(set) var count = 0

    mutating func add(_ value: Int64) { append(isReal ? Self.key(Double(value)) : value) }

    mutating func add(_ value: Double) {
        if !isReal {
            // From here on everything is compared as a floating-point number.
            merge()
            sorted = sorted.map { (Self.key(Double($0.value)), $0.count) }
            isReal = true
        }
        append(Self.key(value))
    }

    /// The quantile as it was given, whole or not; `nil` when there was no value.
    mutating func value(_ p: Double) -> QueryValue? {
        merge()
        if count == 0 { return nil }
        let rank = LatencyHistogram.rank(of: p, among: count)
        var before = 0
        for (value, count) in sorted {
            before += count
            if before >= rank { return isReal ? .real(Self.number(value)) : .integer(value) }
        }
        return nil
    }

    private mutating func append(_ key: Int64) {
        buffer.append(key)
        count += 1
        if buffer.count >= max(1 << 16, sorted.count / 2) { merge() }
    }

    private mutating func merge() {
        if buffer.isEmpty { return }
        buffer.sort()
        var merged: [(value: Int64, count: Int)] = []
        merged.reserveCapacity(sorted.count + buffer.count / 4)
        func add(_ value: Int64, _ count: Int) {
            if merged.last?.value == value {
                merged[merged.count - 1].count += count
            } else {
                merged.append((value, count))
            }
        }
        var next = 0
        for (value, count) in sorted {
            while next < buffer.count, buffer[next] <= value {
                add(buffer[next], 1)
                next += 1
            }
            add(value, count)
        }
        for value in buffer[next...] { add(value, 1) }
        sorted = merged
        buffer.removeAll(keepingCapacity: true)
    }

    /// A number whose order among integers is the floating-point number's.
    private static func key(_ value: Double) -> Int64 {
        let bits = Int64(bitPattern: (value == 0 ? 0 : value).bitPattern)
        return bits >= 0 ? bits : bits ^ .max
    }

    private static func number(_ key: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: key >= 0 ? key : key ^ .max))
    }
}
