import Logging
import Retry
import Synchronization

@testable import Proxy

/// A sink that keeps all attempts and can be waited on.
final class KeepingSink: AttemptSink {
    private struct State {
        var attempts: [Attempt] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func offer(_ attempt: Attempt) -> Bool {
        let ready = state.withLock { state in
            state.attempts.append(attempt)
            let ready = state.waiting.filter { $0.count <= state.attempts.count }.map(\.continuation)
            state.waiting.removeAll { $0.count <= state.attempts.count }
            return ready
        }
        for continuation in ready { continuation.resume() }
        return true
    }

    var attempts: [Attempt] { state.withLock { $0.attempts } }

    /// Waits until that many attempts were offered.
    func attempts(_ count: Int) async -> [Attempt] {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.attempts.count < count { state.waiting.append((count, continuation)) }
                return state.attempts.count >= count
            }
            if isThere { continuation.resume() }
        }
        return attempts
    }
}

/// A proxy that runs on free ports while a test's body runs.
struct RunningProxy: Sendable {
    let server: ProxyServer
    let addresses: ProxyAddresses
    let sink: KeepingSink
    let log: KeepingLog

    func client(reads: Bool = true, receiveBuffer: Int? = nil) async throws -> Wire {
        try await Wire.connect(port: addresses.listenPort, reads: reads, receiveBuffer: receiveBuffer)
    }

    /// One request on a connection of its own.
    func ask(_ request: String, method: String = "GET") async throws -> WireResponse {
        let wire = try await client()
        let response = try await wire.ask(request, method: method)
        await wire.close()
        return response
    }

    /// A page of the admin port.
    func page(_ path: String) async throws -> WireResponse {
        let wire = try await Wire.connect(port: addresses.adminPort)
        let response = try await wire.ask("GET \(path) HTTP/1.1\r\nhost: admin\r\n\r\n")
        await wire.close()
        return response
    }

    /// The value of a sample in `/metrics`; `nil` when it is not there.
    func metric(_ line: String) async throws -> Double? {
        let text = try await page("/metrics").text
        let found = text.split(separator: "\n").first { $0.hasPrefix(line + " ") }
        return found.flatMap { Double($0.dropFirst(line.count + 1)) }
    }
}

/// Runs a proxy for one route named `r` (or the routes given) and stops it after the body.
func withProxy(
    hosts: [String] = [], idempotent: Bool? = nil, routes: [RouteConfiguration]? = nil, rule: Rule? = nil,
    rulesFile: String? = nil, limits: ProxyLimits = ProxyLimits(eventLoops: 1),
    _ body: (RunningProxy) async throws -> Void
) async throws {
    let configuration = Configuration(
        listen: "127.0.0.1:0", admin: "127.0.0.1:0",
        routes: routes ?? [RouteConfiguration(name: "r", hosts: hosts, idempotent: idempotent)])
    let sink = KeepingSink()
    let log = KeepingLog()
    let rules = rule.map { rule in
        RuleSet(version: 7, createdUs: 0, routes: ["r": RuleSet.Entry(rule: rule)])
    }
    let server = try ProxyServer(
        configuration: configuration, rules: rules, rulesFile: rulesFile, sink: sink, limits: limits,
        logger: Logger(label: "test") { _ in log })
    let running = Task { try await server.run() }
    do {
        try await body(
            RunningProxy(server: server, addresses: try await server.addresses, sink: sink, log: log))
    } catch {
        running.cancel()
        _ = await running.result
        throw error
    }
    running.cancel()
    try await running.value
}

/// A rule that retries everything at once, within generous time.
func retrying(
    _ maxRetries: Int, on: [RetryCondition] = Outcome.allCases.filter(\.isFailure).map { .outcome($0) },
    host: HostChoice = .other, waits: [Int64] = [0], perTryTimeoutUs: Int64? = nil, timeoutUs: Int64? = 20_000_000,
    budget: BudgetPolicy? = nil
) -> Rule {
    Rule(
        timeoutUs: timeoutUs, perTryTimeoutUs: perTryTimeoutUs,
        retry: RetryPolicy(maxRetries: maxRetries, on: on, host: host, backoff: .waits(waits, jitter: 0)),
        budget: budget)
}

/// A log that can be waited on.
final class KeepingLog: LogHandler, Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { add("\(event.level): \(event.message)") }

    private func add(_ line: String) {
        let waiting = state.withLock { state in
            state.lines.append(line)
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for look in waiting { look() }
    }

    /// Waits for a line that contains the text.
    @discardableResult
    func line(_ text: String) async -> String {
        await withCheckedContinuation { continuation in look(text) { continuation.resume(returning: $0) } }
    }

    private func look(_ text: String, _ done: @escaping @Sendable (String) -> Void) {
        let found = state.withLock { state -> String? in
            if let found = state.lines.first(where: { $0.contains(text) }) { return found }
            state.waiting.append { self.look(text, done) }
            return nil
        }
        if let found { done(found) }
    }
}
