import Synchronization

/// Segments that were read lately: who comes back soon need not read and check them again. Segments never change.
final class SegmentCache: Sendable {
    private struct State {
        var segments: [Int64: (segment: Segment, used: Int)] = [:]
        var bytes = 0
        var clock = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func segment(_ id: Int64) -> Segment? {
        state.withLock { state in
            state.clock += 1
            state.segments[id]?.used = state.clock
            return state.segments[id]?.segment
        }
    }

    func keep(_ segment: Segment, id: Int64) {
        state.withLock { state in
            guard state.segments[id] == nil, segment.size <= limit else { return }
            while state.bytes + segment.size > limit,
                let oldest = state.segments.min(by: { $0.value.used < $1.value.used })
            {
                state.bytes -= oldest.value.segment.size
                state.segments[oldest.key] = nil
            }
            state.clock += 1
            state.segments[id] = (segment, state.clock)
            state.bytes += segment.size
        }
    }
}
