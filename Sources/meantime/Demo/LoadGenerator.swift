import NIOCore
import NIOHTTP1
import NIOPosix

/// How one request of a run went, as its client saw it. Times are microseconds.
struct RequestRecord: Equatable, Sendable {
    /// Index into the plan's routes.
    let route: Int
    /// When it should have been sent, after the run's start.
    let offsetUs: Int64
    /// From then until the whole answer was there, or until the client gave up.
    let latencyUs: Int64
    /// HTTP status; 0 when there was no answer.
    let status: Int
    /// How much later than planned it was sent: what a busy machine adds.
    let lateUs: Int64

    /// No good answer in time.
    var isFailed: Bool { status == 0 || status == 429 || status >= 500 }
}

/// Sends the planned requests at their times, whatever became of earlier ones (an open loop), and waits for the answers
/// up to each route's deadline.
///
/// Latency counts from the time a request *should* have been sent, so that a stall here or in the proxy cannot hide
/// behind the requests it delayed.
enum LoadGenerator {
    /// Runs the arrivals against a proxy on 127.0.0.1; returns one record a request, in their order.
    ///
    /// - Parameters:
    ///   - deadlinesUs: each route's limit, after which its client gives up.
    ///   - epochUs: the run's start, UNIX microseconds.
    ///   - onSent: called on an event loop with the share of requests that were sent.
    static func run(
        _ arrivals: Arrivals, plan: FaultPlan, port: Int, deadlinesUs: [Int64], epochUs: Int64,
        onSent: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws -> [RequestRecord] {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let done = loop.makePromise(of: [RequestRecord].self)
        loop.execute {
            let run = LoadRun(
                arrivals: arrivals.requests, troubles: plan.routes.map(\.trouble), port: port,
                deadlinesUs: deadlinesUs, loop: loop, done: done, onSent: onSent)
            run.begin(epoch: NIODeadline.now() + .microseconds(epochUs - WallClock.nowUs))
        }
        let records = try await done.futureResult.get()
        try await group.shutdownGracefully()
        return records
    }
}

/// A run in progress; lives on its event loop.
private final class LoadRun {
    private let arrivals: [Arrivals.Planned]
    private let troubles: [RouteTrouble]
    private let port: Int
    private let deadlinesUs: [Int64]
    private let loop: any EventLoop
    private let done: EventLoopPromise<[RequestRecord]>
    private let onSent: (Double) -> Void

    private var epoch = NIODeadline.now()
    private var next = 0
    private var unfinished: Int
    private var records: [RequestRecord?]
    private var idle: [ClientConnection] = []

    init(
        arrivals: [Arrivals.Planned], troubles: [RouteTrouble], port: Int, deadlinesUs: [Int64], loop: any EventLoop,
        done: EventLoopPromise<[RequestRecord]>, onSent: @escaping (Double) -> Void
    ) {
        self.arrivals = arrivals
        self.troubles = troubles
        self.port = port
        self.deadlinesUs = deadlinesUs
        self.loop = loop
        self.done = done
        self.onSent = onSent
        unfinished = arrivals.count
        records = Array(repeating: nil, count: arrivals.count)
    }

    func begin(epoch: NIODeadline) {
        self.epoch = epoch
        if arrivals.isEmpty { return done.succeed([]) }
        sendDue()
    }

    /// Sends what is due and sleeps until the next.
    private func sendDue() {
        while next < arrivals.count, epoch + .microseconds(arrivals[next].offsetUs) <= .now() {
            let late = NIODeadline.now() - (epoch + .microseconds(arrivals[next].offsetUs))
            send(Exchange(index: next, planned: arrivals[next], lateUs: late.nanoseconds / 1000))
            next += 1
        }
        onSent(Double(next) / Double(arrivals.count))
        guard next < arrivals.count else { return }
        loop.assumeIsolated().scheduleTask(deadline: epoch + .microseconds(arrivals[next].offsetUs)) { self.sendDue() }
    }

    private func send(_ exchange: Exchange) {
        let dueAt = epoch + .microseconds(exchange.planned.offsetUs)
        let limitUs = deadlinesUs[exchange.planned.route]
        exchange.deadline = loop.assumeIsolated().scheduleTask(deadline: dueAt + .microseconds(limitUs)) {
            exchange.connection?.giveUp()
            self.finish(exchange, status: 0)
        }
        while let connection = idle.popLast() {
            if connection.isUsable { return connection.send(exchange, head(of: exchange)) }
        }
        connect().assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection):
                // Given up while connecting: the connection still serves the next one.
                if exchange.isFinished {
                    self.idle.append(connection)
                } else {
                    connection.send(exchange, self.head(of: exchange))
                }
            case .failure: self.finish(exchange, status: 0)
            }
        }
    }

    private func head(of exchange: Exchange) -> HTTPRequestHead {
        let trouble = troubles[exchange.planned.route]
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: trouble.method),
            uri: "/\(trouble.name)?request=\(exchange.planned.number)", headers: ["host": "127.0.0.1:\(port)"])
    }

    private func connect() -> EventLoopFuture<ClientConnection> {
        let run = NIOLoopBound(self, eventLoop: loop)
        return ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        ClientConnection { exchange, status, connection in
                            run.value.finish(exchange, status: status)
                            if let connection { run.value.idle.append(connection) }
                        })
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .flatMapThrowing { try $0.pipeline.syncOperations.handler(type: ClientConnection.self) }
    }

    private func finish(_ exchange: Exchange, status: Int) {
        guard !exchange.isFinished else { return }
        exchange.isFinished = true
        exchange.deadline?.cancel()
        let latency = NIODeadline.now() - (epoch + .microseconds(exchange.planned.offsetUs))
        let limitUs = deadlinesUs[exchange.planned.route]
        records[exchange.index] = RequestRecord(
            route: exchange.planned.route, offsetUs: exchange.planned.offsetUs,
            latencyUs: min(limitUs, latency.nanoseconds / 1000), status: status, lateUs: exchange.lateUs)
        unfinished -= 1
        if unfinished == 0 { done.succeed(records.compactMap(\.self)) }
    }
}
