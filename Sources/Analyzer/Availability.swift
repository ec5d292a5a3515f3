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
    /// matter.
    func answerProbability(host: Int, atUs: Int64) -> Double {
        let chain = isShared ? 0 : host
        let up = states.upProbability(host: chain, atUs: atUs)
        let parameters = states.parameters(host: chain)
        return up * (1 - parameters.blip) + (1 - up) * parameters.leak
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
