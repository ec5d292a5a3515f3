import Glibc
import Retry

/// When each host and each route is down, over the whole day: the same for every number of attempts.
///
/// Up times are exponential, outages Pareto with index 1.1 from 2 s to 30 min (before scaling): most are over in
/// seconds, most of the lost time is in the few that last. All outages are scaled by one factor so that the expected
/// share of failed attempts is the one asked for.
struct OutagePlan: Sendable {
    struct Outage: Sendable {
        let fromUs: Double
        let toUs: Double
        let kind: FailureKind
    }

    /// The outages of each unit, in order: the routes first, then the hosts.
    let units: [[Outage]]
    /// The expected number of attempts a request.
    let attemptsPerRequest: Double
    /// The expected share of attempts that fail.
    let expectedFailures: Double

    /// P(fails | down): now and then one slips through.
    static let failsWhenDown = 0.98
    /// P(fails | up), besides what the limit cuts off.
    static let blips = 0.005
    private static let meanUpUs = (route: 3.6e9 * 1.2, host: 3.6e9 * 2.4)

    /// One unit's luck before scaling.
    private struct Draft {
        var upUs: [Double] = []
        var downUs: [Double] = []
        var kinds: [FailureKind] = []

        init(meanUpUs: Double, using dice: inout SplitMix64) {
            var sum = 0.0
            while sum < Double(MeshDay.dayUs) {
                upUs.append(-meanUpUs * log(1 - dice.unit()))
                let share = 1 - pow(2.0 / 1800, 1.1)
                downUs.append(2e6 / pow(1 - dice.unit() * share, 1 / 1.1))
                kinds.append(.draw(using: &dice))
                sum += upUs[upUs.count - 1]
            }
        }

        func outages(scale: Double) -> [Outage] {
            var found: [Outage] = []
            var at = 0.0
            for index in upUs.indices {
                at += upUs[index]
                let end = at + downUs[index] * scale
                if at >= Double(MeshDay.dayUs) { break }
                found.append(Outage(fromUs: at, toUs: end, kind: kinds[index]))
                at = end
            }
            return found
        }

        /// The share of the day that it is down, in outages that refuse and in others: what was refused is repeated.
        func downShare(scale: Double) -> (refusing: Double, other: Double) {
            let day = Double(MeshDay.dayUs)
            return outages(scale: scale).reduce(into: (refusing: 0.0, other: 0.0)) { sum, outage in
                let share = (min(outage.toUs, day) - outage.fromUs) / day
                if MeshDay.isRefusal(outage.kind.outcome) { sum.refusing += share } else { sum.other += share }
            }
        }
    }

    init(routes: [MeshRoute], hostsPerRoute: Int, shares: [Double], failures: Double, seed: UInt64) {
        var drafts: [Draft] = []
        for unit in 0..<(routes.count * (1 + hostsPerRoute)) {
            var dice = SplitMix64(seed: seed, "outages", UInt64(unit))
            drafts.append(
                Draft(meanUpUs: unit < routes.count ? Self.meanUpUs.route : Self.meanUpUs.host, using: &dice))
        }
        func expected(_ scale: Double) -> (attempts: Double, failures: Double) {
            var sum = (attempts: 0.0, failures: 0.0)
            for (index, route) in routes.enumerated() {
                let first = routes.count + index * hostsPerRoute
                let hosts = (first..<first + hostsPerRoute).reduce(0) { sum, host in
                    let down = drafts[host].downShare(scale: scale)
                    return sum + down.refusing + down.other
                }
                let one = Self.expected(
                    route, routeDown: drafts[index].downShare(scale: scale), hostDown: hosts / Double(hostsPerRoute))
                sum.attempts += shares[index] * one.attempts
                sum.failures += shares[index] * one.failures
            }
            return sum
        }
        var (low, high) = (0.0, 20.0)
        for _ in 0..<30 {
            let middle = (low + high) / 2
            let found = expected(middle)
            if found.failures / found.attempts < failures { low = middle } else { high = middle }
        }
        let found = expected(high)
        attemptsPerRequest = found.attempts
        expectedFailures = found.failures / found.attempts
        units = drafts.map { $0.outages(scale: high) }
    }

    /// Attempts and failures of a request at any moment of the day. A retry meets the route's state of its first
    /// attempt and a host of the usual health: outages are long beside waits.
    private static func expected(
        _ route: MeshRoute, routeDown: (refusing: Double, other: Double), hostDown: Double
    ) -> (attempts: Double, failures: Double) {
        let up = blips + (1 - blips) * route.overLimit
        let whenUp = hostDown * failsWhenDown + (1 - hostDown) * up
        let mixed = FailureKind.all.reduce(0) { $0 + (MeshDay.isRefusal($1.outcome) ? $1.share : 0) }
        let strange = (1 - FailureKind.ownShare) * mixed
        let states = [
            (routeDown.refusing, series(failing: failsWhenDown, refused: FailureKind.ownShare + strange, route)),
            (routeDown.other, series(failing: failsWhenDown, refused: strange, route)),
            (1 - routeDown.refusing - routeDown.other, series(failing: whenUp, refused: mixed, route)),
        ]
        return states.reduce(into: (attempts: 0.0, failures: 0.0)) { sum, state in
            sum.attempts += state.0 * state.1.attempts
            sum.failures += state.0 * state.1.failures
        }
    }

    /// What is not safe to repeat is retried only where it was refused, for then it cannot have been executed.
    private static func series(
        failing: Double, refused: Double, _ route: MeshRoute
    ) -> (attempts: Double, failures: Double) {
        let again = failing * (route.idempotentShare + (1 - route.idempotentShare) * refused)
        let attempts = 1 + again + again * again + again * again * again
        return (attempts, attempts * failing)
    }
}
