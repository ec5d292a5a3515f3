import Retry

/// Plays all rules of a tree on the recorded requests of a route as if no budget refused anything, and notes where one
/// might have.
///
/// A price is a sum of products along the rule's schedule, without sampling noise that an optimiser could exploit; the
/// sums of a retry are kept at its node, so that what rules have in common is worked out once. Outages are played at
/// four lengths at once: when and where a retry is sent does not depend on them, only its chance. methods: pricing
struct TreePlay {
    /// What a node adds to the rules that pass it, and to those that end there.
    struct Sums {
        /// Cost of what is settled by this retry, by stretch, microseconds.
        var costUs = SIMD4<Double>.zero
        /// Cost of what is left over for those that end here, by stretch, microseconds.
        var endCostUs = SIMD4<Double>.zero
        /// Retries asked for, and sent.
        var asked = 0.0
        /// Requests answered in time by it.
        var successes = 0.0
    }

    /// What has ended and may go on; weights by stretch.
    private struct Branch {
        var weights: SIMD4<Double>
        var atUs: Int64
        var isTimeout: Bool
        var isOwn: Bool
        var isSeenAgain: Bool
    }

    let tree: RuleTree
    let play: AttemptPlay
    private let rows: PlayedRows
    private let begun: BegunRows
    private let stretches: PlayedStretches
    private var sums: [Sums]
    private var watch: AskWatch

    /// The row that is being played.
    private struct Row {
        let first: RouteFacts.First
        let retries: AttemptPlay.Retries
        let deadlineUs: Int64
        let isStretched: Bool
        /// Where the sums of its unit begin.
        let offset: Int
    }

    // Of its attempts.
    private var hosts: [Int]
    private var chances: [Double]
    private var branches: [Branch] = []

    /// - Parameters:
    ///   - begun: what becomes of the first attempts.
    ///   - policies: the budgets that may refuse something.
    init?(
        _ tree: RuleTree, _ play: AttemptPlay, on rows: PlayedRows, _ begun: BegunRows,
        watching policies: [BudgetPolicy], at stretches: PlayedStretches = .usual
    ) {
        if rows.firsts.isEmpty { return nil }
        self.tree = tree
        self.play = play
        self.rows = rows
        self.begun = begun
        self.stretches = stretches
        sums = Array(repeating: Sums(), count: tree.parents.count * rows.facts.units)
        hosts = Array(repeating: 0, count: tree.mostRetries + 2)
        chances = Array(repeating: 0, count: tree.mostRetries + 2)
        branches.reserveCapacity(64)
        watch = AskWatch(tree, on: rows, policies: policies)
    }

    /// Plays every row, or those of outages.
    mutating func run(onlyOutages: Bool = false) {
        watch.mark(begun)
        for (unit, settled) in begun.settled.enumerated() {
            sums[unit * tree.parents.count].costUs = SIMD4(repeating: settled.costUs)
            sums[unit * tree.parents.count].successes = settled.success
        }
        for place in onlyOutages ? begun.openInOutages : begun.open {
            let number = Int(rows.order[Int(place)])
            let (start, first) = (begun.starts[number], rows.firsts[number])
            let row = Row(
                first: first, retries: start.retries, deadlineUs: play.deadlineUs(first),
                isStretched: !stretches.isUsual && rows.isOutage[first.unit], offset: first.unit * tree.parents.count)
            follow(row, start.fate, number, Int(place))
        }
        watch.finish()
    }

    private mutating func follow(_ row: Row, _ fate: AttemptPlay.Fate, _ number: Int, _ place: Int) {
        for ended in [fate.first, fate.second] where ended.weight > 0 {
            branches.append(
                Branch(
                    weights: SIMD4(repeating: ended.weight), atUs: ended.atUs, isTimeout: ended.isTimeout,
                    isOwn: ended.isOwn, isSeenAgain: ended.isSeenAgain))
        }
        let cost = failureCostUs(row, 0..<branches.count)
        sums[row.offset].endCostUs += cost
        let places = tree.places(after: 0)
        if !places.isEmpty && (row.retries.isAfterFailure || row.retries.isAfterTimeout) {
            prepare(row, number)
            watch.begin(place)
            walk(row, 0, attempt: 1, from: 0..<branches.count)
        } else {
            for place in places { sums[row.offset + Int(tree.children[place])].costUs += cost }
        }
        branches.removeAll(keepingCapacity: true)
    }

    /// Hosts and chances of all attempts of a row: they do not depend on the waits.
    private mutating func prepare(_ row: Row, _ number: Int) {
        var tried: UInt64 = 1 << UInt64(row.first.host & 63)
        var last = row.first.host
        for attempt in 1...tree.mostRetries {
            chances[attempt] = AttemptPlay.spread(row: number, attempt: attempt)
            last = play.pickHost(row: number, attempt: attempt + 1, tried: tried, last: last)
            tried |= 1 << UInt64(last & 63)
            hosts[attempt + 1] = last
        }
    }

