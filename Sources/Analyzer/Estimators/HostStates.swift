import Retry

/// The smoothed state of every host of a route: P(up) at any instant, given everything the log says before and after.
///
/// methods: host state
public struct HostStates: Sendable {
    /// What one host's probes said.
    struct Track: Sendable {
        var parameters: HostStateParameters
        var startUs: [Int64]
        /// What the log says before the first probe, between each two and after the last.
        var gaps: [Gap]
        var row: [Int32]
        var logLikelihood: Double
    }

    /// The chain of the route's hosts taken together; what hosts without probes get.
    public let pooled: HostStateParameters
    /// P(the row's host was up when the attempt started), one per row of the columns.
    public private(set) var probeUpProbability: [Double]
    private(set) var tracks: [Track] = []

    init(pooled: HostStateParameters, rows: Int) {
        self.pooled = pooled
        probeUpProbability = [Double](repeating: pooled.upShare, count: rows)
    }

    /// How many hosts there are.
    public var hostCount: Int { tracks.count }

    /// The log-likelihood of all probes.
    public var logLikelihood: Double { tracks.reduce(0) { $0 + $1.logLikelihood } }

    /// A host's chain.
    public func parameters(host: Int) -> HostStateParameters {
        tracks.indices.contains(host) ? tracks[host].parameters : pooled
    }

    /// P(host up at `atUs`): between two probes the two-sided bridge, exact for the chain; outside the log its drift
    /// back to the long-run share. Cost: O(log probes).
    public func upProbability(host: Int, atUs: Int64) -> Double {
        guard tracks.indices.contains(host) else { return pooled.upShare }
        let track = tracks[host]
        return track.upProbability(after: track.lastProbe(notAfter: atUs), atUs: atUs)
    }

    /// P(host up) at many instants, cheapest when they ascend: O(instants + probes walked over).
    public func upProbabilities(host: Int, atUs: [Int64]) -> [Double] {
        var cursor = cursor(host: host)
        return atUs.map { cursor.upProbability(atUs: $0) }
    }

    /// A reader of one host's state that remembers where it stood.
    public func cursor(host: Int) -> Cursor {
        if tracks.indices.contains(host) { return Cursor(track: tracks[host]) }
        let longRun = [Gap(longRun: HostStateLaw(pooled))]
        return Cursor(track: Track(parameters: pooled, startUs: [], gaps: longRun, row: [], logLikelihood: 0))
    }

    /// Walks along one host's probes; steps forward and back cost by distance, and none within a gap.
    public struct Cursor: Sendable {
        private let track: Track
        private let perUs: Double
        /// The gap it stands in, from its first microsecond to the one after its last.
        private var gap: Gap
        private var beginUs: Double
        private var endUs: Double
        private var index = -1
        /// So many probes ahead are looked at in any case.
        private static let near = 7

        init(track: Track) {
            self.track = track
            perUs = HostStateLaw(track.parameters).perUs
            gap = track.gaps[0]
            beginUs = -.infinity
            endUs = track.startUs.first.map { Double($0) } ?? .infinity
        }

        /// P(up) at `atUs`.
        public mutating func upProbability(atUs: Int64) -> Double {
            let at = Double(atUs)
            if at >= endUs { goForward(to: atUs) } else if at < beginUs { goBack(to: atUs) }
            return gap.upProbability(SIMD2(at - beginUs, endUs - at) * perUs)
        }

        @inline(__always)
        private mutating func stand(after index: Int, _ startUs: UnsafeBufferPointer<Int64>) {
            self.index = index
            beginUs = index >= 0 ? Double(startUs[index]) : -.infinity
            endUs = index + 1 < startUs.count ? Double(startUs[index + 1]) : .infinity
            gap = track.gaps[index + 1]
        }

        /// Mostly it is a few probes, and how many cannot be foreseen: those are counted without a branch. Farther off
        /// in growing strides, then by halves.
        @inline(never)
        private mutating func goForward(to atUs: Int64) {
            let next = index + 1
            track.startUs.withUnsafeBufferPointer { startUs in
                var low = next
                if next + Self.near < startUs.count {
                    for step in 1...Self.near { low &+= startUs[next &+ step] <= atUs ? 1 : 0 }
                    if low < next + Self.near { return stand(after: low, startUs) }
                }
                var stride = 1
                while low + stride < startUs.count && startUs[low + stride] <= atUs {
                    low += stride
                    stride *= 2
                }
                narrow(low, min(startUs.count, low + stride), atUs, startUs)
            }
        }

        @inline(never)
        private mutating func goBack(to atUs: Int64) {
            track.startUs.withUnsafeBufferPointer { startUs in
                var high = index
                var stride = 1
                while high - stride >= 0 && startUs[high - stride] > atUs {
                    high -= stride
                    stride *= 2
                }
                narrow(max(-1, high - stride), high, atUs, startUs)
            }
        }

        private mutating func narrow(_ low: Int, _ high: Int, _ atUs: Int64, _ startUs: UnsafeBufferPointer<Int64>) {
            var (low, high) = (low, high)
            while high - low > 1 {
                let middle = (low + high) / 2
                if startUs[middle] <= atUs { low = middle } else { high = middle }
            }
            stand(after: low, startUs)
        }
    }

