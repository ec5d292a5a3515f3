import Retry

/// Plays all rules of a tree on the recorded requests of a route as if no budget refused anything, and notes where one
/// might have.
///
/// A price is a sum of products along the rule's schedule, without sampling noise that an optimiser could exploit; the
/// sums of a retry are kept at its node, so that what rules have in common is worked out once. methods: pricing
struct TreePlay {
    /// What a node adds to the rules that pass it, and to those that end there.
    struct Sums {
        /// Cost of what is settled by this retry, microseconds.
        var costUs = 0.0
        /// Retries sent.
        var extra = 0.0
        /// Requests answered in time by it.
        var successes = 0.0
        /// Retries asked for.
        var asked = 0.0
        /// Cost of what is left over for those that end here, microseconds.
        var endCostUs = 0.0
    }

    let tree: RuleTree
    let play: AttemptPlay
    private let rows: PlayedRows
    private let begun: BegunRows
    private var sums: [Sums]
    private var watch: AskWatch

    // The row that is being played.
    private var first: RouteFacts.First
    private var start = AttemptPlay.Start()
    private var deadlineUs: Int64 = 0
    private var hosts: [Int]
    private var chances: [Double]
    private var branches: [AttemptPlay.Ended] = []
    private var offset = 0

    /// - Parameters:
    ///   - begun: what becomes of the first attempts.
    ///   - policies: the budgets that may refuse something.
    init?(
        _ tree: RuleTree, _ play: AttemptPlay, on rows: PlayedRows, _ begun: BegunRows,
        watching policies: [BudgetPolicy]
    ) {
        guard let any = rows.firsts.first else { return nil }
        self.tree = tree
        self.play = play
        self.rows = rows
        self.begun = begun
        first = any
        sums = Array(repeating: Sums(), count: tree.parents.count * rows.facts.units)
        hosts = Array(repeating: 0, count: tree.mostRetries + 2)
        chances = Array(repeating: 0, count: tree.mostRetries + 2)
        branches.reserveCapacity(64)
        watch = AskWatch(tree, on: rows, policies: policies)
    }

    /// Plays every row.
    mutating func run() {
        watch.mark(begun)
        for (unit, settled) in begun.settled.enumerated() {
            sums[unit * tree.parents.count].costUs = settled.costUs
            sums[unit * tree.parents.count].successes = settled.success
        }
        for place in begun.open {
            let row = Int(rows.order[Int(place)])
            start = begun.starts[row]
            first = rows.firsts[row]
            offset = first.unit * tree.parents.count
            follow(row, Int(place))
        }
        watch.finish()
    }

    private mutating func follow(_ row: Int, _ place: Int) {
        branches.append(start.fate.first)
        if start.fate.second.weight > 0 { branches.append(start.fate.second) }
        sums[offset].endCostUs += failureCostUs(0..<branches.count)
        let places = tree.places(after: 0)
        if !places.isEmpty && (start.isFailureRetried || start.isTimeoutRetried) {
            prepare(row)
            watch.begin(place)
            walk(0, attempt: 1, from: 0..<branches.count)
        } else {
            let cost = failureCostUs(0..<branches.count)
            for place in places { sums[offset + Int(tree.children[place])].costUs += cost }
        }
        branches.removeAll(keepingCapacity: true)
    }

    /// Hosts and chances of all attempts of a row: they do not depend on the waits.
    private mutating func prepare(_ row: Int) {
        deadlineUs = play.deadlineUs(first)
        var tried: UInt64 = 1 << UInt64(first.host & 63)
        var last = first.host
        for attempt in 1...tree.mostRetries {
            chances[attempt] = AttemptPlay.spread(row: row, attempt: attempt)
            last = play.pickHost(row: row, attempt: attempt + 1, tried: tried, last: last)
            tried |= 1 << UInt64(last & 63)
            hosts[attempt + 1] = last
        }
    }

