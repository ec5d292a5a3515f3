import Analyzer
import Retry

/// One world: what every rule costs on the same fresh days.
struct Contest: Sendable {
    /// A rule on fresh traffic.
    struct Entry: Sendable {
        var name: String
        var findings: Findings
        /// Whether it knew nothing of this world but its log, or not even that.
        var isDefault: Bool
    }

    /// What the tuner made of one log.
    struct Tuned: Sendable {
        var seed: UInt64
        var rules: [Contestant]
        var isChanged: Bool
        var findings: Findings
        /// What it promised: mean cost of a request, seconds; absent where several routes share the cost.
        var predicted: Double?
        var interval: ClosedRange<Double>?
        var reason: String
        /// How long the service stayed behind after a slow-down, seconds.
        var recoverySeconds: Double?
    }

    var world: World
    var defaults: [Entry]
    var present: Entry
    var presentRule: Rule
    var oracle: Entry
    var oracleRules: [Contestant]
    var tuned: [Tuned]
    /// After a slow-down without retries, seconds.
    var calmRecoverySeconds: Double?
    var presentRecoverySeconds: Double?

    /// Means over seeds.
    var tunedCost: Double { tuned.reduce(0) { $0 + $1.findings.cost } / Double(max(1, tuned.count)) }
    var regret: Double { tunedCost / oracle.findings.cost }
    var bestDefault: Entry { defaults.min { $0.findings.cost < $1.findings.cost } ?? present }

    static func play(_ days: [Day], _ contestants: [Contestant]) -> Findings {
        var sum = Findings()
        for day in days { sum.add(Play.findings(day, contestants)) }
        return sum
    }

    /// One rule at every layer.
    static func everywhere(_ contestant: Contestant, in world: World) -> [Contestant] {
        Array(repeating: contestant, count: world.layers)
    }
}

/// What a contest needs before its logs are tuned: the days, and the oracle's answer.
struct Arena: Sendable {
    let world: World
    let fresh: [Day]
    let oracle: [Contestant]
    let present: Contestant
    /// What the log is made under: the present rule, and for that one day what measures slow requests.
    let recording: Contestant

    /// - Parameter isQuick: fewer days.
    /// - Parameter isBare: logs are made under Envoy's default as it is, without backup requests.
    /// - Parameter isCalibration: the oracle is asked only where the log is made under its rule.
    init(_ world: World, isQuick: Bool, isBare: Bool, isCalibration: Bool) {
        self.world = world
        let freshDays = isQuick ? max(2, world.freshDays / 5) : world.freshDays
        // Where every rule must be played in full, on fewer; a queue takes longest.
        let playedDays = world.service == nil ? 6 : 2
        let searchedDays = isQuick ? (world.hasFeedback ? 1 : 2) : world.hasFeedback ? playedDays : freshDays
        fresh = (0..<freshDays).map { Day(world, seed: 2_000_000 + UInt64($0)) }
        let searched = (0..<searchedDays).map { Day(world, seed: 1_000_000 + UInt64($0)) }
        switch world.present {
        case .rule(let contestant):
            present = contestant
            oracle =
                isCalibration
                ? Contest.everywhere(contestant, in: world) : Oracle.search(world, days: searched)
        case .oracle:
            oracle = Oracle.search(world, days: searched)
            present = oracle[0]
        }
        recording = isBare ? present : Self.withBackup(present, world)
    }

    /// Where slow requests are never sent again, Finagle's backup request beside them (at p99 of the day before, one more
    /// request in a hundred): a log without any second attempt of a slow request cannot tell whether that would help.
    private static func withBackup(_ contestant: Contestant, _ world: World) -> Contestant {
        guard contestant.rule.perTryTimeoutUs == nil, world.layers == 1 else { return contestant }
        let before = Play.log(Day(world, seed: 4_000_000), Contest.everywhere(contestant, in: world))
        var backed = contestant
        backed.rule.hedge = Baselines.learned(from: before).last?.rule.hedge
        return backed
    }

    func price(_ name: String, _ contestants: [Contestant], isDefault: Bool = true) -> Contest.Entry {
        Contest.Entry(name: name, findings: Contest.play(fresh, contestants), isDefault: isDefault)
    }

    /// Log, tune, price on fresh days.
    func tune(seed: UInt64, replicates: Int) -> Contest.Tuned {
        let log = Play.log(Day(world, seed: seed), Contest.everywhere(recording, in: world))
        var rules: [Contestant] = []
        var tunings: [RouteTuning] = []
        for layer in 0..<world.layers {
            let route = "r\(layer)"
            let configuration = Configuration(
                objective: world.objective,
                routes: [
                    RouteConfiguration(
                        name: route, idempotent: true, objective: world.objective,
                        bounds: Bounds(mayIgnoreRetryAfter: world.mayIgnoreRetryAfter))
                ])
            let set = RuleSet(version: 1, createdUs: 0, routes: [route: RuleSet.Entry(rule: present.rule)])
            let tuner = Tuner(configuration: configuration, present: set, replicates: replicates, seed: seed)
            let columns = AttemptColumns(route: route, attempts: log.filter { $0.route == route })
            guard let tuning = tuner.tune(columns) else { continue }
            tunings.append(tuning)
            // What is kept goes on as it was, with what its proxy does besides.
            rules.append(tuning.isChanged ? Contestant(name: "tuned", rule: tuning.chosen.rule) : present)
        }
        let isSingle = world.layers == 1
        return Contest.Tuned(
            seed: seed, rules: rules, isChanged: tunings.contains(where: \.isChanged),
            findings: Contest.play(fresh, rules), predicted: isSingle ? tunings.first?.chosen.costSeconds : nil,
            interval: isSingle ? tunings.first?.chosen.interval : nil,
            reason: tunings.map(\.reason).joined(separator: "; "), recoverySeconds: recoverySeconds(rules))
    }

    /// After one slow-down of thirty seconds: how long attempts still stand in line for long. `nil` without a queue;
    /// infinite when they still do at the end.
    func recoverySeconds(_ rules: [Contestant]) -> Double? {
        guard world.service != nil else { return nil }
        var calm = world
        calm.seconds = 600
        let endUs: Int64 = 90_000_000
        let longest = (0..<3).map { place in
            let day = Day(calm, seed: 3_000_000 + UInt64(place), slowdown: 60_000_000..<endUs)
            guard let lastUs = Play.findings(day, rules).lastLongWaitUs, lastUs > endUs else { return 0.0 }
            return lastUs > 590_000_000 ? .infinity : Double(lastUs - endUs) / 1e6
        }
        return longest.max()
    }

    /// Everything but the tuned rules; without defaults, only what promises are held against.
    func contest(isCalibration: Bool) -> Contest {
        let own = Contest.everywhere(present, in: world)
        if isCalibration {
            let entry = Contest.Entry(name: "present", findings: Findings(), isDefault: true)
            return Contest(
                world: world, defaults: [], present: entry, presentRule: present.rule, oracle: entry,
                oracleRules: oracle, tuned: [])
        }
        let log = Play.log(Day(world, seed: 1), own)
        let learned = Baselines.learned(from: log.filter { $0.route == "r\(world.layers - 1)" })
        let defaults = (Baselines.fixed + learned).map { price($0.name, Contest.everywhere($0, in: world)) }
        return Contest(
            world: world, defaults: defaults, present: price("present", own),
            presentRule: present.rule, oracle: price("oracle", oracle, isDefault: false), oracleRules: oracle,
            tuned: [],
            calmRecoverySeconds: recoverySeconds(Contest.everywhere(Baselines.none, in: world)),
            presentRecoverySeconds: recoverySeconds(own))
    }
}
