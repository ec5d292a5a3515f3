import Glibc
public import Retry

/// Whether attempts are slow because of their host, told from a log in which nothing slow was ever sent again.
///
/// Requests are dealt to hosts as if by lot, whatever their size: a natural experiment. If slowness were the request's
/// own, whether the host's next attempt is slow too would be no likelier than whether another host's is. What is
/// likelier beyond that is the host's (a pause, a hang): there a retry elsewhere meets a host that is well.
///
/// A slow attempt is *flanked* on a host if the host's latest attempt before it was slow and still ran when it began,
/// or if the host's next attempt, begun while it ran, was slow too. Attempts of the same request do not count.
/// Durations are taken octave by octave from `thresholdUs` on, for what takes a little long and what hangs have other
/// causes. A host most of whose attempts are slow is no evidence: it may serve other requests than its neighbours (a
/// tenant pinned to it), and that is no lot.
///
/// methods: slow origin
public struct SlowOrigin: Sendable {
    /// Slow attempts of one octave of durations.
    public struct Octave: Equatable, Sendable {
        /// How many are flanked on their own host.
        public var own = Proportion(hits: 0, trials: 0)
        /// How many are flanked on another host: what chance and common causes do.
        public var other = Proportion(hits: 0, trials: 0)

        /// The share of them that their hosts made slow; `nil` where it cannot be told from none: the 99 % intervals
        /// touch.
        public var hostShare: Double? {
            guard let here = own.estimate, let there = other.estimate, there < 1,
                own.interval(level: 0.99).lowerBound > other.interval(level: 0.99).upperBound
            else { return nil }
            return (here - there) / (1 - there)
        }
    }

    /// What takes longer than this is slow: three times the usual answer, or as long as nine in ten need if that is
    /// less. Where the usual answer is not known, nothing is.
    public let thresholdUs: Int64
    /// From `thresholdUs` on, each twice as long as the one before.
    public private(set) var octaves: [Octave]
    /// P(an attempt's slowness is its request's own), one a row; 1 where nothing else is shown.
    public private(set) var ownShare: [Float]

    /// Of attempts that took far longer than usual, and were answered or cut off before the deadline, how many are
    /// flanked on another host.
    private(set) var far = Proportion(hits: 0, trials: 0)
    /// How many attempts that were not slow would have been flanked on another host, had they taken as long: what
    /// chance does where slowness has no time of its own.
    private(set) var chance = Proportion(hits: 0, trials: 0)

    private static let octaveCount = 20
    /// So many of them are enough for an interval of a hundredth.
    private static let mostChances = 20_000
    /// Four times the threshold is far longer than usual.
    private static let firstFarOctave = 2
    private enum Flank { case unwatched, flanked, alone }

    /// Whether hosts make attempts slow.
    public var isIdentified: Bool { octaves.contains { $0.hostShare != nil } }

    /// Whether attempts that take far longer than usual mostly do so while other hosts are slow as well: the service is
    /// slow as a whole (too much load, or a common cause), so that a retry is slow too, and is load. Where many
    /// requests are slow at any time, much is flanked by chance: it must be more than that.
    public var isCommon: Bool {
        far.interval(level: 0.99).lowerBound > max(0.5, chance.interval(level: 0.99).upperBound)
    }

    /// Reads it off a route's log. Cost: O(n).
    ///
    /// - Parameters:
    ///   - usualUs: the median answer; `nil`: the log does not reach it, and nothing is called slow.
    ///   - nineInTenUs: what nine in ten answers need; `nil`: more than the log shows.
    ///   - deadlineUs: what had no answer by then tells of hosts that are down, not of the service being slow.
    public init(columns: AttemptColumns, usualUs: Int64?, nineInTenUs: Int64?, deadlineUs: Int64 = .max) {
        thresholdUs = usualUs.map { max(1, min(3 * $0, nineInTenUs ?? .max)) } ?? .max
        octaves = Array(repeating: Octave(), count: Self.octaveCount)
        ownShare = Array(repeating: 1, count: columns.count)
        if usualUs == nil { return }
        let near = Neighbours(columns)
        let isAlwaysSlow = hostsAlwaysSlow(columns)
        var flanks: [(row: Int32, octave: UInt8, flank: Flank)] = []
        for row in 0..<columns.count where isSlow(columns, row) {
            let octave = octave(of: columns.durationUs[row])
            let there = flank(columns, row, before: near.otherBefore(row), after: near.otherAfter(row))
            if there == .flanked || there == .alone {
                octaves[octave].other.trials += 1
                if there == .flanked { octaves[octave].other.hits += 1 }
                if octave >= Self.firstFarOctave && !columns.isUnanswered(row, byUs: deadlineUs) {
                    far.trials += 1
                    if there == .flanked { far.hits += 1 }
                }
            }
            if isAlwaysSlow[Int(columns.host[row])] { continue }
            let here = flank(columns, row, before: near.ownBefore(row), after: near.ownAfter(row))
            if here == .flanked || here == .alone {
                octaves[octave].own.trials += 1
                if here == .flanked { octaves[octave].own.hits += 1 }
            }
            flanks.append((Int32(row), UInt8(octave), here))
        }
        // An interval is much work, and there are millions of rows.
        let hostShares = octaves.map(\.hostShare)
        for one in flanks {
            let octave = Int(one.octave)
            ownShare[Int(one.row)] = Float(own(one.flank, octaves[octave], hostShare: hostShares[octave]))
        }
        countChance(columns, near)
    }

