public import Logging
import NIOCore
import NIOPosix
public import Retry
public import ServiceLifecycle
import Synchronization

/// Where a proxy listens once it does; ports are the real ones, also where the configuration says 0.
public struct ProxyAddresses: Equatable, Sendable {
    /// For clients, `address:port`.
    public var listen: String
    /// For health, metrics and rules, `address:port`.
    public var admin: String
    /// The port of `listen`.
    public var listenPort: Int
    /// The port of `admin`.
    public var adminPort: Int
}

/// The sidecar: takes HTTP/1.1 requests, sends each to a host of its route under the route's rule, and offers every
/// attempt to the sink.
///
/// It is alive while `run()` runs. Cancelling the task, or a graceful shutdown of its service group, drains it: no new
/// connections, requests in flight get `ProxyLimits.drainUs` to finish, then everything is closed.
public final class ProxyServer: Service {
    private let configuration: Configuration
    private let core: ProxyCore
    private let feed: RuleFeed
    private let watchesFile: Bool
    private let pages: AdminPages
    private let announced = Announcement<ProxyAddresses>()

    /// A proxy that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: routes with their hosts, and where to listen (port 0: any free port).
    ///   - rules: the first rules; without, the rule file is read before listening, and where there is none either,
    ///     every route has one attempt and a timeout of 15 s.
    ///   - rulesFile: watched for new rules; `nil`: `put(_:)` is the only way to change them.
    ///   - sink: where attempts go; called on the event loops and so must not wait.
    ///   - limits: bounds on time and memory.
    ///   - recorderProblem: what ails the recorder, for `/healthz`; `nil`: nothing.
    ///   - extraMetrics: more samples for `/metrics`.
    /// - Throws: `ProxyError` when a route has no hosts or an address is not `address:port`.
    public init(
        configuration: Configuration, rules: RuleSet? = nil, rulesFile: String? = nil, sink: any AttemptSink,
        limits: ProxyLimits = ProxyLimits(), logger: Logger,
        recorderProblem: @escaping @Sendable () -> String? = { nil },
        extraMetrics: @escaping @Sendable () -> [Metric] = { [] }
    ) throws(ProxyError) {
        self.configuration = configuration
        var generator = SystemRandomNumberGenerator()
        core = ProxyCore(
            table: try RouteTable(configuration.routes), limits: limits, sink: sink, logger: logger,
            firstRequest: generator.next())
        feed = RuleFeed(path: rulesFile ?? "", core: core)
        watchesFile = rulesFile != nil
        pages = AdminPages(
            core: core, feed: rulesFile == nil ? nil : feed, recorderProblem: recorderProblem,
            extraMetrics: extraMetrics)
        if let rules { feed.put(rules, from: "the start") }
    }

    /// Puts rules in force for the requests that begin from now on.
    public func put(_ rules: RuleSet) { feed.put(rules, from: "the program") }

    /// The rules in force, if any were given.
    public var rules: RuleSet? { core.rules.set }

    /// Waits until the proxy listens.
    ///
    /// - Throws: what `run()` throws if it fails before that.
    public var addresses: ProxyAddresses { get async throws { try await announced.value } }

    /// Serves until the task is cancelled or the service group shuts down, then drains.
    ///
    /// - Throws: `ProxyError` when an address cannot be listened on.
    public func run() async throws {
        let threads = core.limits.eventLoops > 0 ? core.limits.eventLoops : System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let outcome: Result<Void, any Error>
        do {
            try await serve(on: group)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        announced.fail(ProxyError(.stopped, "the proxy was stopped"))
        try? await group.shutdownGracefully()
        try outcome.get()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        if watchesFile { feed.look() }
        let clients = ClientRegistry(metrics: core.metrics)
        let contexts = try await LoopContexts(group: group, core: core)
        do {
            let bind = Listeners(core: core, pages: pages, clients: clients, contexts: contexts)
            let listener = try await bind.clients(
                group: group, address: configuration.listen, limit: connectionLimit())
            let admin = try await bind.admin(group: group, address: configuration.admin)
            let addresses = try Listeners.addresses(listen: listener, admin: admin)
            core.logger.info("listening on \(addresses.listen), admin on \(addresses.admin)")
            announced.succeed(addresses)
            await serveUntilStopped()
            await drain(listener: listener, clients: clients, on: group.next())
            try? await admin.close()
        } catch {
            announced.fail(error)
            await contexts.close()
            throw error
        }
        await contexts.close()
    }

    private func connectionLimit() -> Int {
        let wanted = core.limits.maxConnections
        let descriptors = Descriptors.raise()
        let limit = Descriptors.connections(wanted: wanted, descriptors: descriptors)
        if limit < wanted {
            core.logger.warning(
                "\(limit) client connections at once, not \(wanted): the limit of open files is \(descriptors)")
        }
        return limit
    }

    private func serveUntilStopped() async {
        await withTaskGroup(of: Void.self) { tasks in
            if watchesFile { tasks.addTask { await self.feed.run() } }
            tasks.addTask { try? await gracefulShutdown() }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    /// Waits on event-loop futures, not on tasks: the task may be cancelled already.
    private func drain(listener: any Channel, clients: ClientRegistry, on loop: any EventLoop) async {
        core.drain()
        core.logger.info("draining: \(core.metrics.clientConnectionsOpen.value) client connections are open")
        try? await listener.close()
        clients.quiesce()
        try? await clients.empty(within: core.limits.drainUs, on: loop).get()
        let left = core.metrics.clientConnectionsOpen.value
        if left > 0 { core.logger.warning("drain limit reached: closing \(left) client connections") }
        clients.closeAll()
        try? await clients.empty(within: 1_000_000, on: loop).get()
        core.logger.info("stopped")
    }
}

/// A value that is known once, awaited by any number of tasks.
final class Announcement<Value: Sendable>: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Value, any Error>])
        case known(Result<Value, any Error>)
    }

    private let state = Mutex(State.waiting([]))

    var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let known = state.withLock { state -> Result<Value, any Error>? in
                    switch state {
                    case .waiting(let others):
                        state = .waiting(others + [continuation])
                        return nil
                    case .known(let result):
                        return result
                    }
                }
                if let known { continuation.resume(with: known) }
            }
        }
    }

    func succeed(_ value: Value) { settle(.success(value)) }

    /// Only the first announcement counts.
    func fail(_ error: any Error) { settle(.failure(error)) }

    private func settle(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
            guard case .waiting(let continuations) = state else { return [] }
            state = .known(result)
            return continuations
        }
        for continuation in waiting { continuation.resume(with: result) }
    }
}