    mutating func append(_ probes: ProbeSequence, parameters: HostStateParameters) {
        let chain = HostStateChain(parameters)
        var track = Track(
            parameters: parameters, startUs: probes.startUs, gaps: [Gap(longRun: chain.law)], row: probes.row,
            logLikelihood: 0)
        if probes.count > 0 {
            let pass = HostStatePass(probes, for: .smoothing)
            let (logLikelihood, first) = pass.messages(chain)
            track.logLikelihood = logLikelihood
            track.gaps[0] = Gap(before: first, chain.law)
            track.gaps.reserveCapacity(probes.count + 1)
            for index in 0..<probes.count {
                let gap = Gap(after: index, of: pass, chain.law)
                probeUpProbability[Int(probes.row[index])] = gap.upProbability(atBegin: pass.left(after: index))
                track.gaps.append(gap)
            }
        }
        tracks.append(track)
    }

    /// What was no probe had a host, and that a state, too.
    mutating func fillOthers(_ columns: AttemptColumns) {
        var isProbe = [Bool](repeating: false, count: columns.count)
        for track in tracks { for row in track.row { isProbe[Int(row)] = true } }
        for row in 0..<columns.count where !isProbe[row] {
            probeUpProbability[row] = upProbability(host: Int(columns.host[row]), atUs: columns.startUs[row])
        }
    }
}

extension HostStates.Track {
    /// The last probe that started at or before `atUs`, −1 if none.
    func lastProbe(notAfter atUs: Int64) -> Int {
        var low = 0
        var high = startUs.count
        while low < high {
            let middle = (low + high) / 2
            if startUs[middle] <= atUs { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// P(up) at `atUs`, which lies at or after probe `index` and before the next.
    func upProbability(after index: Int, atUs: Int64) -> Double {
        let at = Double(atUs)
        let since = index >= 0 ? at - Double(startUs[index]) : .infinity
        let until = index + 1 < startUs.count ? Double(startUs[index + 1]) - at : .infinity
        return gaps[index + 1].upProbability(SIMD2(since, until) * HostStateLaw(parameters).perUs)
    }
}

extension HostStateLaw {
    /// s, per microsecond.
    fileprivate var perUs: Double { total * 1e-6 }
}

extension HostStates {
    /// P(up) within a gap between two probes, but for the two exponentials.
    ///
    /// Of the law so far, drifting from the probe before, times what lies ahead, drifting from the probe after, the sum
    /// over both states depends on the gap but not on the instant. So P(up) is a product of two numbers, each of which
    /// is linear in 1 − E of the time to its own end of the gap. methods: host state
    struct Gap: Sendable {
        /// Their values at the ends.
        private let ends: SIMD2<Double>
        /// What they change by, per 1 − E.
        private let slopes: SIMD2<Double>

        /// Without probes.
        init(longRun law: HostStateLaw) {
            ends = SIMD2(law.upShare, 1)
            slopes = .zero
        }

        /// - Parameter ahead: P(all probes | state at the first) but for a factor.
        init(before ahead: SIMD2<Double>, _ law: HostStateLaw) {
            let nextUp = ahead[0] / (ahead[0] + ahead[1])
            let all = law.upShare * nextUp + law.downShare * (1 - nextUp)
            ends = SIMD2(law.upShare, nextUp / all)
            slopes = SIMD2(0, law.downShare * (1 - 2 * nextUp) / all)
        }

        /// After a probe; after the last one, for ever.
        @inline(__always)
        init(after index: Int, of pass: HostStatePass, _ law: HostStateLaw) {
            let (behind, ahead) = (
                SIMD2(pass.up[index], pass.down[index]), SIMD2(pass.aheadUp[index], pass.aheadDown[index])
            )
            let sums = SIMD2(behind[0], ahead[0]) + SIMD2(behind[1], ahead[1])
            let (up, nextUp) = (behind[0] / sums[0], ahead[0] / sums[1])
            let (down, nextDown) = (behind[1] / sums[0], ahead[1] / sums[1])
            let left = pass.left(after: index)
            let whileUp = nextUp + law.downShare * left * (nextDown - nextUp)
            let whileDown = nextDown + law.upShare * left * (nextUp - nextDown)
            let perAll = 1 / (up * whileUp + down * whileDown)
            ends = SIMD2(up, nextUp * perAll)
            slopes = SIMD2(law.upShare - up, law.downShare * (nextDown - nextUp) * perAll)
        }

        /// P(up) at the probe that a gap comes after.
        @inline(__always)
        func upProbability(atBegin left: Double) -> Double { min(1, ends[0] * (ends[1] + slopes[1] * left)) }

        /// - Parameter times: since the probe before and until the probe after, times s.
        @inline(__always)
        func upProbability(_ times: SIMD2<Double>) -> Double {
            let isShort = times[0] < HostStateLaw.short && times[1] < HostStateLaw.short
            let both = ends + slopes * (isShort ? HostStateLaw.risenShort(times) : HostStateLaw.risen(times))
            return min(1, both[0] * both[1])
        }
    }
}
