import Retry

/// What one route has counted since the start.
final class RouteMetrics: Sendable {
    private let statusClasses = (0...5).map { _ in Counter() }
    private let outcomes = Outcome.allCases.map { _ in Counter() }
    private let verdicts = RetryMachine.Verdict.allCases.map { _ in Counter() }
    let retries = Counter()
    let dropped = Counter()
    let active = Counter()
    let latency = LatencyHistogram()

    /// A request ended. `status` is what the client got, 0 when it got nothing.
    func requestEnded(status: Int, verdict: RetryMachine.Verdict, latencyUs: Int64) {
        statusClasses[min(max(status / 100, 0), 5)].add()
        if let place = RetryMachine.Verdict.allCases.firstIndex(of: verdict) { verdicts[place].add() }
        latency.record(us: latencyUs)
    }

    func attemptEnded(_ outcome: Outcome) { outcomes[Int(outcome.rawValue)].add() }

    /// How many attempts ended so.
    func attempts(_ outcome: Outcome) -> Int { outcomes[Int(outcome.rawValue)].value }

    /// How many requests ended for that reason.
    func requests(_ verdict: RetryMachine.Verdict) -> Int {
        RetryMachine.Verdict.allCases.firstIndex(of: verdict).map { verdicts[$0].value } ?? 0
    }

    func samples(route: String) -> [Metric] {
        let label = Metric.Label("route", route)
        var samples = statusClasses.enumerated().map { place, counter in
            Metric(
                "meantime_requests_total", .counter, help: "Requests that ended, by the status class the client got.",
                labels: [label, .init("status", place == 0 ? "none" : "\(place)xx")], value: Double(counter.value))
        }
        samples += Outcome.allCases.map {
            Metric(
                "meantime_attempts_total", .counter, help: "Attempts that ended, by outcome.",
                labels: [label, .init("outcome", $0.name)], value: Double(attempts($0)))
        }
        samples += RetryMachine.Verdict.allCases.map {
            Metric(
                "meantime_verdicts_total", .counter,
                help: "Requests that ended, by why there was no further attempt.",
                labels: [label, .init("verdict", $0.rawValue)], value: Double(requests($0)))
        }
        samples.append(
            Metric(
                "meantime_retries_total", .counter, help: "Attempts after the first that were sent.", labels: [label],
                value: Double(retries.value)))
        samples.append(
            Metric(
                "meantime_attempts_not_recorded_total", .counter,
                help: "Attempts that the recorder had no room for.", labels: [label], value: Double(dropped.value)))
        samples.append(
            Metric(
                "meantime_requests_active", .gauge, help: "Requests in flight.", labels: [label],
                value: Double(active.value)))
        return samples + histogram(label)
    }

    private func histogram(_ label: Metric.Label) -> [Metric] {
        let (buckets, sumUs) = latency.counts
        let name = "meantime_request_duration_seconds"
        let help = "From a request's head to the end of its response."
        var total = 0
        var samples: [Metric] = []
        for (place, count) in buckets.enumerated() {
            total += count
            let bound =
                place < LatencyHistogram.boundsUs.count ? "\(Double(LatencyHistogram.boundsUs[place]) / 1e6)" : "+Inf"
            samples.append(
                Metric(
                    name, .histogram, help: help, suffix: "_bucket", labels: [label, .init("le", bound)],
                    value: Double(total)))
        }
        samples.append(
            Metric(name, .histogram, help: help, suffix: "_sum", labels: [label], value: Double(sumUs) / 1e6))
        samples.append(Metric(name, .histogram, help: help, suffix: "_count", labels: [label], value: Double(total)))
        return samples
    }
}

/// What the proxy as a whole has counted since the start.
final class ProxyMetrics: Sendable {
    let unrouted = Counter()
    let refused = Counter()
    let exhausted = Counter()
    let clientConnections = Counter()
    let clientConnectionsOpen = Counter()
    let rulesLoaded = Counter()
    let rulesRefused = Counter()

    func samples(rulesVersion: Int, isDraining: Bool) -> [Metric] {
        func sample(_ name: String, _ kind: Metric.Kind, _ help: String, _ value: Int) -> Metric {
            Metric("meantime_\(name)", kind, help: help, value: Double(value))
        }
        return [
            sample("unrouted_requests_total", .counter, "Requests that no route matched.", unrouted.value),
            sample(
                "bad_requests_total", .counter, "Requests refused because they are not proper HTTP/1.", refused.value),
            sample(
                "exhausted_requests_total", .counter,
                "Requests that ended because the proxy had no descriptors or ports left to connect with.",
                exhausted.value),
            sample("client_connections_total", .counter, "Client connections accepted.", clientConnections.value),
            sample("client_connections_open", .gauge, "Client connections open.", clientConnectionsOpen.value),
            sample("rules_version", .gauge, "Version of the rules in force, 0 for none.", rulesVersion),
            sample("rules_loaded_total", .counter, "Rule sets put in force.", rulesLoaded.value),
            sample("rules_refused_total", .counter, "Rule files refused; the old rules stayed.", rulesRefused.value),
            sample("draining", .gauge, "1 while the proxy finishes its last requests.", isDraining ? 1 : 0),
        ]
    }

    static func samples(of host: UpstreamHost) -> [Metric] {
        let label = [Metric.Label("host", host.name)]
        return [
            Metric(
                "meantime_upstream_connections_open", .gauge, help: "Connections to a host, idle ones included.",
                labels: label, value: Double(host.openConnections.value)),
            Metric(
                "meantime_upstream_connections_idle", .gauge, help: "Connections to a host that wait for a request.",
                labels: label, value: Double(host.idleConnections.value)),
            Metric(
                "meantime_upstream_connects_total", .counter, help: "Connections established to a host.",
                labels: label, value: Double(host.connects.value)),
        ]
    }
}
