import Retry

/// The requests of a run, decided before it begins: the same in both runs of a demo. Times are microseconds.
struct Arrivals: Equatable, Sendable {
    /// One request that a client will send.
    struct Planned: Equatable, Sendable {
        /// Index into the plan's routes.
        let route: Int
        /// Its number in the run: what hosts know it by.
        let number: UInt64
        /// When it is sent, after the run's start.
        let offsetUs: Int64
    }

    /// By time.
    let requests: [Planned]

    /// Poisson arrivals on every route of a plan: clients that do not know of each other and wait for nobody.
    init(plan: FaultPlan) {
        var all: [(route: Int, offsetUs: Int64)] = []
        for (index, route) in plan.routes.enumerated() {
            var dice = SplitMix64(seed: plan.seed, "arrivals of \(route.trouble.name)")
            var at = dice.exponential(mean: 1e6 / route.trouble.rate)
            while Int64(at) < plan.durationUs {
                all.append((index, Int64(at)))
                at += dice.exponential(mean: 1e6 / route.trouble.rate)
            }
        }
        all.sort { ($0.offsetUs, $0.route) < ($1.offsetUs, $1.route) }
        requests = all.enumerated().map { Planned(route: $1.route, number: UInt64($0), offsetUs: $1.offsetUs) }
    }
}
