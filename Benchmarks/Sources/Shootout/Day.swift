import Glibc
import Retry

/// One day of a world: when requests come, when hosts are down, slow or paused. Two rules meet exactly the same day.
struct Day: Sendable {
    struct Down: Sendable {
        var spanUs: Range<Int64>
        var outcome: Outcome
        /// Attempts get no answer at all, not even a refusal.
        var hangs: Bool
    }

    let world: World
    let seed: UInt64
    let arrivalsUs: [Int64]
    /// By host, in order of time, apart.
    let down: [[Down]]
    let pauses: [[Range<Int64>]]
    let slowdowns: [Range<Int64>]
    /// What the first attempt of each request comes to when nothing cuts it short; empty where that depends on what
    /// others did.
    private(set) var firsts: [Upstream.Reply] = []

    /// - Parameter slowdown: instead of those that the law would draw.
    init(_ world: World, seed: UInt64, slowdown: Range<Int64>? = nil) {
        self.world = world
        self.seed = seed
        var dice = Dice(seed: seed, world.name)
        let endUs = world.seconds * 1e6
        let factor = exp(world.drift * dice.normal())
        var down = Array(repeating: [Down](), count: world.hosts)
        for law in world.routeOutages {
            for outage in Self.outages(law, endUs, factor, &dice) {
                for host in down.indices { down[host].append(outage) }
            }
        }
        for law in world.hostOutages {
            for outage in Self.outages(law, endUs, factor, &dice) {
                down[Int(dice.unit() * Double(world.hosts))].append(outage)
            }
        }
        self.down = down.map(Self.apart)
        pauses = (0..<world.hosts).map { _ in world.pauses?.draw(untilUs: endUs, factor: 1, &dice) ?? [] }
        slowdowns =
            slowdown.map { [$0] } ?? world.service?.slowdowns.draw(untilUs: endUs, factor: 1, &dice) ?? []
        var arrivals: [Int64] = []
        var atUs = dice.exponential() * 1e6 / world.requestsPerSecond
        while atUs < endUs {
            arrivals.append(Int64(atUs))
            atUs += dice.exponential() * 1e6 / world.requestsPerSecond
        }
        arrivalsUs = arrivals
        if world.hasFeedback { return }
        var upstream = Upstream(self)
        firsts = arrivals.indices.map { index in
            let request = UInt64(index)
            let host = upstream.host(of: request, attempt: 1, choice: .any, tried: 0, last: nil)
            return upstream.serve(request, attempt: 1, host: host, nowUs: arrivals[index])
        }
    }

    /// The outage that holds a host at a time, if any.
    func outage(host: Int, atUs: Int64) -> Down? {
        let list = down[host]
        let place = Self.last(in: list.count, notAfter: atUs) { list[$0].spanUs.lowerBound }
        return place.flatMap { list[$0].spanUs.contains(atUs) ? list[$0] : nil }
    }

    /// How much longer an attempt that would take `tookUs` takes because its host pauses.
    func pausedUs(host: Int, atUs: Int64, tookUs: Int64) -> Int64 {
        let list = pauses[host]
        let place = Self.last(in: list.count, notAfter: atUs + tookUs) { list[$0].lowerBound }
        guard let place, list[place].upperBound > atUs else { return 0 }
        return list[place].upperBound - max(atUs, list[place].lowerBound)
    }

    func isSlow(atUs: Int64) -> Bool {
        let place = Self.last(in: slowdowns.count, notAfter: atUs) { slowdowns[$0].lowerBound }
        return place.map { slowdowns[$0].contains(atUs) } ?? false
    }

    private static func last(in count: Int, notAfter atUs: Int64, _ startUs: (Int) -> Int64) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if startUs(middle) <= atUs { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    private static func outages(_ law: OutageLaw, _ endUs: Double, _ factor: Double, _ dice: inout Dice) -> [Down] {
        law.spells.draw(untilUs: endUs, factor: factor, &dice).map { span in
            let hangs = dice.unit() < law.hangShare
            return Down(spanUs: span, outcome: dice.unit() < 0.5 ? .connectFailure : .errorStatus, hangs: hangs)
        }
    }

    /// In order of time; of two that overlap, the later one begins where the earlier ends.
    private static func apart(_ outages: [Down]) -> [Down] {
        var result: [Down] = []
        for outage in outages.sorted(by: { $0.spanUs.lowerBound < $1.spanUs.lowerBound }) {
            let fromUs = max(outage.spanUs.lowerBound, result.last?.spanUs.upperBound ?? 0)
            guard fromUs < outage.spanUs.upperBound else { continue }
            result.append(
                Down(spanUs: fromUs..<outage.spanUs.upperBound, outcome: outage.outcome, hangs: outage.hangs))
        }
        return result
    }
}
