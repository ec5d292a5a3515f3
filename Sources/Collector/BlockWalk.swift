/// The blocks of a column: at most `limit` rows each; none crosses the end of a run, where runs are given.
struct BlockWalk {
    private let count: Int
    private let limit: Int
    /// Where each route's rows end, ascending, the last one at `count`; `nil`: blocks are cut by number alone.
    private let runEnds: [Int32]?
    private var start = 0
    private var run = 0

    init(count: Int, limit: Int, runEnds: [Int32]?) {
        self.count = count
        self.limit = limit
        self.runEnds = runEnds
    }

    mutating func next() -> Range<Int>? {
        if start >= count { return nil }
        var end = min(start + limit, count)
        if let runEnds {
            while runEnds[run] <= start { run += 1 }
            end = min(end, Int(runEnds[run]))
        }
        defer { start = end }
        return start..<end
    }

    /// The most blocks that there can be.
    var most: Int { count / limit + 1 + (runEnds?.count ?? 0) }
}
