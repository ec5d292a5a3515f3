import Retry

/// P(an attempt is answered) for any host at any instant of the log.
///
/// Hosts of one route fail alone or together, and a chain fitted to each host apart cannot see the latter: between two
/// probes of a host it would hope for what its siblings' failures already refute. So two readings are fitted, one chain
/// for each host and one for all hosts together, and the likelier one is used.
struct Availability {
    private let states: HostStates
    /// Whether the hosts share one state.
    let isShared: Bool

    init(_ columns: AttemptColumns) {
        let smoother = HostStateSmoother()
        let apart = smoother.smooth(columns)
        guard apart.hostCount > 1 else {
            states = apart
            isShared = false
            return
        }
        let together = smoother.smooth(Self.joined(columns))
        isShared = together.logLikelihood > apart.logLikelihood
        states = isShared ? together : apart
    }

    /// P(answer | attempt at `atUs`) = P(up) (1 − ε) + P(down) δ; whether the answer comes in time is the latency's
    /// matter. Asking is cheap near the instant asked for before, and must be left to one thread.
    func answerProbabilities() -> (_ host: Int, _ atUs: Int64) -> Double {
        let reader = Reader(states, hosts: isShared ? 1 : states.hostCount)
        return isShared ? { reader.probability(0, $1) } : { reader.probability($0, $1) }
    }

    /// Remembers where in each host's log it stood. The cursors lie behind a pointer because they move with every
    /// question, of which there are a hundred million, and each would be checked for a second reader.
    private final class Reader {
        private let cursors: UnsafeMutableBufferPointer<HostStates.Cursor>
        private let whileUp: [Double]
        private let whileDown: [Double]

        init(_ states: HostStates, hosts: Int) {
            cursors = .allocate(capacity: hosts)
            _ = cursors.initialize(from: (0..<hosts).map { states.cursor(host: $0) })
            whileUp = (0..<hosts).map { 1 - states.parameters(host: $0).blip }
            whileDown = (0..<hosts).map { states.parameters(host: $0).leak }
        }

        func probability(_ host: Int, _ atUs: Int64) -> Double {
            precondition(cursors.indices.contains(host), "there is no host \(host)")
            let up = cursors[host].upProbability(atUs: atUs)
            return up * whileUp[host] + (1 - up) * whileDown[host]
        }

        deinit {
            cursors.deinitialize()
            cursors.deallocate()
        }
    }

    /// P(the host was up at `atUs`).
    func upProbability(host: Int, atUs: Int64) -> Double {
        states.upProbability(host: isShared ? 0 : host, atUs: atUs)
    }

    /// The smoothed states behind it: of each host, or of all hosts as one.
    var smoothed: HostStates { states }

    /// The same attempts as if one host had served them all.
    private static func joined(_ columns: AttemptColumns) -> AttemptColumns {
        var joined = columns
        joined.hostNames = ["all"]
        joined.host = Array(repeating: 0, count: columns.count)
        return joined
    }
}
