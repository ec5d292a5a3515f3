import Retry

/// Rules that differ in their waits alone, as a tree: a retry of one rule is a retry of every rule that begins with the
/// same waits, so it is played once for all of them. The budget is not looked at here.
struct RuleTree {
    /// What the rules of a tree share.
    struct Frame: Hashable {
        let timeoutUs: Int64?
        let perTryTimeoutUs: Int64?
        let on: [RetryCondition]
        let host: HostChoice
        let retryAfter: RetryAfterPolicy

        init(_ rule: Rule) {
            timeoutUs = rule.timeoutUs
            perTryTimeoutUs = rule.perTryTimeoutUs
            on = rule.retry?.on ?? []
            host = rule.retry?.host ?? .any
            retryAfter = rule.retry?.retryAfter ?? .heed
        }
    }

    /// One of the rules; all others differ from it in their waits and in the number of their retries.
    let rule: Rule
    /// The node before each; −1 for the root, the end of the first attempt. A parent stands before its children.
    private(set) var parents: [Int32] = [-1]
    /// The wait that each node stands for.
    private(set) var pauses: [Backoff.Pause] = [.exact(0)]
    /// The nodes after each stand here side by side: those of node *n* from `firstChild[n]` to `firstChild[n + 1]`.
    private(set) var children: [Int32] = []
    /// See `children`.
    private(set) var firstChild: [Int32] = []
    /// Where each rule ends.
    private(set) var ends: [Int] = []
    /// The most retries of any.
    private(set) var mostRetries = 0

    /// - Precondition: the rules have one frame.
    init(_ rules: [Rule]) {
        precondition(!rules.isEmpty, "a tree is made of rules")
        // The one that retries says what is retried.
        rule = rules.first { $0.retry != nil } ?? rules[0]
        var following: [[Int32]] = [[]]
        for one in rules { ends.append(place(one, &following)) }
        for list in following {
            firstChild.append(Int32(children.count))
            children += list
        }
        firstChild.append(Int32(children.count))
    }

    private mutating func place(_ rule: Rule, _ following: inout [[Int32]]) -> Int {
        guard let retry = rule.retry else { return 0 }
        var node = 0
        for number in 0..<retry.maxRetries {
            let pause = retry.backoff.pause(retry: number + 1)
            if let known = following[node].first(where: { pauses[Int($0)] == pause }) {
                node = Int(known)
            } else {
                let fresh = parents.count
                parents.append(Int32(node))
                pauses.append(pause)
                following.append([])
                following[node].append(Int32(fresh))
                node = fresh
            }
        }
        mostRetries = max(mostRetries, retry.maxRetries)
        return node
    }

    /// Where the nodes after one stand in `children`.
    @inline(__always)
    func places(after node: Int) -> Range<Int> { Int(firstChild[node])..<Int(firstChild[node + 1]) }

    /// The waits from the root to a node.
    func path(to node: Int) -> [Backoff.Pause] {
        var path: [Backoff.Pause] = []
        var at = node
        while at > 0 {
            path.append(pauses[at])
            at = Int(parents[at])
        }
        return path.reversed()
    }

    /// As few trees as possible; each with the places of its rules in the list.
    static func trees(of rules: [Rule]) -> [(tree: RuleTree, places: [Int])] {
        var groups: [(frame: Frame, places: [Int])] = []
        var known: [Frame: Int] = [:]
        for (place, rule) in rules.enumerated() {
            let frame = Frame(rule)
            if let group = known[frame] {
                groups[group].places.append(place)
            } else {
                known[frame] = groups.count
                groups.append((frame, [place]))
            }
        }
        return groups.map { (RuleTree($0.places.map { rules[$0] }), $0.places) }
    }
}
