import Glibc
public import Retry

/// Fits the two-state chain to every host of a route and smooths its state over time. methods: host state
///
/// A probe is an attempt that ended in success or failure, placed at its start; cancelled attempts are no probes, nor
/// are retries of requests that timed out. A
/// timeout is a probe with a symbol of its own: how far it speaks for "down" is learnt (`timeoutWhileUp` against
/// `timeoutShareWhileDown`), so stragglers are not taken for outages nor the other way round.
///
/// Hosts borrow strength: one chain is fitted to all hosts of the route together, then each host's own with that one as
/// its prior. A route whose failures are no more clustered than chance gets a chain that is always up, with blips.
public struct HostStateSmoother: Sendable {
    /// When EM stops: the log-likelihood gained per cycle.
    public var tolerance = 1e-4
    /// The most cycles of three EM steps.
    public var maxCycles = 60

    /// Whether attempts that were refused for load are no probes: a limiter stands before the hosts.
    public var skipsRefusals = false

    /// A smoother.
    public init() {}

    /// A smoother for a route's log: where its limiter is known, refusals are no probes. methods: rate limit
    public init(for columns: AttemptColumns) { skipsRefusals = RateLimit(columns) != nil }

    /// The states of all hosts of a route. Cost: O(attempts) per EM step.
    public func smooth(_ columns: AttemptColumns) -> HostStates {
        let hosts = Self.probes(of: columns, skipsRefusals: skipsRefusals)
        let pooled = fitPooled(hosts)
        var states = HostStates(pooled: pooled, rows: columns.count)
        for probes in hosts {
            let own = hosts.count == 1 ? pooled : fitOwn(probes, pooled: pooled)
            states.append(probes, parameters: own)
        }
        states.fillOthers(columns)
        return states
    }

    /// What it reads of the attempts.
    public static let columns: ColumnSet = [.startUs, .durationUs, .host, .outcome, .request, .attempt]

    /// The attempts of each host that tell of its state. Retries of a request that timed out are left out: it may be
    /// slow by itself, on whichever host, and would make outages of what is one event.
    static func probes(of columns: AttemptColumns, skipsRefusals: Bool = false) -> [ProbeSequence] {
        let hostCount = Int(columns.host.max().map { $0 + 1 } ?? 0)
        var hosts = [ProbeSequence](repeating: ProbeSequence(), count: max(hostCount, columns.hostNames.count))
        var timedOut: Set<UInt64> = []
        for row in 0..<columns.count where columns.outcome[row] != .cancelled {
            if skipsRefusals && columns.outcome[row] == .rateLimited { continue }
            if columns.attempt[row] > 1, timedOut.contains(columns.request[row]) { continue }
            if columns.outcome[row] == .timeout { timedOut.insert(columns.request[row]) }
            let host = Int(columns.host[row])
            hosts[host].startUs.append(columns.startUs[row])
            hosts[host].row.append(Int32(row))
            switch columns.outcome[row] {
            case .success: hosts[host].symbol.append(0)
            case .timeout: hosts[host].symbol.append(2)
            default: hosts[host].symbol.append(1)
            }
        }
        return hosts
    }

    private func fitPooled(_ hosts: [ProbeSequence]) -> HostStateParameters {
        let facts = HostStateFacts(hosts)
        let alwaysUp = facts.alwaysUp
        if facts.failures == 0 { return alwaysUp }
        let maximizer = HostStateMaximizer(hosts: hosts, prior: facts.prior, smoother: self)
        let thinned = HostStateMaximizer(hosts: hosts.map { $0.thinned() }, prior: facts.prior, smoother: self)
        guard let start = bestStart(thinned.hosts, facts) else { return alwaysUp }
        let found = thinned.maximize(from: start).parameters
        // Four more parameters must earn their keep; the failures are what carries information on them.
        let charge = 2 * log(1 + Double(facts.failures)) + 2
        let blipsOnly = maximizer.logLikelihood(alwaysUp)
        return maximizer.logLikelihood(found) > blipsOnly + charge ? found : alwaysUp
    }

    /// A step from every start, more from the best three; on a long log from its stretches with most failures.
    private func bestStart(_ hosts: [ProbeSequence], _ facts: HostStateFacts) -> HostStateParameters? {
        let excerpt = Self.excerpt(of: hosts)
        let maximizer = HostStateMaximizer(hosts: excerpt, prior: facts.prior, smoother: self)
        return maximizer.likeliest(of: maximizer.steps(from: facts.starts, keeping: 3))
    }

    /// Whole stretches of 1,000 probes, those with most failures first, up to 5,000 probes. They only decide where the
    /// fit to all probes begins.
    private static func excerpt(of hosts: [ProbeSequence]) -> [ProbeSequence] {
        if hosts.reduce(0, { $0 + $1.count }) <= 8_000 { return hosts }
        var stretches: [(host: Int, range: Range<Int>, failures: Int)] = []
        for (host, all) in hosts.enumerated() {
            for begin in stride(from: 0, to: all.count, by: 1_000) {
                let range = begin..<min(all.count, begin + 1_000)
                let failures = all.symbol.withUnsafeBufferPointer { symbols in
                    range.reduce(0) { $0 + (symbols[$1] != 0 ? 1 : 0) }
                }
                stretches.append((host, range, failures))
            }
        }
        return stretches.sorted { $0.failures > $1.failures }.prefix(5).map { one in
            let all = hosts[one.host]
            return ProbeSequence(
                startUs: Array(all.startUs[one.range]), symbol: Array(all.symbol[one.range]))
        }
    }