    /// Whether more than half of a host's attempts are slow, by host.
    private func hostsAlwaysSlow(_ columns: AttemptColumns) -> [Bool] {
        var slow = Array(repeating: 0, count: columns.hostNames.count)
        var attempts = slow
        for row in 0..<columns.count {
            let host = Int(columns.host[row])
            attempts[host] += 1
            if isSlow(columns, row) { slow[host] += 1 }
        }
        return slow.indices.map { 2 * slow[$0] > attempts[$0] }
    }

    /// Attempts that were not slow, spread over the log, take the durations of those that took far longer than usual.
    private mutating func countChance(_ columns: AttemptColumns, _ near: Neighbours) {
        var others = columns.count
        var far: [Int32] = []
        for row in 0..<columns.count where isSlow(columns, row) {
            others -= 1
            if octave(of: columns.durationUs[row]) >= Self.firstFarOctave { far.append(Int32(row)) }
        }
        guard !far.isEmpty, others > 0 else { return }
        let every = max(1, others / Self.mostChances)
        var (left, place) = (1, 0)
        for row in 0..<columns.count where !isSlow(columns, row) {
            left -= 1
            if left > 0 { continue }
            left = every
            // Steps through all of them, whatever the two counts.
            let durationUs = columns.durationUs[Int(far[place * 7_919 % far.count])]
            place += 1
            let there = flank(
                columns, row, durationUs: durationUs, before: near.otherBefore(row), after: near.otherAfter(row))
            if there == .unwatched { continue }
            chance.trials += 1
            if there == .flanked { chance.hits += 1 }
        }
    }

    /// By Bayes' theorem from the octave's shares; slow attempts of hosts that make them so are all taken as flanked,
    /// so that one that stands alone counts as its request's own.
    private func own(_ flank: Flank, _ octave: Octave, hostShare: Double?) -> Double {
        guard let host = hostShare else { return 1 }
        switch flank {
        case .alone: return 1
        case .unwatched: return 1 - host
        case .flanked:
            let chance = (1 - host) * (octave.other.estimate ?? 1)
            return chance / (chance + host)
        }
    }

    private func octave(of durationUs: Int64) -> Int {
        let ratio = UInt64(max(1, durationUs / thresholdUs))
        return min(Self.octaveCount - 1, 63 - ratio.leadingZeroBitCount)
    }

    /// Whether a row ran longer than the threshold before it answered or was cut off.
    func isSlow(_ columns: AttemptColumns, _ row: Int) -> Bool {
        guard columns.durationUs[row] > thresholdUs else { return false }
        switch columns.outcome[row] {
        case .success, .timeout, .cancelled: return true
        default: return false
        }
    }

    private func flank(
        _ columns: AttemptColumns, _ row: Int, durationUs: Int64? = nil, before: Int?, after: Int?
    ) -> Flank {
        let beginUs = columns.startUs[row]
        if let before, isSlow(columns, before), columns.startUs[before] + columns.durationUs[before] > beginUs {
            return .flanked
        }
        guard let after, columns.startUs[after] < beginUs + (durationUs ?? columns.durationUs[row]) else {
            return .unwatched
        }
        return isSlow(columns, after) ? .flanked : .alone
    }
}

/// The nearest attempts of other requests before and after each row, on its host and on others.
private struct Neighbours {
    private let columns: AttemptColumns
    private var next: [Int32]
    private var last: [Int32]

    init(_ columns: AttemptColumns) {
        self.columns = columns
        let none = Int32(columns.count)
        next = Array(repeating: none, count: columns.count)
        last = Array(repeating: -1, count: columns.count)
        var latest = [Int32](repeating: -1, count: columns.hostNames.count)
        for row in 0..<columns.count {
            let host = Int(columns.host[row])
            let before = latest[host]
            if before >= 0 {
                last[row] = before
                next[Int(before)] = Int32(row)
            }
            latest[host] = Int32(row)
        }
    }

    func ownBefore(_ row: Int) -> Int? { walk(row) { Int(last[$0]) } }
    func ownAfter(_ row: Int) -> Int? { walk(row) { Int(next[$0]) } }
    func otherBefore(_ row: Int) -> Int? { search(row, step: -1) }
    func otherAfter(_ row: Int) -> Int? { search(row, step: 1) }

    private func walk(_ row: Int, _ step: (Int) -> Int) -> Int? {
        var near = step(row)
        while columns.startUs.indices.contains(near), columns.request[near] == columns.request[row] {
            near = step(near)
        }
        return columns.startUs.indices.contains(near) ? near : nil
    }

    private func search(_ row: Int, step: Int) -> Int? {
        var near = row + step
        // A route with one host has no other; nobody walks through the whole log to learn that.
        var left = 64
        while columns.startUs.indices.contains(near), left > 0 {
            if columns.host[near] != columns.host[row], columns.request[near] != columns.request[row] { return near }
            near += step
            left -= 1
        }
        return nil
    }
}
