import Dispatch
import Glibc
import Retry
import Synchronization

/// Tunes routes side by side while others are being read.
///
/// Routes share nothing, so their results do not depend on the threads. Those that wait for a thread are few: their
/// attempts are bounded, and whoever brings more waits himself.
final class RouteCrew: Sendable {
    private struct State {
        var waiting: [AttemptColumns] = []
        var isFinished = false
        var tunings: [RouteTuning] = []
        var times: TuneTimes?
    }

    /// How many threads the machine runs at once.
    static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Attempts that may wait, unless a single route has more.
    private static let mostWaiting = 1 << 20

    private let tuner: Tuner
    private let threads: Int
    private let state = Mutex(State())
    private let workers = DispatchGroup()
    /// One signal for each route that waits, and one for each thread at the end.
    private let work = DispatchSemaphore(value: 0)
    /// One signal for each route that was taken while somebody stood with more.
    private let room = DispatchSemaphore(value: 0)

    init(_ tuner: Tuner, threads: Int) {
        self.tuner = tuner
        self.threads = max(1, threads)
        if tuner.clock != nil { state.withLock { $0.times = TuneTimes() } }
        guard self.threads > 1 else { return }
        let queue = DispatchQueue(label: "tune", attributes: .concurrent)
        for _ in 0..<self.threads { queue.async(group: workers) { [self] in workOn() } }
    }

    /// Sees to it that a route is tuned: by another thread, or by this one if there is no other.
    func tune(_ columns: AttemptColumns) {
        guard threads > 1 else { return StageMeter.measure(.choosing) { add(tuner.tune(columns)) } }
        while !isAccepted(columns) { room.wait() }
        work.signal()
    }

    /// Waits until all is done. Nothing may come after it.
    func finish() {
        state.withLock { $0.isFinished = true }
        for _ in 0..<threads { work.signal() }
        workers.wait()
    }

    /// The results, in no particular order.
    var tunings: [RouteTuning] { state.withLock { $0.tunings } }

    /// Where the time of the threads went, if there is a clock.
    var times: TuneTimes? { state.withLock { $0.times } }

    private func isAccepted(_ columns: AttemptColumns) -> Bool {
        state.withLock { state in
            let waiting = state.waiting.reduce(0) { $0 + $1.count }
            guard state.waiting.isEmpty || waiting + columns.count <= Self.mostWaiting else { return false }
            state.waiting.append(columns)
            return true
        }
    }

    private func workOn() {
        measured {
            while true {
                work.wait()
                let next = state.withLock { state in state.waiting.isEmpty ? nil : state.waiting.removeFirst() }
                guard let next else { return }
                room.signal()
                add(tuner.tune(next))
            }
        }
    }

    private func measured(_ body: () -> Void) {
        guard let clock = tuner.clock else { return body() }
        let meter = StageMeter(clock: clock)
        StageMeter.$current.withValue(meter, operation: body)
        let times = meter.times
        state.withLock { $0.times?.add(times) }
    }

    private func add(_ tuning: RouteTuning?) {
        if let tuning { state.withLock { $0.tunings.append(tuning) } }
    }
}