    private func fitOwn(_ probes: ProbeSequence, pooled: HostStateParameters) -> HostStateParameters {
        if probes.count == 0 || !probes.symbol.contains(where: { $0 != 0 }) && pooled.outageRatePerSecond == 0 {
            return pooled
        }
        let prior = HostStateStatistics(worthOf: pooled)
        let maximizer = HostStateMaximizer(hosts: [probes.thinned()], prior: prior, smoother: self)
        return maximizer.maximize(from: pooled).parameters
    }
}

/// Counts that start the fit.
private struct HostStateFacts {
    var probes = 0
    var failures = 0
    var timeouts = 0
    var seconds = 0.0
    /// The middle gap between probes of a host.
    var gapSeconds = 1.0
    /// Runs of at least two failures in a row, and the time they cover up to the next success.
    var runs = 0
    var runSeconds = 0.0

    init(_ hosts: [ProbeSequence]) {
        for host in hosts {
            probes += host.count
            guard let first = host.startUs.first, let last = host.startUs.last else { continue }
            seconds += Double(last - first) * 1e-6
            var runStart = -1
            for index in 0..<host.count {
                if host.symbol[index] != 0 {
                    failures += 1
                    if host.symbol[index] == 2 { timeouts += 1 }
                    if runStart < 0 { runStart = index }
                } else {
                    count(run: runStart, to: index, of: host)
                    runStart = -1
                }
            }
            count(run: runStart, to: host.count - 1, of: host)
        }
        if probes > 1 { gapSeconds = max(1e-6, seconds / Double(probes)) }
        if seconds == 0 { seconds = gapSeconds }
    }

    private mutating func count(run: Int, to end: Int, of host: ProbeSequence) {
        guard run >= 0, end - run >= 2 else { return }
        runs += 1
        runSeconds += Double(host.startUs[end] - host.startUs[run]) * 1e-6
    }

    /// The chain without outages: every failure is a blip.
    var alwaysUp: HostStateParameters {
        let all = Double(probes) + 1
        let timeoutShare = Double(timeouts) / all
        let other = (Double(failures - timeouts) + 0.05) / all
        let scale = min(1, HostStateMaximizer.mostBlips / max(1e-300, timeoutShare + other))
        return HostStateParameters(
            blip: other * scale, timeoutWhileUp: timeoutShare * scale, leak: 0.02, timeoutShareWhileDown: 0.5,
            outageRatePerSecond: 0, recoveryRatePerSecond: 1 / (10 * gapSeconds))
    }

    /// Weak pseudo-data: they decide only where the log says nothing.
    var prior: HostStateStatistics {
        var prior = HostStateStatistics()
        prior.up = (0.9, 0.05, 0.01)
        prior.down = (0.01, 0.1, 0.1)
        prior.outages = 0.1
        prior.secondsUp = 0.1 * seconds / Double(1 + runs)
        prior.recoveries = 0.1
        prior.secondsDown = 0.1 * 5 * gapSeconds
        return prior
    }

    /// From short outages to long ones, and what the runs of failures suggest; each with few and with many blips.
    var starts: [HostStateParameters] {
        var lengths = [3 * gapSeconds, 30 * gapSeconds, 300 * gapSeconds]
        if runs > 0 && runSeconds > 0 { lengths.insert(runSeconds / Double(runs), at: 0) }
        let share = min(0.9, Double(failures) / Double(probes))
        let timeoutShare = Double(timeouts) / Double(max(1, failures))
        return lengths.flatMap { length in
            [0.05, 0.5].map { blips in
                let downShare = share * (1 - blips)
                let blip = min(0.4, share * blips)
                return HostStateParameters(
                    blip: blip * (1 - timeoutShare) + 1e-9, timeoutWhileUp: blip * timeoutShare, leak: 0.03,
                    timeoutShareWhileDown: timeoutShare,
                    outageRatePerSecond: downShare / (1 - downShare) / length, recoveryRatePerSecond: 1 / length)
            }
        }
    }
}

extension HostStateStatistics {
    /// The pooled chain as pseudo-data for one host: worth one outage, two failures while up and five probes down.
    init(worthOf pooled: HostStateParameters) {
        let probesUp = min(1000, 2 / max(1e-9, pooled.failureWhileUp))
        let (u0, u1, u2) = pooled.emissionUp
        let (d0, d1, d2) = pooled.emissionDown
        up = (u0 * probesUp, u1 * probesUp, u2 * probesUp)
        down = (d0 * 5, d1 * 5, d2 * 5)
        if pooled.outageRatePerSecond > 0 {
            outages = 1
            secondsUp = 1 / pooled.outageRatePerSecond
        }
        recoveries = 1
        secondsDown = 1 / pooled.recoveryRatePerSecond
    }
}
