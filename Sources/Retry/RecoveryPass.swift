/// Reads the recovery of every failed attempt off one route's log in a single pass forward.
///
/// A failed attempt waits, from its end on, for two successes: one on its own host and one on another. It is given out
/// as soon as both are known, or at the end of the log. Cost: O(attempts), plus the logarithm of how many failures run
/// beside each other. Memory: 24 bytes a failure that waits for both, 56 bytes one that waits for the other success
/// only; nothing for attempts that succeeded.
///
/// methods: recovery
public struct RecoveryPass: Sendable {
    /// A failure that no success has followed yet.
    private struct Open {
        var endUs: Int64
        var row: Int
        var slot: Int32
        var outcome: UInt8
    }

    /// A failure that one of its two successes has followed.
    private struct Half {
        var open: Open
        var route: CensoredInterval
        var known: CensoredInterval
    }

    /// What waits on one host.
    private struct Host {
        var code: Int
        var lastFailureUs: Int64?
        var fresh: [Open] = []
        var needsSame: [Half] = []
        var needsOther: [Half] = []
    }

    private var hosts: [Host] = []
    private var slots: [Int64: Int] = [:]
    /// The number of the first row's host, and whether there is another.
    private var firstHost: Int64?
    private var hasSeveralHosts = false
    /// Failures that have not ended at the start of the last attempt: a heap, the earliest end first.
    private var running: [Open] = []
    private var freshCount = 0
    private var needsSameCount = 0
    private var needsOtherCount = 0
    /// The last failure on any host, and the last one on a host other than that one.
    private var latest: (slot: Int, us: Int64)?
    private var latestElsewhereUs: Int64?
    private var rows = 0

    /// A pass over a route's log; nothing is known yet.
    public init() {}

    /// Whether successes change nothing: no failure waits, or only for a host that has not been seen.
    private var isResting: Bool {
        running.isEmpty && freshCount + needsSameCount == 0 && (needsOtherCount == 0 || !hasSeveralHosts)
    }

    /// How many failures wait for a success.
    public var waiting: Int { running.count + freshCount + needsSameCount + needsOtherCount }

    /// Reads on in the route's log, which is sorted by start; the four columns have one length.
    ///
    /// - Parameters:
    ///   - startUs: UNIX start times, not before those of earlier calls.
    ///   - durationUs: durations; negative ones count as 0.
    ///   - host: any numbers that tell hosts apart.
    ///   - outcome: raw values of `Outcome`; unknown ones are an error of the caller.
    ///   - found: is given the failures whose recovery is known now, in no promised order.
    public mutating func add(
        startUs: Span<Int64>, durationUs: Span<Int64>, host: Span<Int64>, outcome: Span<Int64>,
        into found: inout [FailureRecovery]
    ) {
        precondition(
            startUs.count == outcome.count && durationUs.count == outcome.count && host.count == outcome.count,
            "columns of one length")
        let success = Int64(Outcome.success.rawValue)
        var index = 0
        while index < outcome.count {
            if isResting {
                while index < outcome.count, outcome[index] == success, hasSeveralHosts || host[index] == firstHost {
                    index += 1
                }
                if index == outcome.count { break }
            }
            step(
                startUs: startUs[index], durationUs: durationUs[index], host: host[index], outcome: outcome[index],
                row: rows + index, into: &found)
            index += 1
        }
        rows += outcome.count
    }

    /// Ends the log: gives out what still waits, without upper bounds where no success came.
    public mutating func finish(into found: inout [FailureRecovery]) {
        while !running.isEmpty { ripen() }
        for slot in hosts.indices {
            for open in hosts[slot].fresh {
                found.append(
                    recovery(
                        open, route: interval(open, latest?.us, nil),
                        same: interval(open, hosts[slot].lastFailureUs, nil),
                        other: interval(open, lastFailureUs(elsewhereThan: slot), nil)))
            }
            for half in hosts[slot].needsSame {
                let same = interval(half.open, hosts[slot].lastFailureUs, nil)
                found.append(recovery(half.open, route: half.route, same: same, other: half.known))
            }
            for half in hosts[slot].needsOther {
                let other = interval(half.open, lastFailureUs(elsewhereThan: slot), nil)
                found.append(recovery(half.open, route: half.route, same: half.known, other: other))
            }
        }
        self = RecoveryPass()
    }

    // MARK: One attempt

    private mutating func step(
        startUs: Int64, durationUs: Int64, host: Int64, outcome raw: Int64, row: Int,
        into found: inout [FailureRecovery]
    ) {
        if let firstHost { hasSeveralHosts = hasSeveralHosts || firstHost != host } else { firstHost = host }
        guard raw != Int64(Outcome.cancelled.rawValue) else { return }
        while let first = running.first, first.endUs <= startUs { ripen() }
        if raw == Int64(Outcome.success.rawValue) {
            if freshCount + needsSameCount + needsOtherCount > 0 { succeed(slot(of: host), atUs: startUs, &found) }
            return
        }
        let slot = slot(of: host)
        hosts[slot].lastFailureUs = startUs
        if let latest, latest.slot != slot { latestElsewhereUs = latest.us }
        latest = (slot, startUs)
        let (sum, isBeyond) = startUs.addingReportingOverflow(max(0, durationUs))
        push(Open(endUs: isBeyond ? .max : sum, row: row, slot: Int32(slot), outcome: UInt8(truncatingIfNeeded: raw)))
    }

