import Synchronization

/// Hands the chunks of a plan out to several threads, each chunk once: the segments oldest first, then the tail.
///
/// One chunk is read at a time, for there is one connection; it is decoded outside of the lock.
final class ChunkFeed: Sendable {
    private struct State {
        var next = 0
        var damage: [SegmentDamage]
        var failure: StoreError?
    }

    private let plan: ScanPlan
    private let columns: [Column]
    private let state: Mutex<State>

    init(_ plan: ScanPlan, columns: [Column]) {
        self.plan = plan
        self.columns = columns
        state = Mutex(State(damage: plan.damage))
    }

    /// The next chunk; `nil` at the end, and after a failure of the store.
    func next() -> ScanChunk? {
        state.withLock { state in
            while state.failure == nil, state.next < plan.entries.count {
                let entry = plan.entries[state.next]
                state.next += 1
                do throws(StoreError) {
                    switch try plan.chunk(entry, columns: columns) {
                    case .success(let chunk): return chunk
                    case .failure(let error): state.damage.append(entry.damage(error.reason))
                    }
                } catch {
                    state.failure = error
                }
            }
            guard state.failure == nil, state.next == plan.entries.count else { return nil }
            state.next += 1
            return plan.tail
        }
    }

    /// Takes note that a chunk turned out to be damaged after it was handed out.
    func found(_ damage: SegmentDamage?) {
        if let damage { state.withLock { $0.damage.append(damage) } }
    }

    /// The damage met so far; throws what ended the feed early.
    func end() throws(StoreError) -> [SegmentDamage] {
        let (damage, failure) = state.withLock { ($0.damage, $0.failure) }
        if let failure { throw failure }
        return damage
    }
}
