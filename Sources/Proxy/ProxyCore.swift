import Glibc
import Logging
import NIOCore
import Retry
import Synchronization

/// What all connections of a proxy share, on whatever event loop they live.
final class ProxyCore: Sendable {
    let table: RouteTable
    let rules: RulesInForce
    let limits: ProxyLimits
    let metrics = ProxyMetrics()
    let sink: any AttemptSink
    let logger: Logger
    /// UNIX time in microseconds.
    let wallUs: @Sendable () -> Int64
    private let draining = Atomic<Bool>(false)
    private let requests: Atomic<UInt64>

    init(
        table: RouteTable, limits: ProxyLimits, sink: any AttemptSink, logger: Logger, firstRequest: UInt64,
        wallUs: @escaping @Sendable () -> Int64 = WallClock.nowUs
    ) {
        self.table = table
        self.limits = limits
        self.sink = sink
        self.logger = logger
        self.wallUs = wallUs
        rules = RulesInForce(routes: table.routes.map(\.name))
        requests = Atomic(firstRequest)
    }

    /// Whether new requests are the last on their connections.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func drain() { draining.store(true, ordering: .relaxed) }

    /// A number that no other request of this process has. The first is drawn at random, so that the requests of
    /// several proxies and restarts do not meet in one store.
    func nextRequest() -> UInt64 { requests.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// The time of day.
enum WallClock {
    /// UNIX microseconds.
    static func nowUs() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// What the connections of one event loop share: never touched from another thread.
final class LoopContext {
    let loop: any EventLoop
    let core: ProxyCore
    let pool: UpstreamPool
    /// Spreads waits without a system call a request.
    private var dice: SplitMix64

    init(loop: any EventLoop, core: ProxyCore, pool: UpstreamPool, seed: UInt64) {
        self.loop = loop
        self.core = core
        self.pool = pool
        dice = SplitMix64(seed: seed)
    }

    /// Uniform in [0, 1).
    func unit() -> Double { Double.random(in: 0..<1, using: &dice) }
}
