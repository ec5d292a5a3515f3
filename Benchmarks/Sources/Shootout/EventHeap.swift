import Retry

/// What happens next to a request under way.
struct Event {
    enum Kind {
        case attemptEnded(AttemptResult)
        case limit
        case waitOver
        case hedgeDue
        case hedgeEnded(AttemptResult)
    }

    var timeUs: Int64
    /// Of two events at one time, the one that was planned first comes first.
    var order: Int64 = 0
    var slot: Int
    /// What the request's own count must still be for the event to mean anything.
    var epoch: Int
    var kind: Kind
}

/// A binary heap, earliest first.
struct EventHeap {
    private var heap: [Event] = []
    private var planned: Int64 = 0

    var earliestUs: Int64? { heap.first?.timeUs }

    mutating func push(_ event: Event) {
        planned += 1
        heap.append(event)
        var child = heap.count - 1
        heap[child].order = planned
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Event? {
        guard let last = heap.popLast() else { return nil }
        guard let earliest = heap.first else { return last }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return earliest }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        let (first, second) = (heap[one], heap[other])
        return first.timeUs != second.timeUs ? first.timeUs < second.timeUs : first.order < second.order
    }
}