    /// Lets every child of a node retry what is left over at it.
    private mutating func walk(_ node: Int, attempt: Int, from range: Range<Int>) {
        for place in tree.places(after: node) {
            let child = Int(tree.children[place])
            let pause = tree.pauses[child]
            let waitUs = pause.us(unit: chances[attempt])
            var sum = Sums()
            let base = branches.count
            for index in range { retry(branches[index], child, attempt, waitUs, &sum) }
            sum.endCostUs = failureCostUs(base..<branches.count)
            sums[offset + child] += sum
            if branches.count > base {
                if !tree.places(after: child).isEmpty { walk(child, attempt: attempt + 1, from: base..<branches.count) }
                branches.removeLast(branches.count - base)
            }
        }
    }

    @inline(__always)
    private mutating func retry(
        _ ended: AttemptPlay.Ended, _ node: Int, _ attempt: Int, _ waitUs: Int64, _ sum: inout Sums
    ) {
        let isRetried = ended.isTimeout ? start.isTimeoutRetried : start.isFailureRetried
        let (untilUs, overflow) = ended.atUs.addingReportingOverflow(
            ended.isTimeout ? waitUs : max(waitUs, start.retryAfterUs))
        if !isRetried || overflow || untilUs >= deadlineUs {
            sum.costUs += ended.weight * play.failureCostUs(first, atUs: ended.atUs)
            return
        }
        watch.ask(ended.weight, atUs: ended.atUs, node)
        sum.asked += ended.weight
        sum.extra += ended.weight
        let fate = play.send(
            first, ended, host: hosts[attempt + 1], nowUs: untilUs, deadlineUs: deadlineUs)
        sum.costUs += fate.costUs
        sum.successes += fate.success
        if fate.first.weight > 0 { branches.append(fate.first) }
        if fate.second.weight > 0 { branches.append(fate.second) }
    }

    private func failureCostUs(_ range: Range<Int>) -> Double {
        var cost = 0.0
        for index in range { cost += branches[index].weight * play.failureCostUs(first, atUs: branches[index].atUs) }
        return cost
    }

    // MARK: Results

    /// What each rule of the tree costs, unit by unit, and when a budget might have refused it something. Only once.
    mutating func totals() -> [FreeTotals] {
        let (facts, nodes) = (rows.facts, tree.parents.count)
        for unit in 0..<facts.units {
            let first = unit * nodes
            for node in 1..<max(1, nodes) {
                let passed = sums[first + Int(tree.parents[node])]
                sums[first + node].costUs += passed.costUs
                sums[first + node].extra += passed.extra
                sums[first + node].successes += passed.successes
                sums[first + node].asked += passed.asked
            }
        }
        return tree.ends.map { end in
            var found = FreeTotals(facts, watched: watch.policies, dangersUs: watch.dangersUs[end] ?? [:])
            for unit in 0..<facts.units {
                let sum = sums[unit * nodes + end]
                found.totals.costUs[unit] += sum.costUs + sum.endCostUs
                found.totals.successes[unit] += sum.successes
                found.totals.extra[unit] = sum.extra
                found.asked[unit] = sum.asked
            }
            return found
        }
    }
}

extension TreePlay.Sums {
    @inline(__always)
    static func += (sums: inout Self, other: Self) {
        sums.costUs += other.costUs
        sums.extra += other.extra
        sums.successes += other.successes
        sums.asked += other.asked
        sums.endCostUs += other.endCostUs
    }
}

/// What a rule costs as long as no budget refuses anything.
struct FreeTotals {
    var totals: UnitTotals
    /// Retries asked for, by unit.
    var asked: [Double]
    /// The budgets that were looked out for.
    let watched: [BudgetPolicy]
    /// When one of these might refuse something: it refuses nothing to requests that begin outside of these stretches.
    let dangersUs: [BudgetPolicy: [Range<Int64>]]

    /// Before any row whose course depends on the rule.
    init(_ facts: RouteFacts, watched: [BudgetPolicy], dangersUs: [BudgetPolicy: [Range<Int64>]] = [:]) {
        totals = UnitTotals(units: facts.units)
        totals.costUs = facts.fixedCostUs
        totals.successes = facts.fixedSuccesses
        asked = Array(repeating: 0, count: facts.units)
        self.watched = watched
        self.dangersUs = dangersUs
    }
}
