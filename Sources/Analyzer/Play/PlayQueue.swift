/// A binary heap of events, earliest first; those of one instant come in the order in which they were put in. Times and
/// places move, the events stay where they were put.
struct PlayQueue<Event> {
    private struct Entry {
        var timeUs: Int64
        var number: Int32
        var slot: Int32

        @inline(__always)
        func isBefore(_ other: Entry) -> Bool {
            timeUs != other.timeUs ? timeUs < other.timeUs : number < other.number
        }
    }

    private var heap: [Entry] = []
    private var slots: [Event] = []
    private var free: [Int32] = []
    private var pushed: Int32 = 0

    /// When the earliest is due.
    var earliestUs: Int64? { heap.first?.timeUs }

    mutating func push(_ event: Event, atUs: Int64) {
        // An empty queue counts anew: numbers only tell apart what waits at the same time.
        if heap.isEmpty { pushed = 0 }
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            slots[Int(slot)] = event
        } else {
            slot = Int32(slots.count)
            slots.append(event)
        }
        let entry = Entry(timeUs: atUs, number: pushed, slot: slot)
        pushed &+= 1
        var hole = heap.count
        heap.append(entry)
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[hole] = heap[parent]
            hole = parent
        }
        heap[hole] = entry
    }

    mutating func popEarliest() -> Event? {
        guard let earliest = heap.first, let last = heap.popLast() else { return nil }
        free.append(earliest.slot)
        if !heap.isEmpty { sink(last) }
        return slots[Int(earliest.slot)]
    }

    /// Fills the hole at the top.
    private mutating func sink(_ entry: Entry) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count && heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = entry
    }
}
