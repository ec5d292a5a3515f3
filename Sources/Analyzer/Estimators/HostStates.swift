import Retry

/// The smoothed state of every host of a route: P(up) at any instant, given everything the log says before and after.
///
/// methods: host state
public struct HostStates: Sendable {
    /// What the probes up to one and those from it on say.
    struct Sides: Sendable {
        /// P(down at the probe | probes so far).
        var filteredDown: Double
        /// The share of up in P(this and later probes | state at the probe).
        var aheadUp: Double
    }

    /// What one host's probes said.
    struct Track: Sendable {
        var parameters: HostStateParameters
        var startUs: [Int64]
        /// What the log says from either side of each probe, side by side for those who ask at any time.
        var sides: [Sides]
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
        Cursor(track: tracks.indices.contains(host) ? tracks[host] : nil, pooled: pooled)
    }

    /// Walks along one host's probes; steps forward and back cost by distance.
    public struct Cursor: Sendable {
        private let track: Track
        private let law: HostStateStep.Law
        /// Without probes there is only the long run.
        private let upShare: Double?
        private var index = -1

        init(track: Track?, pooled: HostStateParameters) {
            self.track =
                track
                ?? Track(
                    parameters: pooled, startUs: [], sides: [], row: [], logLikelihood: 0)
            upShare = track == nil ? pooled.upShare : nil
            law = HostStateStep.Law(self.track.parameters)
        }

        /// P(up) at `atUs`.
        public mutating func upProbability(atUs: Int64) -> Double {
            if let upShare { return upShare }
            let count = track.startUs.count
            if index + 1 < count && track.startUs[index + 1] <= atUs {
                goForward(to: atUs, count)
            } else if index >= 0 && track.startUs[index] > atUs {
                goBack(to: atUs)
            }
            return track.upProbability(after: index, atUs: atUs, law)
        }

        /// In growing strides, then by halves.
        private mutating func goForward(to atUs: Int64, _ count: Int) {
            var low = index + 1
            var stride = 1
            while low + stride < count && track.startUs[low + stride] <= atUs {
                low += stride
                stride *= 2
            }
            var high = min(count, low + stride)
            while high - low > 1 {
                let middle = (low + high) / 2
                if track.startUs[middle] <= atUs { low = middle } else { high = middle }
            }
            index = low
        }

        private mutating func goBack(to atUs: Int64) {
            var high = index
            var stride = 1
            while high - stride >= 0 && track.startUs[high - stride] > atUs {
                high -= stride
                stride *= 2
            }
            var low = max(-1, high - stride)
            while high - low > 1 {
                let middle = (low + high) / 2
                if track.startUs[middle] <= atUs { low = middle } else { high = middle }
            }
            index = low
        }
    }

    mutating func append(_ probes: ProbeSequence, parameters: HostStateParameters) {
        let chain = HostStateChain(parameters)
        var down = [Double](repeating: 0, count: probes.count)
        var ahead = down
        var posterior = down
        let logLikelihood = chain.forward(probes, filteredDown: &down)
        chain.backward(probes, filteredDown: down, aheadUp: &ahead, posteriorDown: &posterior)
        let track = Track(
            parameters: parameters, startUs: probes.startUs,
            sides: zip(down, ahead).map { Sides(filteredDown: $0, aheadUp: $1) }, row: probes.row,
            logLikelihood: probes.count == 0 ? 0 : logLikelihood)
        for index in 0..<probes.count { probeUpProbability[Int(probes.row[index])] = 1 - posterior[index] }
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
        upProbability(after: index, atUs: atUs, HostStateStep.Law(parameters))
    }

    /// The same with the law at hand.
    @inline(__always)
    func upProbability(after index: Int, atUs: Int64, _ chain: HostStateStep.Law) -> Double {
        var down = chain.downShare
        if index >= 0 {
            down = sides[index].filteredDown
            let sinceUs = atUs &- startUs[index]
            if sinceUs > 0 {
                let step = HostStateStep(chain, seconds: Double(sinceUs) * 1e-6)
                down = down * step.downToDown + (1 - down) * step.upToDown
            }
        }
        guard index + 1 < startUs.count else { return 1 - down }
        let step = HostStateStep(chain, seconds: Double(startUs[index + 1] &- atUs) * 1e-6)
        let nextUp = sides[index + 1].aheadUp
        let betaUp = step.upToUp * nextUp + step.upToDown * (1 - nextUp)
        let betaDown = step.downToUp * nextUp + step.downToDown * (1 - nextUp)
        let upPart = (1 - down) * betaUp
        return upPart / (upPart + down * betaDown)
    }
}
