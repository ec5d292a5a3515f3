import Retry

/// Finds out when a budget might refuse something, from what would be asked of it if it never did.
///
/// A refused retry asks no further, so what is granted in any window is at most what would be asked in it if all were
/// granted. Where even that stays below the cap, nothing is refused, and rows need not be played in the order of time.
/// Time is cut into bins of 1/16 of the shortest window; a window is taken as all bins that it touches, so this errs on
/// the side of danger only.
struct AskWatch {
    /// By place among the ends and budget: the stretches of time whose asks decide what might be refused.
    private var dangersUs: [[Range<Int64>]]

    private struct Window {
        let policy: BudgetPolicy
        let windowUs: Int64
        /// How many bins a window touches.
        let bins: Int
        let floor: Double
    }

    private let tree: RuleTree
    private let ends: [Int]
    private let rows: PlayedRows
    /// The budgets that are looked out for.
    var policies: [BudgetPolicy] { windows.map(\.policy) }
    private let windows: [Window]
    private let binUs: Int64
    /// No request asks later than this after its start.
    private let reachUs: Int64
    private let longestUs: Int64
    private let ring: Int
    /// Whether the row at each place of the order may have to do with a refusal.
    private var isWatched: [Bool] = []
    private var isWatching = false
    /// Asked by bin and node, in a ring of bins.
    private var asked: [Float] = []
    /// Whether anything was asked, in the same ring.
    private var isAsked: [Bool] = []
    /// What was asked along the paths, summed over the bins so far.
    private var summed: [Double] = []
    private var along: [Double] = []
    private var finished: Int64 = 0
    private var newest: Int64 = 0

    /// A rule without a total limit, or with a longer one, is played through its budget throughout.
    private static let longestReachUs: Int64 = 600_000_000
    /// What is asked is rounded, and the budget counts in millionths.
    private static let margin = 0.999

    init(_ tree: RuleTree, on rows: PlayedRows, policies: [BudgetPolicy]) {
        self.tree = tree
        self.rows = rows
        ends = Set(tree.ends.filter { $0 > 0 }).sorted()
        let lengths = policies.map { max(64, $0.windowUs) }
        let bin = max(1, (lengths.min() ?? 64) / 16)
        windows = zip(policies, lengths).map { policy, windowUs in
            Window(
                policy: policy, windowUs: windowUs, bins: Int((windowUs + windowUs / 64) / bin) + 2,
                floor: policy.minPerSecond * Double(windowUs) * 1e-6)
        }
        binUs = bin
        longestUs = (lengths.max() ?? 64) / 63 * 64 + 64
        reachUs = min(tree.rule.timeoutUs ?? .max, Self.longestReachUs)
        ring = Int(min((longestUs + reachUs) / bin, 1 << 24)) + 4
        dangersUs = Array(repeating: [], count: ends.count * policies.count)
        if isUnbounded { for place in dangersUs.indices { dangersUs[place] = [Int64.min..<Int64.max] } }
    }

    /// The stretches of time whose asks decide what budgets might refuse to rules that end at a node; none is empty.
    func dangersUs(_ end: Int) -> [BudgetPolicy: [Range<Int64>]] {
        guard let place = ends.firstIndex(of: end) else { return [:] }
        let found = windows.indices.map { (windows[$0].policy, dangersUs[place * windows.count + $0]) }
        return Dictionary(found.filter { !$0.1.isEmpty }) { one, _ in one }
    }

    private var isIdle: Bool { windows.isEmpty || ends.isEmpty || isUnbounded }

    private var isUnbounded: Bool { reachUs >= Self.longestReachUs || ring * tree.parents.count > 1 << 24 }

    /// Marks the rows that are so close together that they might ask for more than any budget always grants.
    mutating func mark(_ begun: BegunRows) {
        isWatched = Array(repeating: false, count: rows.order.count)
        if isIdle { return }
        let most = Double(tree.mostRetries)
        let floor = (windows.map(\.floor).min() ?? 0) * Self.margin
        let spanUs = longestUs + reachUs
        var (weight, oldest, marked) = (0.0, 0, 0)
        func first(_ open: Int) -> Int { Int(rows.order[Int(begun.open[open])]) }
        for open in begun.open.indices {
            weight += begun.starts[first(open)].retriedWeight
            let startUs = rows.firsts[first(open)].startUs
            while rows.firsts[first(oldest)].startUs < startUs - spanUs {
                weight -= begun.starts[first(oldest)].retriedWeight
                oldest += 1
            }
            guard weight * most > floor else { continue }
            for near in max(oldest, marked)...open { isWatched[Int(begun.open[near])] = true }
            marked = open + 1
        }
    }

