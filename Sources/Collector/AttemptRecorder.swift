import Dispatch
public import Retry
import Synchronization

/// The bounded hand-off from the proxy's event loops to the store.
///
/// `offer` never waits for the disk: it takes a lock that is held only to move a few words. When the hand-off is full,
/// or the recorder was shut down, the attempt is dropped and counted, and the count is written into the store as soon
/// as that can be written again.
public final class AttemptRecorder: AttemptSink, Sendable {
    /// What has become of the attempts so far.
    public struct Counters: Equatable, Sendable {
        /// Attempts handed over, dropped ones included.
        public var offered = 0
        /// Attempts that are durable in the store.
        public var written = 0
        /// Attempts that were given up.
        public var dropped = 0
        /// Flushes that failed; their attempts wait for the next.
        public var writeErrors = 0
        /// Attempts that the store did not take until the end; they are in a file beside it.
        public var unsaved = 0
        /// Attempts that wait.
        public var queued = 0
        /// Why the last flush failed; `nil` when it did not.
        public var lastError: String?
    }

    private struct State {
        var waiting: [Attempt] = []
        /// How many attempts a flush has taken and not yet written.
        var inFlight = 0
        var isOpen = true
        var counters = Counters()
        var drops = Drops()
        /// How many attempts had been written when small segments were last looked at.
        var tidiedAtWritten: Int?
    }

    /// Dropped attempts that the store does not know of yet.
    private struct Drops {
        var count = 0
        var firstStartUs: Int64 = .max
        var lastStartUs: Int64 = .min

        mutating func add(_ startUs: Int64) {
            count += 1
            firstStartUs = min(firstStartUs, startUs)
            lastStartUs = max(lastStartUs, startUs)
        }

        mutating func add(_ other: Drops) {
            count += other.count
            firstStartUs = min(firstStartUs, other.firstStartUs)
            lastStartUs = max(lastStartUs, other.lastStartUs)
        }
    }

    private let store: AttemptStore
    private let capacity: Int
    private let flushInterval: Duration
    private let state: Mutex<State>
    /// What a flush has taken; held for as long as it writes, so that flushes never overlap.
    private let batch = Mutex<[Attempt]>([])
    private let queue = DispatchQueue(label: "meantime.recorder")

    /// A recorder that writes to `store`.
    ///
    /// - Parameters:
    ///   - capacity: how many attempts may wait, those being written included.
    ///   - flushInterval: how often they are written: what `kill -9` may lose.
    public init(store: AttemptStore, capacity: Int = 65_536, flushInterval: Duration = .milliseconds(200)) {
        precondition(capacity > 0, "capacity must be at least 1 (is \(capacity))")
        self.store = store
        self.capacity = capacity
        self.flushInterval = flushInterval
        var state = State()
        state.waiting.reserveCapacity(min(capacity, 4_096))
        self.state = Mutex(state)
    }

    /// Hands an attempt over without ever waiting for the disk; `false`: it was dropped and counted.
    @discardableResult
    public func offer(_ attempt: Attempt) -> Bool {
        state.withLock { state in
            state.counters.offered += 1
            guard state.isOpen, state.waiting.count + state.inFlight < capacity else {
                state.counters.dropped += 1
                state.drops.add(attempt.startUs)
                return false
            }
            state.waiting.append(attempt)
            return true
        }
    }

    /// What has become of the attempts so far.
    public var counters: Counters {
        state.withLock { state in
            var counters = state.counters
            counters.queued = state.waiting.count + state.inFlight
            return counters
        }
    }

    /// Writes what waits, every flush interval, until the task is cancelled or the recorder shut down; then once more.
    ///
    /// Writing happens on a thread of its own: a slow disk holds up neither event loops nor Swift's thread pool. A
    /// failed write is counted and repeated at the next interval.
    ///
    /// - Parameters:
    ///   - clock: what the interval is measured by.
    ///   - onTrouble: is told why nothing can be written, once for as long as the reason is the same, and `nil` when
    ///     writing goes on.
    public func run(
        clock: some Clock<Duration> = ContinuousClock(), onTrouble: @Sendable (String?) -> Void = { _ in }
    ) async {
        var told: String?
        while isOpen {
            do { try await clock.sleep(for: flushInterval) } catch { break }
            await flushOnQueue(tidying: true)
            let problem = state.withLock { $0.counters.lastError }
            if problem != told { onTrouble(problem) }
            told = problem
        }
        await flushOnQueue(tidying: false)
    }