    private mutating func succeed(_ slot: Int, atUs: Int64, _ found: inout [FailureRecovery]) {
        let same = hosts[slot].needsSame
        if !same.isEmpty {
            hosts[slot].needsSame = []
            needsSameCount -= same.count
            for half in same {
                let known = interval(half.open, hosts[slot].lastFailureUs, atUs)
                found.append(recovery(half.open, route: half.route, same: known, other: half.known))
            }
        }
        if needsOtherCount > hosts[slot].needsOther.count {
            for other in hosts.indices where other != slot && !hosts[other].needsOther.isEmpty {
                let halves = hosts[other].needsOther
                hosts[other].needsOther = []
                needsOtherCount -= halves.count
                for half in halves {
                    let known = interval(half.open, lastFailureUs(elsewhereThan: other), atUs)
                    found.append(recovery(half.open, route: half.route, same: half.known, other: known))
                }
            }
        }
        if freshCount > 0 { split(after: slot, atUs: atUs) }
    }

    /// The first success on the route after some failures: those on its host wait for another's now, and those on other
    /// hosts for their own.
    private mutating func split(after slot: Int, atUs: Int64) {
        for own in hosts.indices where !hosts[own].fresh.isEmpty {
            let fresh = hosts[own].fresh
            hosts[own].fresh = []
            let lastFailureUs = own == slot ? hosts[own].lastFailureUs : lastFailureUs(elsewhereThan: own)
            let halves = fresh.map { open in
                Half(
                    open: open, route: interval(open, latest?.us, atUs), known: interval(open, lastFailureUs, atUs))
            }
            if own == slot {
                hosts[own].needsOther += halves
                needsOtherCount += halves.count
            } else {
                hosts[own].needsSame += halves
                needsSameCount += halves.count
            }
        }
        freshCount = 0
    }

    private mutating func slot(of host: Int64) -> Int {
        // Routes have few hosts: to look through them is quicker than to hash.
        if hosts.count <= 8 {
            for slot in hosts.indices where hosts[slot].code == Int(host) { return slot }
        } else if let known = slots[host] {
            return known
        }
        slots[host] = hosts.count
        hosts.append(Host(code: Int(host)))
        return hosts.count - 1
    }

    private func lastFailureUs(elsewhereThan slot: Int) -> Int64? {
        guard let latest else { return nil }
        return latest.slot == slot ? latestElsewhereUs : latest.us
    }

    private func interval(_ open: Open, _ lastFailureUs: Int64?, _ successUs: Int64?) -> CensoredInterval {
        var leftUs: Int64 = 0
        if let lastFailureUs, lastFailureUs >= open.endUs { leftUs = Self.span(open.endUs, lastFailureUs) }
        guard let successUs else { return CensoredInterval(leftUs: leftUs, rightUs: .max) }
        // Recovered by the very instant of the failure's end: within the first microsecond.
        let rightUs = max(1, Self.span(open.endUs, successUs))
        return CensoredInterval(leftUs: min(leftUs, rightUs - 1), rightUs: rightUs)
    }

    /// The time between two instants, the greatest finite one if it cannot be told.
    private static func span(_ fromUs: Int64, _ toUs: Int64) -> Int64 {
        let (span, isBeyond) = toUs.subtractingReportingOverflow(fromUs)
        return isBeyond ? .max - 1 : min(span, .max - 1)
    }

    private func recovery(
        _ open: Open, route: CensoredInterval, same: CensoredInterval, other: CensoredInterval
    ) -> FailureRecovery {
        FailureRecovery(
            row: open.row, host: hosts[Int(open.slot)].code, outcome: Outcome(rawValue: open.outcome) ?? .errorStatus,
            endUs: open.endUs, route: route, sameHost: same, otherHost: hasSeveralHosts ? other : nil)
    }

    // MARK: The heap

    private mutating func push(_ open: Open) {
        running.append(open)
        var child = running.count - 1
        while child > 0, running[(child - 1) / 2].endUs > running[child].endUs {
            running.swapAt((child - 1) / 2, child)
            child = (child - 1) / 2
        }
    }

    /// The running failure that ends first has ended, and waits from now on.
    private mutating func ripen() {
        running.swapAt(0, running.count - 1)
        let open = running.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < running.count {
                if running[child].endUs < running[least].endUs { least = child }
            }
            if least == parent { break }
            running.swapAt(parent, least)
            parent = least
        }
        hosts[Int(open.slot)].fresh.append(open)
        freshCount += 1
    }
}