    /// The row at this place of the order begins.
    mutating func begin(_ place: Int) {
        guard isWatched[place] else { return finish() }
        let bin = rows.firsts[Int(rows.order[place])].startUs.floorDivided(by: binUs)
        if isWatching && bin - finished < ring {
            while finished + 1 < bin { close(finished + 1) }
            return
        }
        finish()
        isWatching = true
        asked = Array(repeating: 0, count: ring * tree.parents.count)
        isAsked = Array(repeating: false, count: ring)
        summed = Array(repeating: 0, count: ring * tree.parents.count)
        along = Array(repeating: 0, count: tree.parents.count)
        (finished, newest) = (bin - 1, bin - 1)
    }

    /// A retry is asked for.
    @inline(__always)
    mutating func ask(_ weight: Double, atUs: Int64, _ node: Int) {
        guard isWatching else { return }
        let bin = atUs.floorDivided(by: binUs)
        newest = max(newest, bin)
        let slot = slot(bin)
        isAsked[slot] = true
        asked[slot * tree.parents.count + node] += Float(weight)
    }

    /// No more rows for now.
    mutating func finish() {
        guard isWatching else { return }
        while finished < newest { close(finished + 1) }
        isWatching = false
    }

    @inline(__always)
    private func slot(_ bin: Int64) -> Int {
        let slot = Int(bin % Int64(ring))
        return slot < 0 ? slot + ring : slot
    }

    /// Nobody asks in this bin any more: may the windows that end in it be too full?
    private mutating func close(_ bin: Int64) {
        finished = bin
        let nodes = tree.parents.count
        let (here, before) = (slot(bin) * nodes, slot(bin - 1) * nodes)
        // Where nobody asked, nobody is refused.
        guard isAsked[slot(bin)] else {
            summed.withUnsafeMutableBufferPointer { summed in
                for node in 0..<nodes { summed[here + node] = summed[before + node] }
            }
            return
        }
        isAsked[slot(bin)] = false
        add(here, before)
        for (number, window) in windows.enumerated() {
            // What lies before the ring was reset, or before the watch began, is zero.
            let since = slot(bin - Int64(window.bins)) * nodes
            let floor = window.floor * Self.margin
            let full = summed.withUnsafeBufferPointer { summed in
                ends.indices.filter { summed[here + ends[$0]] - summed[since + ends[$0]] > floor }
            }
            if full.isEmpty { continue }
            let most = max(window.floor, ratioCap(window, bin)) * Self.margin
            for end in full where summed[here + ends[end]] - summed[since + ends[end]] > most {
                note(end * windows.count + number, window, bin)
            }
        }
    }

    /// The sums of one bin, from those of the bin before.
    private mutating func add(_ here: Int, _ before: Int) {
        tree.parents.withUnsafeBufferPointer { parents in
            along.withUnsafeMutableBufferPointer { along in
                asked.withUnsafeMutableBufferPointer { asked in
                    summed.withUnsafeMutableBufferPointer { summed in
                        for node in 1..<parents.count {
                            let sum = along[Int(parents[node])] + Double(asked[here + node])
                            along[node] = sum
                            summed[here + node] = summed[before + node] + sum
                            asked[here + node] = 0
                        }
                    }
                }
            }
        }
    }

    /// The least that the requests of the window allow at any instant of a bin.
    private func ratioCap(_ window: Window, _ bin: Int64) -> Double {
        let fromUs = (bin + 1) * binUs - window.windowUs + window.windowUs / 64 + 1
        return window.policy.ratio * Double(rows.requests(fromUs: fromUs, toUs: bin * binUs))
    }

    private mutating func note(_ place: Int, _ window: Window, _ bin: Int64) {
        let range = (bin - Int64(window.bins)) * binUs - reachUs..<(bin + 1) * binUs
        if let last = dangersUs[place].last, range.lowerBound <= last.upperBound {
            dangersUs[place][dangersUs[place].count - 1] = last.lowerBound..<range.upperBound
        } else {
            dangersUs[place].append(range)
        }
    }
}

extension AttemptPlay.Start {
    /// How much of the row may be retried.
    var retriedWeight: Double {
        let first = (fate.first.isTimeout ? retries.isAfterTimeout : retries.isAfterFailure) ? fate.first.weight : 0
        let second = (fate.second.isTimeout ? retries.isAfterTimeout : retries.isAfterFailure) ? fate.second.weight : 0
        return first + second
    }
}

extension Int64 {
    @inline(__always)
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self < 0 && quotient * divisor != self ? quotient - 1 : quotient
    }
}
