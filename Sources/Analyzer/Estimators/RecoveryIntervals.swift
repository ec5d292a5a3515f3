public import Retry

/// For every failed attempt, when the route recovered as later probes tell: anyone's attempts, not just its retries.
///
/// Time 0 is the end of the failed attempt. Recovery lies in (L, R]: R is the start of the first later attempt that
/// succeeded, L that of the last one before it that failed (0 if none did); R is infinite where none succeeded before
/// the log ends. Only attempts that started at or after the end count. Cancelled attempts tell nothing.
///
/// methods: recovery
public struct RecoveryIntervals: Sendable {
    /// One failed attempt.
    public struct Failure: Equatable, Sendable {
        /// Its row in the columns.
        public var row: Int
        /// How it failed.
        public var outcome: Outcome
        /// Recovery of the host that failed.
        public var sameHost: CensoredInterval
        /// Recovery of any other host; `nil` on a route with one host.
        public var otherHost: CensoredInterval?
    }

    /// All failed attempts, in order of their start.
    public let failures: [Failure]

    /// Reads them off a route's log. Cost: O(n) plus a search over the attempts that ran beside each failed one.
    public init(columns: AttemptColumns) {
        let all = ProbeLine(columns)
        let hosts = ProbeLine.byHost(columns)
        var positionInHost = [Int](repeating: 0, count: hosts.count)
        var positionInAll = 0
        var found: [Failure] = []
        for row in 0..<columns.count where columns.outcome[row] != .cancelled {
            let host = Int(columns.host[row])
            if columns.outcome[row].isFailure {
                let endUs = columns.startUs[row] + columns.durationUs[row]
                let same = hosts[host].recovery(fromUs: endUs, after: positionInHost[host], excluding: nil)
                let other =
                    hosts.count > 1
                    ? all.recovery(fromUs: endUs, after: positionInAll, excluding: Int32(host)) : nil
                found.append(Failure(row: row, outcome: columns.outcome[row], sameHost: same, otherHost: other))
            }
            positionInHost[host] += 1
            positionInAll += 1
        }
        failures = found
    }
}

/// Probes in order of their start with, at each, the next success and the last failure, on any host and on another.
private struct ProbeLine {
    private var startUs: [Int64] = []
    private var host: [Int32] = []
    private var isSuccess: [Bool] = []
    /// The next success at or after each probe, and the next one on a host other than that one's.
    private var next: [(first: Int32, other: Int32)] = []
    /// The last failure at or before each probe, and the last one on a host other than that one's.
    private var previous: [(first: Int32, other: Int32)] = []

    init(_ columns: AttemptColumns) {
        for row in 0..<columns.count where columns.outcome[row] != .cancelled { append(columns, row) }
        link()
    }

    private init() {}

    static func byHost(_ columns: AttemptColumns) -> [ProbeLine] {
        let count = max(columns.hostNames.count, Int(columns.host.max().map { $0 + 1 } ?? 0))
        var lines = [ProbeLine](repeating: ProbeLine(), count: count)
        for row in 0..<columns.count where columns.outcome[row] != .cancelled {
            lines[Int(columns.host[row])].append(columns, row)
        }
        for index in lines.indices { lines[index].link() }
        return lines
    }

    private mutating func append(_ columns: AttemptColumns, _ row: Int) {
        startUs.append(columns.startUs[row])
        host.append(columns.host[row])
        isSuccess.append(columns.outcome[row] == .success)
    }

    private mutating func link() {
        let none = (first: Int32(-1), other: Int32(-1))
        next = [(first: Int32, other: Int32)](repeating: none, count: startUs.count)
        previous = next
        var state = none
        for index in stride(from: startUs.count - 1, through: 0, by: -1) {
            if isSuccess[index] { state = shifted(state, by: index) }
            next[index] = state
        }
        state = none
        for index in startUs.indices {
            if !isSuccess[index] { state = shifted(state, by: index) }
            previous[index] = state
        }
    }

    /// The nearest probe becomes `index`; the former nearest stays as `other` if it is on another host.
    private func shifted(_ state: (first: Int32, other: Int32), by index: Int) -> (first: Int32, other: Int32) {
        let isOther = state.first >= 0 && host[Int(state.first)] != host[index]
        return (Int32(index), isOther ? state.first : state.other)
    }

    func recovery(fromUs: Int64, after position: Int, excluding: Int32?) -> CensoredInterval {
        let begin = firstProbe(notBefore: fromUs, from: position)
        guard begin < startUs.count else { return CensoredInterval(leftUs: 0, rightUs: .max) }
        let success = pick(next[begin], excluding: excluding)
        let last = success >= 0 ? success - 1 : startUs.count - 1
        let failure = last >= begin ? pick(previous[last], excluding: excluding) : -1
        let leftUs = failure >= begin ? startUs[failure] - fromUs : 0
        if success < 0 { return CensoredInterval(leftUs: leftUs, rightUs: .max) }
        // Recovered by the very instant of the failure's end: within the first microsecond.
        let rightUs = max(1, startUs[success] - fromUs)
        return CensoredInterval(leftUs: min(leftUs, rightUs - 1), rightUs: rightUs)
    }

    private func pick(_ pair: (first: Int32, other: Int32), excluding: Int32?) -> Int {
        guard let excluding, pair.first >= 0, host[Int(pair.first)] == excluding else { return Int(pair.first) }
        return Int(pair.other)
    }

    /// Doubling steps, then halving: the cost is the logarithm of how many attempts ran beside the failed one.
    private func firstProbe(notBefore us: Int64, from position: Int) -> Int {
        var low = position
        var step = 1
        while low + step < startUs.count && startUs[low + step] < us {
            low += step
            step *= 2
        }
        var high = min(startUs.count, low + step)
        while low < high {
            let middle = (low + high) / 2
            if startUs[middle] < us { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
