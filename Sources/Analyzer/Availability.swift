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

    /// Looks for a rate limiter: where one is known, refusals tell nothing of a host.
    init(_ columns: AttemptColumns) { self.init(columns, HostStateSmoother(for: columns)) }

    /// - Parameter isLimited: whether a rate limiter is known, to whom has looked.
    init(_ columns: AttemptColumns, isLimited: Bool) {
        var smoother = HostStateSmoother()
        smoother.skipsRefusals = isLimited
        self.init(columns, smoother)
    }

    private init(_ columns: AttemptColumns, _ smoother: HostStateSmoother) {
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
    func answerProbabilities() -> Reader { Reader(states, isShared: isShared) }

    /// Remembers where in each host's log it stood.
    final class Reader {
        private struct Host {
            var cursor: HostStateCursor
            let whileUp: Double
            let whileDown: Double
        }

        /// Behind a pointer because cursors move with every question, of which there are a hundred million, and each
        /// would be checked for a second reader.
        private let hosts: UnsafeMutableBufferPointer<Host>
        private let isShared: Bool

        init(_ states: HostStates, isShared: Bool) {
            self.isShared = isShared
            let all = (0..<(isShared ? 1 : states.hostCount)).map { host in
                let parameters = states.parameters(host: host)
                return Host(
                    cursor: states.cursor(host: host), whileUp: 1 - parameters.blip, whileDown: parameters.leak)
            }
            hosts = .allocate(capacity: all.count)
            _ = hosts.initialize(from: all)
        }

        @inline(__always)
        private func place(_ host: Int) -> Int {
            let place = isShared ? 0 : host
            precondition(hosts.indices.contains(place), "there is no host \(host)")
            return place
        }

        func probability(_ host: Int, _ atUs: Int64) -> Double {
            let place = place(host)
            let up = hosts[place].cursor.upProbability(atUs: atUs)
            return up * hosts[place].whileUp + (1 - up) * hosts[place].whileDown
        }

        /// The same at four instants, cheapest where they are near each other.
        func probabilities(_ host: Int, _ atUs: SIMD4<Int64>) -> SIMD4<Double> {
            let place = place(host)
            let up = hosts[place].cursor.upProbabilities(atUs: atUs)
            return up * hosts[place].whileUp + (1 - up) * hosts[place].whileDown
        }

        deinit {
            hosts.deinitialize()
            hosts.deallocate()
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