    /// Lets every child of a node retry what is left over at it.
    private mutating func walk(_ row: Row, _ node: Int, attempt: Int, from range: Range<Int>) {
        for place in tree.places(after: node) {
            let child = Int(tree.children[place])
            let waitUs = tree.pauses[child].us(unit: chances[attempt])
            var sum = Sums()
            let base = branches.count
            for index in range { retry(row, branches[index], child, attempt, waitUs, &sum) }
            sum.endCostUs = failureCostUs(row, base..<branches.count)
            sums[row.offset + child] += sum
            if branches.count > base {
                if !tree.places(after: child).isEmpty {
                    walk(row, child, attempt: attempt + 1, from: base..<branches.count)
                }
                branches.removeLast(branches.count - base)
            }
        }
    }

    @inline(__always)
    private mutating func retry(
        _ row: Row, _ last: Branch, _ node: Int, _ attempt: Int, _ waitUs: Int64, _ sum: inout Sums
    ) {
        let nextUs = row.retries.nextUs(
            afterTimeout: last.isTimeout, atUs: last.atUs, waitUs: waitUs, deadlineUs: row.deadlineUs)
        guard let nowUs = nextUs else {
            sum.costUs += last.weights * play.failureCostUs(row.first, atUs: last.atUs)
            return
        }
        watch.ask(last.weights[stretches.usual], atUs: last.atUs, node)
        sum.asked += last.weights[stretches.usual]
        let host = hosts[attempt + 1]
        let sending = play.sending(
            row.first, isOwn: last.isOwn, isSeenAgain: last.isSeenAgain, host: host, nowUs: nowUs,
            deadlineUs: row.deadlineUs)
        let chances = chances(row, of: host, atUs: nowUs)
        let answered = last.weights * chances
        let success = answered * sending.inTime
        if sending.isSuccess { sum.successes += success[stretches.usual] }
        sum.costUs += last.weights * play.attemptCostUs + success * sending.inTimeCostUs
        sum.costUs += answered * sending.lateCostUs
        var next = last
        next.isTimeout = true
        if sending.cut > 0 { goOn(row, answered * sending.cut, sending.cutAtUs, &next, &sum) }
        if let failsAtUs = sending.failsAtUs {
            next.isTimeout = sending.isFailureTimeout
            goOn(row, last.weights * (1 - chances), failsAtUs, &next, &sum)
        } else {
            sum.costUs += last.weights * (1 - chances) * play.lostCostUs
        }
    }

    /// P(the host answers at all), by stretch: in an outage that lasts longer, a request meets the states of hosts as
    /// if time passed so much more slowly since it began.
    @inline(__always)
    private func chances(_ row: Row, of host: Int, atUs nowUs: Int64) -> SIMD4<Double> {
        if !row.isStretched { return SIMD4(repeating: play.answered(host, atUs: nowUs)) }
        let elapsed = stretches.paces * Double(nowUs &- row.first.startUs)
        let whole = SIMD4(Int64(elapsed[0]), Int64(elapsed[1]), Int64(elapsed[2]), Int64(elapsed[3]))
        return play.answered(host, atUs: row.first.startUs &+ whole)
    }

    /// What is too rare is settled here.
    @inline(__always)
    private mutating func goOn(
        _ row: Row, _ weights: SIMD4<Double>, _ atUs: Int64, _ next: inout Branch, _ sum: inout Sums
    ) {
        let isRare = weights .<= AttemptPlay.leastWeight
        next.weights = weights.replacing(with: 0, where: isRare)
        if any(isRare) { sum.costUs += (weights - next.weights) * play.failureCostUs(row.first, atUs: atUs) }
        if all(isRare) { return }
        next.atUs = atUs
        branches.append(next)
    }

    private func failureCostUs(_ row: Row, _ range: Range<Int>) -> SIMD4<Double> {
        var cost = SIMD4<Double>.zero
        for index in range {
            cost += branches[index].weights * play.failureCostUs(row.first, atUs: branches[index].atUs)
        }
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
                sums[first + node].successes += passed.successes
                sums[first + node].asked += passed.asked
            }
        }
        return tree.ends.map { end in
            var found = FreeTotals(facts, watched: watch.policies, dangersUs: watch.dangersUs(end))
            for unit in 0..<facts.units {
                let sum = sums[unit * nodes + end]
                let costUs = sum.costUs + sum.endCostUs
                found.totals.costUs[unit] += costUs[stretches.usual]
                found.stretchedUs[unit] += costUs
                found.totals.successes[unit] += sum.successes
                found.totals.extra[unit] = sum.asked
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
        sums.endCostUs += other.endCostUs
        sums.asked += other.asked
        sums.successes += other.successes
    }
}

/// What a rule costs as long as no budget refuses anything.
struct FreeTotals {
    var totals: UnitTotals
    /// Cost by unit at each of the lengths at which outages were played, microseconds.
    var stretchedUs: [SIMD4<Double>]
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
        stretchedUs = facts.fixedCostUs.map { SIMD4(repeating: $0) }
        totals.successes = facts.fixedSuccesses
        asked = Array(repeating: 0, count: facts.units)
        self.watched = watched
        self.dangersUs = dangersUs
    }
}