    /// Writes what waits now. The caller waits for the disk.
    ///
    /// - Throws: why nothing could be written; the attempts wait for the next flush.
    public func flush() throws(StoreError) {
        do throws(StoreError) {
            try batch.withLock { (batch) throws(StoreError) in try write(&batch) }
            state.withLock { $0.counters.lastError = nil }
        } catch {
            state.withLock { state in
                state.counters.writeErrors += 1
                state.counters.lastError = error.description
            }
            throw error
        }
    }

    /// Takes no more attempts, writes what waits, and seals the tail when it is worth a segment. The caller waits.
    ///
    /// What cannot be written goes to a file beside the store, which the error names and
    /// `meantime import --format attempts` reads.
    ///
    /// - Parameter busyLimit: how long to try again while another process holds the store. A try that has begun is
    ///   waited for, which takes up to five seconds more.
    /// - Throws: why the store took nothing, and where the attempts are; only if that file cannot be written either are
    ///   they still here, and calling again tries again.
    public func shutdown(busyLimit: Duration = .seconds(10)) throws(StoreError) {
        state.withLock { $0.isOpen = false }
        let end = ContinuousClock.now + busyLimit
        var failure = tryFlush()
        while let busy = failure, busy.code == .busy, ContinuousClock.now < end { failure = tryFlush() }
        if let failure { throw saveElsewhere(failure) }
        try store.seal(minimumRows: AttemptStore.minimumSegmentRows)
    }

    private func tryFlush() -> StoreError? {
        do throws(StoreError) {
            try flush()
            return nil
        } catch {
            return error
        }
    }

    /// Writes what waits to a file beside the store; gives the failure with what became of the attempts.
    private func saveElsewhere(_ failure: StoreError) -> StoreError {
        batch.withLock { batch in
            state.withLock { state in
                batch += state.waiting
                state.waiting.removeAll()
                state.inFlight = batch.count
            }
            if batch.isEmpty { return failure }
            var failure = failure
            do throws(StoreError) {
                let file = try UnsavedFile.write(batch, store: store.path)
                failure.message +=
                    "; \(batch.count) attempts are in \(file): add them with meantime import --format attempts"
                state.withLock { state in
                    state.counters.unsaved += batch.count
                    state.inFlight = 0
                }
                batch.removeAll()
            } catch {
                failure.message += "; \(batch.count) attempts are nowhere on the disk, for \(error)"
            }
            state.withLock { $0.counters.lastError = failure.description }
            return failure
        }
    }

    /// Whether attempts have been taken and not yet written.
    var isFlushing: Bool { state.withLock { $0.inFlight > 0 } }

    private var isOpen: Bool { state.withLock { $0.isOpen } }

    private func flushOnQueue(tidying: Bool) async {
        await withCheckedContinuation { continuation in
            queue.async {
                // The error is in the counters, for whoever watches.
                try? self.flush()
                if tidying { self.tidyIfDue() }
                continuation.resume()
            }
        }
    }

    /// Has small segments merged: once at the beginning, for each restart leaves one, and then as often as the tail
    /// fills a segment. Nothing is lost when it fails; it is tried again at the next such time.
    func tidyIfDue() {
        let isDue = state.withLock { state in
            let since = state.tidiedAtWritten.map { state.counters.written - $0 }
            guard since.map({ $0 >= store.sealAfterRows }) ?? true else { return false }
            state.tidiedAtWritten = state.counters.written
            return true
        }
        if isDue { _ = try? store.tidy() }
    }

    private func write(_ batch: inout [Attempt]) throws(StoreError) {
        // What an earlier flush could not write goes first, then what came since.
        try append(&batch)
        state.withLock { state in
            // The emptied batch becomes the next hand-off: its room is used again.
            swap(&state.waiting, &batch)
            state.inFlight = batch.count
        }
        try append(&batch)
        try recordDrops()
    }

    private func append(_ batch: inout [Attempt]) throws(StoreError) {
        if batch.isEmpty { return }
        try store.append(batch)
        let count = batch.count
        state.withLock { state in
            state.counters.written += count
            state.inFlight = 0
        }
        batch.removeAll(keepingCapacity: true)
    }

    private func recordDrops() throws(StoreError) {
        let drops = state.withLock { state in
            let drops = state.drops
            state.drops = Drops()
            return drops
        }
        if drops.count == 0 { return }
        do throws(StoreError) {
            try store.recordDropped(
                count: drops.count, fromUs: drops.firstStartUs, toUs: drops.lastStartUs,
                reason: "the hand-off to the store was full or closed")
        } catch {
            state.withLock { $0.drops.add(drops) }
            throw error
        }
    }
}
