import Retry

/// The smoothed state of every host of a route: P(up) at any instant, given everything the log says before and after.
///
/// methods: host state
public struct HostStates: Sendable {
    /// What one host's probes said.
    struct Track: Sendable {
        var parameters: HostStateParameters
        /// What the log says before the first probe, between each two and after the last.
        var gaps: HostStateGaps
        var row: [Int32]
        var logLikelihood: Double

        /// When its probes started.
        var startUs: HostStateGaps.Begins { gaps.begins }
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
    public func cursor(host: Int) -> HostStateCursor {
        let isKnown = tracks.indices.contains(host)
        return HostStateCursor(isKnown ? tracks[host].gaps : HostStateGaps(longRun: HostStateLaw(pooled)))
    }

    mutating func append(_ probes: ProbeSequence, parameters: HostStateParameters) {
        let chain = HostStateChain(parameters)
        var track = Track(
            parameters: parameters, gaps: HostStateGaps(longRun: chain.law), row: probes.row, logLikelihood: 0)
        if probes.count > 0 {
            let pass = HostStatePass(probes, for: .smoothing)
            let (logLikelihood, first) = pass.messages(chain)
            track.logLikelihood = logLikelihood
            track.gaps = HostStateGaps(chain.law, probes, pass, ahead: first) { index, up in
                probeUpProbability[Int(probes.row[index])] = up
            }
        }
        tracks.append(track)
    }

    /// What was no probe had a host, and that a state, too.
    mutating func fillOthers(_ columns: AttemptColumns) {
        var isProbe = [Bool](repeating: false, count: columns.count)
        for track in tracks { for row in track.row { isProbe[Int(row)] = true } }
        var cursors = tracks.map { HostStateCursor($0.gaps) }
        for row in 0..<columns.count where !isProbe[row] {
            let host = Int(columns.host[row])
            if !cursors.indices.contains(host) { continue }
            probeUpProbability[row] = cursors[host].upProbability(atUs: columns.startUs[row])
        }
    }
}

extension HostStates.Track {
    /// The last probe that started at or before `atUs`, −1 if none.
    func lastProbe(notAfter atUs: Int64) -> Int { gaps.place(atUs: Double(atUs)) - 1 }

    /// P(up) at `atUs`, which lies at or after probe `index` and before the next.
    func upProbability(after index: Int, atUs: Int64) -> Double {
        gaps.upProbability(in: index + 1, atUs: Double(atUs))
    }
}
