import Synchronization

/// A part of the work of tuning.
public enum TuneStage: String, CaseIterable, Sendable {
    /// Attempts are read from the store and put in order.
    case reading
    /// The state of every host is fitted and smoothed.
    case states
    /// How long answers take.
    case latency
    /// Outages, dependence and the requests that a rule may change.
    case evidence
    /// Rules are played as if nothing were refused.
    case playing
    /// Rules are played again where their budget may refuse something.
    case budgets
    /// Bootstrap weights are drawn.
    case drawing
    /// Costs by unit are gathered and multiplied by the weights.
    case multiplying
    /// Everything else: candidates, intervals, the choice.
    case choosing

    /// What a person reads.
    public var title: String {
        switch self {
        case .reading: "reading"
        case .states: "host states"
        case .latency: "latency laws"
        case .evidence: "evidence"
        case .playing: "playing rules"
        case .budgets: "playing budgets"
        case .drawing: "bootstrap weights"
        case .multiplying: "GEMM"
        case .choosing: "choosing"
        }
    }
}

/// Where the time of tuning went.
public struct TuneTimes: Equatable, Sendable {
    /// Nanoseconds of processor time by stage.
    public internal(set) var nanoseconds: [TuneStage: Int64] = [:]
    /// Floating-point operations of the matrix products of the stage `multiplying`.
    public internal(set) var operations = 0.0
    /// Some of these products: rows, inner dimension and columns.
    public internal(set) var products: [Product] = []

    /// The shape of a matrix product.
    public struct Product: Equatable, Sendable {
        /// Rows of the first factor.
        public var rows: Int
        /// Columns of the first and rows of the second.
        public var inner: Int
        /// Columns of the second.
        public var columns: Int

        /// Multiplications and additions.
        public var operations: Double { 2 * Double(rows) * Double(inner) * Double(columns) }
    }

    /// The sum over all stages, nanoseconds.
    public var total: Int64 { nanoseconds.values.reduce(0, +) }

    /// What the matrix products of the run reach, gathering included, in 10^9 operations a second.
    public var gigaflops: Double { operations / Double(max(1, nanoseconds[.multiplying] ?? 0)) }

    /// What plain products of the same shapes reach here, in 10^9 operations a second: the library's own speed.
    ///
    /// - Parameter clock: nanoseconds of processor time of the thread.
    public func plainGigaflops(clock: () -> Int64) -> Double {
        var spent: Int64 = 0
        var done = 0.0
        for product in products {
            let one = Matrix(rows: product.rows, columns: product.inner, filledWith: 1.5)
            let other = Matrix(rows: product.inner, columns: product.columns, filledWith: 0.5)
            for repeated in 0..<4 {
                let began = clock()
                let result = one.multiplied(by: other)
                // The first one wakes caches up.
                if repeated == 0 || result.rows == 0 { continue }
                spent += clock() - began
                done += product.operations
            }
        }
        return done / Double(max(1, spent))
    }
}

/// Keeps the time of one thread at a time.
final class StageMeter: Sendable {
    /// The meter of the work that is going on, if anybody asked.
    @TaskLocal static var current: StageMeter?

    private struct State {
        var times = TuneTimes()
        var stage = TuneStage.choosing
        var since: Int64
        var seen = 0
    }

    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    /// How many products are remembered.
    private static let mostProducts = 48

    /// - Parameter clock: nanoseconds of processor time of the thread that asks.
    init(clock: @escaping @Sendable () -> Int64) {
        self.clock = clock
        state = Mutex(State(since: clock()))
    }

    /// What was measured until now; the thread that works must be the one that asks.
    var times: TuneTimes {
        _ = change(to: nil)
        return state.withLock { $0.times }
    }

    /// Does something whose time belongs to a stage; what is measured within belongs to its own.
    static func measure<Result, Failure: Error>(
        _ stage: TuneStage, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let meter = current else { return try body() }
        let outer = meter.change(to: stage)
        defer { _ = meter.change(to: outer) }
        return try body()
    }

    /// Notes a matrix product.
    static func note(_ product: TuneTimes.Product) {
        current?.state.withLock { state in
            state.times.operations += product.operations
            state.seen += 1
            // Every size has its turn, the later ones more seldom.
            if state.times.products.count < mostProducts {
                state.times.products.append(product)
            } else if state.seen % 7 == 0 {
                state.times.products[state.seen / 7 % mostProducts] = product
            }
        }
    }

    private func change(to stage: TuneStage?) -> TuneStage {
        let now = clock()
        return state.withLock { state in
            let outer = state.stage
            state.times.nanoseconds[outer, default: 0] += now - state.since
            state.since = now
            if let stage { state.stage = stage }
            return outer
        }
    }
}

extension TuneTimes {
    /// Adds what another thread did.
    mutating func add(_ other: TuneTimes) {
        nanoseconds.merge(other.nanoseconds, uniquingKeysWith: +)
        operations += other.operations
        products = Array((products + other.products).suffix(96))
    }
}
