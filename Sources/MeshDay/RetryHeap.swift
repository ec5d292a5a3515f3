/// Attempts that are to come, the earliest first: as many as there are requests between two attempts at one moment.
struct RetryHeap: Sendable {
    /// A retry that has been decided on.
    struct Pending: Sendable {
        var startUs: Int64
        var requestStartUs: Int64
        var request: UInt64
        var waitUs: Int64
        var route: Int32
        /// Where the attempt before ran; -1 before the first.
        var formerHost: Int32
        var attempt: Int32
        var method: Int32
    }

    private var items: [Pending] = []

    var first: Pending? { items.first }

    mutating func insert(_ item: Pending) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.isEarlier(items[child], items[parent]) else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < items.count && Self.isEarlier(items[child], items[least]) {
                least = child
            }
            if least == parent { return }
            items.swapAt(parent, least)
            parent = least
        }
    }

    private static func isEarlier(_ left: Pending, _ right: Pending) -> Bool {
        (left.startUs, left.attempt, left.request) < (right.startUs, right.attempt, right.request)
    }
}
